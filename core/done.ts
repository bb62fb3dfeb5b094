/** Was a reaction's command done? For who looks whether something is missing; the command loop itself looks in look.ts. */
import type { Commit } from './commit.ts';
import { type Aggregate, isRejection } from './decider.ts';
import type { Deps } from './deps.ts';
import { readRange, readReceipt } from './events.ts';
import { commandName, type Execution } from './execute.ts';
import type { Stream } from './keys.ts';
import { load } from './load.ts';

const PAGE = 500;

/** All commits of a stream, from `from` on, a page at a time. */
export async function* commitsOf(deps: Deps, stream: Stream, from = 1): AsyncGenerator<Commit> {
  for (let next = from; ; ) {
    const page = await readRange(deps, stream, { from: next, limit: PAGE });
    yield* page;
    const last = page.at(-1);
    if (!last || page.length < PAGE) return;
    next = last.v + 1;
  }
}

/** By its receipt or, where a restore lost that, by the commit itself. */
const hasCommit = async (deps: Deps, stream: Stream, command: string): Promise<boolean> => {
  const v = await readReceipt(deps, stream, command);
  const [own] = v === undefined ? [] : await readRange(deps, stream, { from: v, to: v, limit: 1 });
  if (own?.command === command) return true;
  for await (const commit of commitsOf(deps, stream)) if (commit.command === command) return true;
  return false;
};

export const isDone = async <S, C extends { at: string }, E extends { type: string }, R extends string>(
  deps: Deps,
  aggregate: Aggregate<S, C, E, R>,
  execution: Execution<C>,
): Promise<boolean> => {
  const { stream, command, dedupe } = execution;
  if (dedupe !== 'state' && (await hasCommit(deps, stream, commandName(execution)))) return true;
  // Also of who is told nothing any more: what was not said then is not missing now.
  const decided = aggregate.decide(command, (await load(deps, aggregate, stream)).state);
  return !isRejection(decided) && decided.length === 0;
};
