/**
 * rebuild: a read model's rows from the events, while writes go on and without a hole: first every row that follows from
 * events is put where it is not so yet, then the rows are removed that follow from none.
 */
import { z } from 'zod';
import { isFault } from '../core/ddb.ts';
import type { Deps } from '../core/deps.ts';
import { readNewest } from '../core/events.ts';
import { type Key, parseStreamKey, type Stream, streamName, viewPrefix } from '../core/keys.ts';
import { errorName } from '../core/log.ts';
import { backoff } from '../core/retry.ts';
import { type RowChange, type View, writeRow } from '../core/views.ts';
import { views } from '../functions/views.ts';
import { type Command, insistOnYes, UsageError } from './command.ts';
import { foldRows, hasCause, isRow, keyOf, readRow } from './consequences.ts';
import { showProgress } from './show.ts';
import { rowKey } from './streams.ts';
import { createPace, forEach, type OnProgress, partitions, rateOf, type Walk } from './walk.ts';

export type RebuildReport = {
  view: string;
  streams: number;
  /** Rows that were not as the events say; with `dryRun` they still are not. */
  put: number;
  removed: number;
  failed: { about: string; error: string }[];
  /** Streams that nobody can read: their rows stay as they are, and verify names them. */
  unreadable: { about: string; error: string }[];
};
export type RebuildOptions = { rate?: number; dryRun?: boolean; onProgress?: OnProgress };

const ATTEMPTS = 5;
/** A stream that goes on faster than its rows can be written is left to its reactions. */
const ROUNDS = 20;

/** Writing a row says the same twice, so that it may be tried again whatever became of it. */
const writeSurely = async (deps: Deps, change: RowChange): Promise<void> => {
  for (let attempt = 1; ; attempt++) {
    try {
      return await writeRow(deps, change);
    } catch (error) {
      if (isFault(error) || attempt === ATTEMPTS) throw error;
      await deps.sleep(backoff(deps.random, attempt));
    }
  }
};

type Run = { deps: Deps; view: View; dryRun: boolean; report: RebuildReport };

/** Writes those that differ. @returns how many */
const level = async ({ deps, dryRun, report }: Run, changes: readonly RowChange[]): Promise<number> => {
  let written = 0;
  for (const change of changes) {
    if (isRow(await readRow(deps, change.key), change)) continue;
    if (!dryRun) await writeSurely(deps, change);
    report[change.row ? 'put' : 'removed']++;
    written++;
  }
  return written;
};

/**
 * All rows of one stream. A row that was written here may be older than one that a reaction wrote meanwhile; that one's
 * event is then in the stream, for it came first, and the rows are compared once more with all that is there by now.
 */
const putRows = async (run: Run, stream: Stream): Promise<void> => {
  const { deps, view, report } = run;
  report.streams++;
  let { rows, v } = await foldRows(deps, view, { stream });
  for (let round = 0; round < ROUNDS; round++) {
    const written = await level(run, [...rows.values()]);
    const [head] = await readNewest(deps, stream, 1);
    if (written === 0 || run.dryRun || !head || head.v <= v) return;
    ({ rows, v } = await foldRows(deps, view, { stream, from: v + 1, rows }));
  }
  throw new Error('its stream goes on too fast');
};

/**
 * A row that nothing leads to is removed. It was read before its stream: what a reaction wrote has its event before it.
 * One that is written in the very moment of the removal has its event by then, and is put again.
 */
const removeStray = async ({ deps, view, dryRun, report }: Run, key: Key): Promise<void> => {
  if (!(await readRow(deps, key)) || (await hasCause(deps, view, key))) return;
  report.removed++;
  if (dryRun) return;
  await writeSurely(deps, { key, row: undefined });
  const stream = view.causeOf(key);
  const again = stream && (await foldRows(deps, view, { stream })).rows.get(rowKey({ key, row: undefined }));
  if (again?.row) await writeSurely(deps, again);
};

const isOf = ({ name }: View, { sk }: Key): boolean => sk.startsWith(viewPrefix(name));

const each = async <T>({ report }: Run, items: T[], name: (item: T) => string, run: (item: T) => Promise<void>) => {
  for (const { item, error } of await forEach(items, run))
    report[error instanceof z.ZodError ? 'unreadable' : 'failed'].push({ about: name(item), error: errorName(error) });
};

const streamsOf = (pk: string, { kind }: View): Stream[] => {
  try {
    const stream = parseStreamKey(pk);
    return stream.kind === kind ? [stream] : [];
  } catch {
    return [];
  }
};

/** @throws UsageError when there is no such view */
const viewNamed = (name: string): View => {
  const view = views.find((each) => each.name === name);
  if (!view) throw new UsageError(`there is no view ${name}; there are ${views.map((each) => each.name).join(', ')}`);
  return view;
};

/** @param view its name, or the view itself */
export const rebuildView = async (
  walk: Walk,
  view: View | string,
  { rate, dryRun = false, onProgress = () => undefined }: RebuildOptions = {},
): Promise<RebuildReport> => {
  const { deps, scan } = walk;
  const of = typeof view === 'string' ? viewNamed(view) : view;
  const report: RebuildReport = { view: of.name, streams: 0, put: 0, removed: 0, failed: [], unreadable: [] };
  const run = { deps, view: of, dryRun, report };
  const pace = createPace(walk, rate);
  const names = partitions(scan('events', { consistent: true }), (pk) => ({
    add: () => undefined,
    end: () => streamsOf(pk, of),
  }));
  for await (const page of names) {
    await each(run, page.flat(), streamName, (stream) => putRows(run, stream));
    onProgress(`streams for ${of.name}`, page.length);
    await pace();
  }
  for await (const page of scan('views', { consistent: true })) {
    const rows = page.map(keyOf).filter((key) => isOf(of, key));
    await each(
      run,
      rows,
      ({ pk, sk }) => `${pk} ${sk}`,
      (key) => removeStray(run, key),
    );
    onProgress(`rows of ${of.name}`, page.length);
    await pace();
  }
  return report;
};

export const rebuild: Command = {
  name: 'rebuild',
  summary: 'rebuild a read model from the events',
  usage: `<view>

Puts every row that follows from events where it is missing or different, then removes the rows that follow from none.
Readers see no hole, writes go on, and running it again changes nothing. --dry-run tells the differences.
Views: ${views.map(({ name }) => name).join(', ')}.`,
  run: async (target, [name = '', ...rest], flags, out) => {
    if (name === '' || rest.length > 0) throw new UsageError('name one view: rebuild <view>');
    const view = viewNamed(name);
    insistOnYes(target, flags, `writes rows of ${name}`);
    const progress = showProgress(out);
    const options = { ...rateOf(target, flags), dryRun: flags.dryRun, onProgress: progress.onProgress };
    const report = await rebuildView(target, view, options);
    progress.done();
    out.table([{ view: name, streams: report.streams, put: report.put, removed: report.removed }]);
    out.table([...report.failed, ...report.unreadable]);
    out.json({ dryRun: flags.dryRun, ...report });
    if (flags.dryRun) out.line('Nothing was changed.');
    return report.failed.length + report.unreadable.length === 0 ? 0 : 1;
  },
};
