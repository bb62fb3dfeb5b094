/** The state of a stream: the one that its newest commit carries, or its events folded again. */
import type { Commit } from './commit.ts';
import type { Aggregate } from './decider.ts';
import type { Deps } from './deps.ts';
import { readNewest, readRange } from './events.ts';
import type { Stream } from './keys.ts';

const REFOLD_PAGE = 1000;

/** The state at a commit: the one that it carries, or, if another reducer made that, all events folded again. */
export const stateAt = async <S, C, E, R extends string>(
  deps: Deps,
  aggregate: Aggregate<S, C, E, R>,
  stream: Stream,
  commit: Commit | undefined,
): Promise<S> => {
  if (!commit) return aggregate.initial;
  const { reducer, alsoReads = [] } = aggregate;
  if (commit.reducer === reducer || alsoReads.includes(commit.reducer)) return aggregate.State.parse(commit.state);
  let state = aggregate.initial;
  for (let from = 1; from <= commit.v; from += REFOLD_PAGE) {
    const page = await readRange(deps, stream, { from, to: commit.v, limit: REFOLD_PAGE });
    for (const { events } of page)
      for (const event of events) state = aggregate.evolve(state, aggregate.Event.parse(event));
  }
  return state;
};

/** The state at the head of a stream and its version; `initial` and 0 for a stream that does not exist. */
export const load = async <S, C, E, R extends string>(
  deps: Deps,
  aggregate: Aggregate<S, C, E, R>,
  stream: Stream,
): Promise<{ v: number; state: S; head: Commit | undefined }> => {
  const [head] = await readNewest(deps, stream, 1);
  return { v: head?.v ?? 0, state: await stateAt(deps, aggregate, stream, head), head };
};
