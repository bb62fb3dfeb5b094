/** Of every event that can be stored it is said what of it are words, and what is left can be read. */
import { describe, expect, test } from 'vitest';
import { Commit } from '../../core/commit.ts';
import { UserId } from '../../core/ids.ts';
import { parseStreamKey, type StreamKind } from '../../core/keys.ts';
import { PersonEvent } from '../../functions/accounts/person.ts';
import { readings } from '../../functions/aggregates.ts';
import { MatchEvent } from '../../functions/matching/events.ts';
import { ConversationEvent } from '../../functions/messaging/conversation.ts';
import { ProfileEvent } from '../../functions/profiles/profile.ts';
import { leave, words } from '../../functions/words.ts';
import corpus from '../corpus/commits.json' with { type: 'json' };

const unions = { conversation: ConversationEvent, pair: MatchEvent, person: PersonEvent, profile: ProfileEvent };

describe.each(Object.entries(unions))('of %s', (kind, union) => {
  test('every type of event is named', () => {
    const types = union.options.map(({ shape }) => shape.type.value);
    expect(Object.keys(words[kind as StreamKind]?.left ?? {}).sort()).toEqual([...types].sort());
  });
});

test.each(corpus.filter(({ item }) => words[parseStreamKey(item.pk).kind]))(
  'what is left can be read: $about',
  ({ item, after = [] }) => {
    const stream = parseStreamKey(item.pk);
    const { evolve, initial, check, reducer } = readings[stream.kind];
    const who = UserId.parse('usr_ada');
    const before = evolve(initial, after);
    const left = leave(stream, who, before)(Commit.parse(item));
    check(left.events);
    expect(left.events.map(({ type }) => type)).toEqual(item.events.map(({ type }) => type));
    if (words[stream.kind]?.theirs) expect([left.state, left.reducer]).toEqual([evolve(before, left.events), reducer]);
    else expect(left.state).toEqual(Commit.parse(item).state);
  },
);
