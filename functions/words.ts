/**
 * What of an event are a person's words, and what is left of it when they are taken out: for the eraser, which is the same
 * for streams of every kind. A test holds that every type of event is named here.
 */
import { assert } from '../core/assert.ts';
import type { Commit } from '../core/commit.ts';
import type { UserId } from '../core/ids.ts';
import type { Stream, StreamKind } from '../core/keys.ts';
import { anonymous } from '../core/redact.ts';
import { noPreferences } from './accounts/preferences.ts';
import { readings } from './aggregates.ts';

type Event = Commit['events'][number];
type Left = (event: Event) => Event;

const without =
  (...fields: string[]): Left =>
  (event) => ({
    ...Object.fromEntries(Object.entries(event).filter(([field]) => !fields.includes(field))),
    type: event.type,
  });
const withEmpty =
  (field: string, empty: unknown): Left =>
  (event) => ({ ...event, [field]: empty });
/** Ids, kinds and moments: how streams hang together. */
const structure: Left = (event) => event;

/**
 * `theirs`: all of the stream is one person's own, its carried states too. Of the others only what `by` says goes, and their states
 * hold nobody's words. Kinds without an entry are never walked: purchases stay as the books of what was paid.
 */
type Words = { theirs: boolean; left: Record<string, Left> };
export const words: Partial<Record<StreamKind, Words>> = {
  conversation: {
    theirs: false,
    left: {
      ...{ Opened: structure, Sent: withEmpty('text', ''), Closed: structure, Erased: structure },
      ...{ Hidden: structure, Revealed: structure },
    },
  },
  pair: {
    theirs: false,
    left: {
      Liked: without('note'),
      ...{ Passed: structure, Deferred: structure, Undone: structure, Matched: structure },
      ...{ Unmatched: structure, Blocked: structure, Unblocked: structure },
    },
  },
  profile: {
    theirs: true,
    left: {
      ProfileSet: without('profile', 'active', 'left'),
      Visited: without('profile', 'active', 'left'),
      Judged: without('profile', 'active', 'left'),
    },
  },
  person: {
    theirs: true,
    left: {
      MatchMade: structure,
      ...{ MatchEnded: structure, Reacted: structure, BlockSet: structure, BlockLifted: structure },
      PreferencesSet: withEmpty('preferences', noPreferences),
      PurchaseChanged: structure,
      AccountTokenMade: without('token'),
      ConsumptionConsentSet: structure,
      StandingChanged: structure,
      WarningGiven: withEmpty('text', ''),
      ErasureBegun: structure,
      Erased: structure,
    },
  },
};

const leftOf = ({ theirs, left }: Words, event: Event, who: UserId): Event => {
  const take = left[event.type];
  assert(take, `nobody said what of ${event.type} are words`);
  return theirs || event.by === who ? take(event) : event;
};

/**
 * What is left of a commit without a person's words.
 * @param before of a stream that is theirs, the state at the version before, by today's reducer
 */
export const leave =
  ({ kind }: Stream, who: UserId, before: unknown) =>
  (commit: Commit): Commit => {
    const known = words[kind];
    assert(known, `nobody said what of ${kind} are words`);
    const events = commit.events.map((event) => leftOf(known, event, who));
    const left = { ...anonymous(commit, who), events };
    if (!known.theirs) return left;
    const { evolve, reducer } = readings[kind];
    return { ...left, state: evolve(before, events), reducer };
  };
