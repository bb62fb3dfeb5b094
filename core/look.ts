/** What the command loop looks at before it decides: the state, and whether the command was done already. */
import type { Commit } from './commit.ts';
import type { Aggregate } from './decider.ts';
import type { Deps } from './deps.ts';
import { readRange, readReceipt } from './events.ts';
import type { Stream } from './keys.ts';
import { load, stateAt } from './load.ts';
import { type Problem, problems } from './problem.ts';

/** How far a stream may have moved on since `after`. */
export const WINDOW = 500;
/**
 * So many versions before `after` are looked at too: they cost nothing in the same query, and catch the retry of a client
 * that wrongly renewed its `after`.
 */
const LOOK_BACK = 6;
/**
 * How the loop finds out whether the command was done already:
 * - `after`: the version it was made against; every later commit is looked at (devices, and streams that stay short);
 * - `state`: the rule finds the cause in the state and decides nothing (reactions, registers);
 * - `receipt`: a permanent receipt beside the commit, 4 write units (reactions to long streams).
 */
export type Dedupe = { after: number } | 'state' | 'receipt';

/** `refused`: why nothing may be appended, said only to whom the rule itself does not refuse. */
export type Seen<S> = { v: number; state: S; own?: Commit; refused?: Problem };

const lookAfter = async <S, C, E, R extends string>(
  deps: Deps,
  aggregate: Aggregate<S, C, E, R>,
  { stream, after, command }: { stream: Stream; after: number; command: string },
): Promise<Seen<S>> => {
  const commits = await readRange(deps, stream, {
    from: Math.max(after - LOOK_BACK, 1),
    limit: WINDOW + 2 + LOOK_BACK,
  });
  const own = commits.find((commit) => commit.command === command);
  if (own) return { v: own.v, state: await stateAt(deps, aggregate, stream, own), own };
  const last = commits.at(-1);
  const unknown = after > 0 && !commits.some(({ v }) => v === after);
  if (unknown || (last && last.v - after > WINDOW)) {
    const { v, state } = await load(deps, aggregate, stream);
    return { v, state, refused: unknown ? problems.afterUnknown() : problems.stale() };
  }
  return { v: last?.v ?? 0, state: await stateAt(deps, aggregate, stream, last) };
};

/** In doubt about an attempt at a version, everything from there on is looked at; else the newest commit is enough. */
const lookAtHead = async <S, C, E, R extends string>(
  deps: Deps,
  aggregate: Aggregate<S, C, E, R>,
  { stream, command, doubted }: { stream: Stream; command: string; doubted: number },
): Promise<Seen<S>> => {
  const since = doubted > 0 ? await readRange(deps, stream, { from: doubted, limit: WINDOW }) : [];
  const found = since.find((commit) => commit.command === command);
  if (found) return { v: found.v, state: await stateAt(deps, aggregate, stream, found), own: found };
  const { v, state, head } = await load(deps, aggregate, stream);
  return head?.command === command ? { v, state, own: head } : { v, state };
};

type Look = { stream: Stream; dedupe: Dedupe; command: string; doubted: number };

export const look = async <S, C, E, R extends string>(
  deps: Deps,
  aggregate: Aggregate<S, C, E, R>,
  { stream, dedupe, command, doubted }: Look,
): Promise<Seen<S>> => {
  if (typeof dedupe === 'object') return lookAfter(deps, aggregate, { stream, after: dedupe.after, command });
  if (dedupe === 'receipt') {
    const v = await readReceipt(deps, stream, command);
    const [own] = v === undefined ? [] : await readRange(deps, stream, { from: v, to: v, limit: 1 });
    // After a restore a receipt may name a version that is another's now.
    if (own?.command === command) return { v: own.v, state: await stateAt(deps, aggregate, stream, own), own };
  }
  return lookAtHead(deps, aggregate, { stream, command, doubted });
};
