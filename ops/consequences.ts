/** What follows from events elsewhere, and what must have followed from some: reactions and rows of read models, both ways. */
import { isDeepStrictEqual } from 'node:util';
import type { Item } from '../core/ddb.ts';
import type { Deps } from '../core/deps.ts';
import { commitsOf } from '../core/done.ts';
import { type Key, type Stream, splitKey, streamName } from '../core/keys.ts';
import type { RowChange, View } from '../core/views.ts';
import { causeOf, type Step, stepsOf } from '../functions/reactions.ts';
import { views } from '../functions/views.ts';
import { type Suspicion, suspicion } from './finding.ts';
import { rowKey, type Summary } from './streams.ts';
import { readable } from './walk.ts';

/** Steps that nobody took. */
export const missingSteps = async (
  deps: Deps,
  { stream, causes }: Pick<Summary, 'stream' | 'causes'>,
): Promise<Step[]> => {
  const missing: Step[] = [];
  // What can't be decoded is told of its own stream.
  for (const step of causes.flatMap((commit) => stepsOf(stream, commit).flat()))
    if ((await readable(() => step.isTaken(deps))) === false) missing.push(step);
  return missing;
};

export const lookAtSteps = async (deps: Deps, summary: Pick<Summary, 'stream' | 'causes'>): Promise<Suspicion[]> =>
  (await missingSteps(deps, summary)).map((step) =>
    suspicion('reaction missing', summary.stream, { detail: `${streamName(step.stream)} lacks ${step.command}` }),
  );

/** Did a stream cause this command of another? */
const hasCaused = async (deps: Deps, cause: Stream, effect: Stream, command: string): Promise<boolean> => {
  for await (const commit of commitsOf(deps, cause))
    for (const step of stepsOf(cause, commit).flat())
      if (step.command === command && streamName(step.stream) === streamName(effect)) return true;
  return false;
};

export const lookAtCauses = async (
  deps: Deps,
  { stream, caused }: Pick<Summary, 'stream' | 'caused'>,
): Promise<Suspicion[]> => {
  const wrong: Suspicion[] = [];
  for (const command of caused) {
    const cause = causeOf(stream, command);
    if (!cause || (await readable(() => hasCaused(deps, cause, stream, command))) !== false) continue;
    wrong.push(suspicion('cause missing', stream, { about: command, detail: `${streamName(cause)} did not cause it` }));
  }
  return wrong;
};

export const readRow = ({ ddb, env }: Pick<Deps, 'ddb' | 'env'>, { pk, sk }: Key): Promise<Item | undefined> =>
  ddb.get({ TableName: env.VIEWS_TABLE, Key: { pk, sk }, ConsistentRead: true });

/** The row is as events say, or is not there where they say so; one that expires may be gone. */
export const isRow = (item: Item | undefined, { row }: RowChange): boolean =>
  isDeepStrictEqual(item, row) || (item === undefined && row?.expires !== undefined);

/** The changes of a view's rows by one stream, from `from` on: of each row the last one. */
export const foldRows = async (
  deps: Deps,
  view: Pick<View, 'changes'>,
  { stream, from = 1, rows = new Map() }: { stream: Stream; from?: number; rows?: Map<string, RowChange> },
): Promise<{ rows: Map<string, RowChange>; v: number }> => {
  let v = from - 1;
  for await (const commit of commitsOf(deps, stream, from)) {
    for (const change of view.changes(stream, commit)) rows.set(rowKey(change), change);
    v = commit.v;
  }
  return { rows, v };
};

/** Rows that must be there. What a later commit changed meanwhile is the later look's. */
export const lookAtRows = async (
  deps: Deps,
  { stream, rows }: Pick<Summary, 'stream' | 'rows'>,
): Promise<Suspicion[]> => {
  const wrong: Suspicion[] = [];
  for (const change of rows.values()) {
    const item = await readRow(deps, change.key);
    if (isRow(item, change)) continue;
    const { pk, sk } = change.key;
    const kind = item ? ('row wrong' as const) : ('row missing' as const);
    wrong.push(suspicion(kind, stream, { about: `${pk} ${sk}`, detail: 'is not as the events say' }));
  }
  return wrong;
};

export const viewOf = ({ sk }: Key): View | undefined => views.find(({ name }) => name === splitKey(sk)[0]);
export const keyOf = (item: Item): Key => ({ pk: String(item.pk), sk: String(item.sk) });

/** Does anything lead to this row? The row first: one that a reaction wrote has its event before it. */
export const hasCause = async (deps: Deps, view: View, key: Key): Promise<boolean> => {
  const stream = view.causeOf(key);
  if (!stream) return false;
  const { rows } = await foldRows(deps, view, { stream });
  return rows.get(rowKey({ key, row: undefined }))?.row !== undefined;
};

const stray = ({ pk, sk }: Key, detail: string): Suspicion => ({
  kind: 'row without cause',
  tenant: splitKey(pk)[0] ?? '',
  about: `${pk} ${sk}`,
  detail,
});

/** A row that was read just now, or is read again. */
export const lookAtCauseOf = async (deps: Deps, key: Key, given?: Item): Promise<Suspicion[]> => {
  if (!given && !(await readRow(deps, key))) return [];
  const view = viewOf(key);
  if (!view) return [stray(key, 'is of no view that is known')];
  return (await readable(() => hasCause(deps, view, key))) === false ? [stray(key, 'follows from no event')] : [];
};
