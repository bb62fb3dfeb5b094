/**
 * What follows from events in other contexts: Matched → open the conversation, tell both people, list the match.
 * Every step is idempotent and derived from its cause, so a repetition after a crash finishes what is missing.
 */
import { assert } from '../core/assert.ts';
import type { Commit } from '../core/commit.ts';
import { type Aggregate, isRejection } from '../core/decider.ts';
import { ring } from '../core/deliver.ts';
import type { Deps } from '../core/deps.ts';
import { isDone } from '../core/done.ts';
import { commandName, type Execution, execute } from '../core/execute.ts';
import type { UserId } from '../core/ids.ts';
import { type Stream, streamName } from '../core/keys.ts';
import { writeRow } from '../core/views.ts';
import { person } from './accounts/person.ts';
import { conversationOf, MatchEvent } from './matching/match.ts';
import { conversation } from './messaging/conversation.ts';
import { changesOf } from './views.ts';

/** One command that follows from an event. */
export type Step = {
  stream: Stream;
  /** How its commit names it. */
  command: string;
  /** Done before, it does nothing. */
  take: (deps: Deps) => Promise<void>;
  isTaken: (deps: Deps) => Promise<boolean>;
};

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

const step = <S, C extends { at: string }, E extends { type: string }, R extends string>(
  aggregate: Aggregate<S, C, E, R>,
  execution: Execution<C>,
): Step => ({
  stream: execution.stream,
  command: commandName(execution),
  take: (deps) => follow(deps, aggregate, execution),
  isTaken: (deps) => isDone(deps, aggregate, execution),
});

type Matched = Extract<MatchEvent, { type: 'Matched' }>;
const MATCHED = 'matched:';

const tell = ({ tenant, id }: Stream, me: UserId, other: UserId, at: string): Step =>
  step(person, {
    stream: { tenant, kind: 'person', id: me },
    command: { type: 'TellMatch', person: me, with: other, conversation: conversationOf(me, other), at },
    id: MATCHED + id,
    dedupe: 'receipt',
  });

/** The conversation first: who is told of it finds it there. */
const onMatched = (cause: Stream, { between: [a, b], at }: Matched): Step[][] => {
  const open = step(conversation, {
    stream: { tenant: cause.tenant, kind: 'conversation', id: conversationOf(a, b) },
    command: { type: 'Open', members: [a, b], at },
    id: MATCHED + cause.id,
    dedupe: 'state',
  });
  return [[open], [tell(cause, a, b, at), tell(cause, b, a, at)]];
};

/** The commands that follow from one commit; each list waits for the one before. Pure. */
export const stepsOf = (stream: Stream, commit: Pick<Commit, 'events'>): Step[][] => {
  if (stream.kind !== 'pair') return [];
  return commit.events.flatMap((each) => {
    const event = MatchEvent.parse(each);
    return event.type === 'Matched' ? onMatched(stream, event) : [];
  });
};

/** The stream that a reaction's command follows from; undefined for who acts by themselves. */
export const causeOf = ({ tenant }: Stream, command: string): Stream | undefined => {
  const prefix = commandName({ id: MATCHED });
  return command.startsWith(prefix) ? { tenant, kind: 'pair', id: command.slice(prefix.length) } : undefined;
};

/** Everything that follows from one commit. */
export const react = async (deps: Deps, stream: Stream, commit: Pick<Commit, 'events'>): Promise<void> => {
  for (const steps of stepsOf(stream, commit)) await Promise.all(steps.map(({ take }) => take(deps)));
  await Promise.all(changesOf(stream, commit).map((change) => writeRow(deps, change)));
};
