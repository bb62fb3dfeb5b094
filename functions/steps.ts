/** Steps of reactions: commands that follow from an event elsewhere. Each is idempotent and derived from its cause. */
import { assert } from '../core/assert.ts';
import { type Aggregate, isRejection } from '../core/decider.ts';
import { ring } from '../core/deliver.ts';
import type { Deps } from '../core/deps.ts';
import { isDone } from '../core/done.ts';
import { commandName, type Execution, execute } from '../core/execute.ts';
import { type Stream, streamName } from '../core/keys.ts';
import { applyStanding } from './standing.ts';

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
  if (!done.fresh || !done.commit) return;
  // At once, and by the person's own stream once more.
  await applyStanding(deps, execution.stream, done.commit);
  await ring(deps, execution.stream, done.commit);
};

export const step = <S, C extends { at: string }, E extends { type: string }, R extends string>(
  aggregate: Aggregate<S, C, E, R>,
  execution: Execution<C>,
): Step => ({
  stream: execution.stream,
  command: commandName(execution),
  take: (deps) => follow(deps, aggregate, execution),
  isTaken: (deps) => isDone(deps, aggregate, execution),
});
