/** What was stored once can be read for ever, and no stored or spoken shape changes unnoticed. */
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { Commit } from '../core/commit.ts';
import { Device } from '../core/devices.ts';
import { ClientFrame } from '../core/frames.ts';
import { parseStreamKey } from '../core/keys.ts';
import { Tenant } from '../core/tenants.ts';
import { PersonEvent, person } from '../functions/accounts/person.ts';
import { MatchEvent, match } from '../functions/matching/match.ts';
import { Match } from '../functions/matching/matches.ts';
import { ConversationEvent, conversation } from '../functions/messaging/conversation.ts';
import { ProfileEvent, profile } from '../functions/profiles/profile.ts';
import { OwnershipEvent, ownership } from '../functions/purchases/ownership.ts';
import { PushJob } from '../functions/push/jobs.ts';
import { CaseEvent, theCase } from '../functions/safety/case.ts';
import { ExpiryJob } from '../functions/sync/connections.ts';
import corpus from './corpus/commits.json' with { type: 'json' };
import fingerprints from './fingerprints.json' with { type: 'json' };

/** The state after some events, by the reducer of their stream's kind. */
const folded = (kind: string, events: unknown[]): unknown => {
  switch (kind) {
    case 'pair':
      return events.map((event) => MatchEvent.parse(event)).reduce(match.evolve, match.initial);
    case 'conversation':
      return events.map((event) => ConversationEvent.parse(event)).reduce(conversation.evolve, conversation.initial);
    case 'person':
      return events.map((event) => PersonEvent.parse(event)).reduce(person.evolve, person.initial);
    case 'case':
      return events.map((event) => CaseEvent.parse(event)).reduce(theCase.evolve, theCase.initial);
    case 'profile':
      return events.map((event) => ProfileEvent.parse(event)).reduce(profile.evolve, profile.initial);
    case 'purchase':
      return events.map((event) => OwnershipEvent.parse(event)).reduce(ownership.evolve, ownership.initial);
    default:
      throw new Error(`no reducer for ${kind}`);
  }
};

describe('a commit of long ago', () => {
  test.each(corpus)('is decoded and folds to the state it carried: $about', ({ item, state, after = [] }) => {
    const commit = Commit.parse(item);
    expect(parseStreamKey(item.pk).kind).toBe(item.kind);
    expect(folded(commit.kind, [...after, ...commit.events])).toEqual(state);
    expect(commit.state).toEqual(state);
  });
  test('stands in the corpus for every type of event that there is', () => {
    const types = [MatchEvent, ConversationEvent, PersonEvent, ProfileEvent, OwnershipEvent, CaseEvent].flatMap(
      (union) => union.options.map(({ shape }) => shape.type.value),
    );
    const frozen = corpus.flatMap(({ item }) => item.events.map(({ type }) => type));
    expect(types.filter((type) => !frozen.includes(type))).toEqual([]);
  });
});

const schemas = {
  Commit,
  MatchEvent,
  MatchState: match.State,
  ConversationEvent,
  ConversationState: conversation.State,
  PersonEvent,
  PersonState: person.State,
  ProfileEvent,
  ProfileState: profile.State,
  OwnershipEvent,
  OwnershipState: ownership.State,
  CaseEvent,
  CaseState: theCase.State,
  Match,
  Device,
  PushJob,
  ExpiryJob,
  ClientFrame,
  Tenant,
};

test.each(Object.entries(schemas))('the shape of %s is the one that was agreed', (name, schema) => {
  const shape = JSON.stringify(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }));
  const fingerprint = createHash('sha256').update(shape).digest('hex').slice(0, 16);
  const agreed = new Map(Object.entries(fingerprints)).get(name);
  expect(
    fingerprint,
    `${name} has changed. If stored data can still be read (add a frozen example to test/corpus), and a state's reducer number was raised, write ${fingerprint} into test/fingerprints.json and a line into CHANGELOG.md.`,
  ).toBe(agreed);
});
