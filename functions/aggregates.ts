/** Which aggregate a stream's kind is: for who shows or examines streams of any kind. */
import type { Commit } from '../core/commit.ts';
import type { Aggregate } from '../core/decider.ts';
import type { Deps } from '../core/deps.ts';
import type { UserId } from '../core/ids.ts';
import type { Stream, StreamKind } from '../core/keys.ts';
import { stateAt } from '../core/load.ts';
import { person } from './accounts/person.ts';
import { match } from './matching/match.ts';
import { conversation } from './messaging/conversation.ts';
import { profile } from './profiles/profile.ts';
import { ownership } from './purchases/ownership.ts';
import { theCase } from './safety/case.ts';

/** The state at a commit by today's reducer, whichever made the one that it carries. */
export const stateOf = (deps: Deps, stream: Stream, commit: Commit): Promise<unknown> => {
  switch (stream.kind) {
    case 'case':
      return stateAt(deps, theCase, stream, commit);
    case 'conversation':
      return stateAt(deps, conversation, stream, commit);
    case 'pair':
      return stateAt(deps, match, stream, commit);
    case 'person':
      return stateAt(deps, person, stream, commit);
    case 'profile':
      return stateAt(deps, profile, stream, commit);
    case 'purchase':
      return stateAt(deps, ownership, stream, commit);
  }
};

/** An aggregate without its commands: what events mean. States go in and out as they are stored. */
export type Reading = {
  reducer: number;
  initial: unknown;
  /** @throws ZodError for a state or an event of another shape */
  evolve: (state: unknown, events: readonly unknown[]) => unknown;
  parse: (state: unknown) => unknown;
  /** @throws ZodError for an event that nobody can read */
  check: (events: readonly unknown[]) => void;
  audience: (state: unknown) => readonly UserId[];
  count: (state: unknown) => number;
  /** Do commands of the system leave a receipt here? */
  receipts: boolean;
};

const readingOf = <S, C, E, R extends string>(
  aggregate: Aggregate<S, C, E, R>,
  { receipts } = { receipts: false },
): Reading => {
  const { reducer, initial, State, Event, evolve, audience, count } = aggregate;
  return {
    ...{ reducer, initial, receipts },
    evolve: (state, events) => events.map((event) => Event.parse(event)).reduce(evolve, State.parse(state)),
    parse: (state) => State.parse(state),
    check: (events) => {
      for (const event of events) Event.parse(event);
    },
    audience: (state) => audience(State.parse(state)),
    count: (state) => count(State.parse(state)),
  };
};

export const readings: Record<StreamKind, Reading> = {
  case: readingOf(theCase),
  conversation: readingOf(conversation),
  pair: readingOf(match),
  person: readingOf(person, { receipts: true }),
  profile: readingOf(profile),
  purchase: readingOf(ownership),
};
