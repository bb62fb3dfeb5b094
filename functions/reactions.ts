/**
 * What follows from events in other contexts: Matched → open the conversation, tell both people, list the match.
 * Every step is idempotent and derived from its cause, so a repetition after a crash finishes what is missing.
 */
import { assert } from '../core/assert.ts';
import type { Commit } from '../core/commit.ts';
import { type Aggregate, isRejection } from '../core/decider.ts';
import { ring } from '../core/deliver.ts';
import type { Deps } from '../core/deps.ts';
import { type Execution, execute } from '../core/execute.ts';
import type { UserId } from '../core/ids.ts';
import { type Stream, streamName } from '../core/keys.ts';
import { person } from './accounts/person.ts';
import { conversationOf, MatchEvent } from './matching/match.ts';
import { putMatch } from './matching/matches.ts';
import { conversation } from './messaging/conversation.ts';

/** A reaction's command can't be refused: its cause has happened. */
const follow = async <S, C extends { at: string }, E extends { type: string }, R extends string>(
  deps: Deps,
  aggregate: Aggregate<S, C, E, R>,
  execution: Execution<C>,
): Promise<void> => {
  const done = await execute(deps, aggregate, execution);
  assert(!isRejection(done), `${streamName(execution.stream)} refused a reaction`);
  if (done.fresh && done.commit) await ring(deps, execution.stream, done.commit);
};

type Matched = Extract<MatchEvent, { type: 'Matched' }>;

const tell = async (deps: Deps, cause: Stream, me: UserId, other: UserId, at: string): Promise<void> => {
  const { tenant } = cause;
  const opened = conversationOf(me, other);
  await follow(deps, person, {
    stream: { tenant, kind: 'person', id: me },
    command: { type: 'TellMatch', person: me, with: other, conversation: opened, at },
    id: `matched:${cause.id}`,
    dedupe: 'receipt',
  });
  await putMatch(deps, { tenant, user: me }, { with: other, conversationId: opened, at });
};

/** The conversation first: who is told of it finds it there. */
const onMatched = async (deps: Deps, cause: Stream, { between: [a, b], at }: Matched): Promise<void> => {
  await follow(deps, conversation, {
    stream: { tenant: cause.tenant, kind: 'conversation', id: conversationOf(a, b) },
    command: { type: 'Open', members: [a, b], at },
    id: `matched:${cause.id}`,
    dedupe: 'state',
  });
  await Promise.all([tell(deps, cause, a, b, at), tell(deps, cause, b, a, at)]);
};

/** Everything that follows from one commit. */
export const react = async (deps: Deps, stream: Stream, commit: Pick<Commit, 'events'>): Promise<void> => {
  if (stream.kind !== 'pair') return;
  for (const each of commit.events) {
    const event = MatchEvent.parse(each);
    if (event.type === 'Matched') await onMatched(deps, stream, event);
  }
};
