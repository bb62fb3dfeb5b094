/**
 * repair: after a restore, or when the streams were silent for longer than they keep records. Brings everything that
 * follows from events to where the events say; running it again goes on where it was interrupted, or changes nothing.
 */
import { z } from 'zod';
import type { Item } from '../core/ddb.ts';
import { streamName } from '../core/keys.ts';
import type { View } from '../core/views.ts';
import { accountTokensView } from '../functions/accounts/account-tokens.ts';
import { views } from '../functions/views.ts';
import { type Command, type Flags, insistOnYes, textOf, UsageError } from './command.ts';
import { createMend, type Mend, type RepairReport } from './mend.ts';
import { mendAddress } from './mend-addresses.ts';
import { beginEra, beginEraWithoutStreams, gatherInbox, type Inbox, mendInbox } from './mend-inbox.ts';
import { mendMembers, mendReactions, mendReceipts } from './mend-streams.ts';
import { chainsOf, mendChain } from './purchases.ts';
import { rebuildView } from './rebuild.ts';
import { showProgress } from './show.ts';
import { examine, type Summary } from './streams.ts';
import { createPace, type OnProgress, partitions, rateOf, type Walk } from './walk.ts';

export type { RepairReport } from './mend.ts';
export type RepairOptions = {
  /** Units a second, of reads and writes together. */
  rate?: number;
  dryRun?: boolean;
  /** The moment to which tables were restored: every device that synced before this repair starts anew, once. */
  restored?: string;
  onProgress?: OnProgress;
};

/** Longer than a read that need not be consistent looks back; so that delivery sees what was taken back. */
const SETTLE_MS = [900, 900];

type Run = { walk: Walk; mend: Mend; options: RepairOptions };

/** Goes through one table once. */
const through = async <T>(
  { walk, options: { rate, onProgress } }: Run,
  { label, pages }: { label: string; pages: AsyncIterable<T[]> },
  run: (items: T[]) => Promise<void>,
): Promise<void> => {
  const pace = createPace(walk, rate);
  for await (const page of pages) {
    await run(page);
    onProgress?.(label, page.length);
    await pace();
  }
};

const throughStreams = (
  run: Run,
  label: string,
  change: (mend: Mend, summary: Summary) => Promise<void>,
): Promise<void> => {
  const { walk, mend } = run;
  const pages = partitions(walk.scan('events', { consistent: true }), examine);
  return through(run, { label, pages }, (examined) =>
    mend.each(
      examined.flatMap((each) => (each.stream ? [each] : [])),
      ({ stream }) => streamName(stream),
      (summary) => change(mend, summary),
    ),
  );
};

const throughInboxes = (run: Run, label: string, change: (inbox: Inbox) => Promise<void>): Promise<void> => {
  const pages = partitions(run.walk.scan('inbox', { consistent: true }), gatherInbox);
  return through(run, { label, pages }, (inboxes) => run.mend.each(inboxes, ({ pk }) => pk, change));
};

const mendRows = async (
  { walk, mend, options: { rate, onProgress } }: Run,
  some: readonly View[] = views,
): Promise<void> => {
  const { dryRun, report } = mend;
  for (const view of some) {
    const more = { ...(rate === undefined ? {} : { rate }), ...(onProgress ? { onProgress } : {}) };
    const { put, removed, failed } = await rebuildView(walk, view, { dryRun, ...more });
    report.changed.rowsPut += put;
    report.changed.rowsRemoved += removed;
    report.failed.push(...failed);
  }
};

const beginEras = async (run: Run, restored: string): Promise<void> => {
  const { walk, mend } = run;
  await throughInboxes(run, 'eras', (inbox) => beginEra(mend, inbox, restored));
  const people = partitions(walk.scan('devices', { consistent: true }), (pk) => ({
    add: () => undefined,
    end: () => pk,
  }));
  await through(run, { label: 'eras of devices', pages: people }, (keys) =>
    mend.each(
      keys,
      (pk) => pk,
      (pk) => beginEraWithoutStreams(mend, pk, restored),
    ),
  );
};

/**
 * Receipts first, for reactions believe them; then purchases by the audit, once it can be found whose they are; then what streams cause in others; then down what
 * is beyond the events, and up what is behind them; read models and addresses; at last, after a restore, one era more for everybody.
 */
export const repairAll = async (walk: Walk, options: RepairOptions = {}): Promise<RepairReport> => {
  const { deps, scan } = walk;
  const { dryRun = false, restored } = options;
  const mend = createMend(deps, dryRun);
  const run: Run = { walk, mend, options };
  await throughStreams(run, 'receipts', mendReceipts);
  await mendRows(run, [accountTokensView]);
  const chains = { label: 'purchases', pages: chainsOf(scan('transactions', { consistent: true })) };
  await through(run, chains, (some) =>
    mend.each(
      some,
      ({ chain }) => chain,
      (each) => mendChain(mend, each),
    ),
  );
  await throughStreams(run, 'reactions', mendReactions);
  await throughInboxes(run, 'pointers beyond', (inbox) => mendInbox(mend, inbox));
  if (mend.report.changed.pointersTakenBack > 0 && !dryRun) for (const ms of SETTLE_MS) await deps.sleep(ms);
  await throughStreams(run, 'pointers behind', mendMembers);
  await mendRows(run);
  const devices = { label: 'addresses', pages: scan('devices', { consistent: true }) };
  await through(run, devices, (items) =>
    mend.each(
      items,
      ({ pk, sk }) => `${pk} ${sk}`,
      (item: Item) => mendAddress(mend, item),
    ),
  );
  if (restored !== undefined) await beginEras(run, restored);
  return mend.report;
};

const restoredOf = (flags: Flags, now: Date): { restored?: string } => {
  const text = textOf(flags, 'restored');
  if (text === undefined) return {};
  const parsed = z.iso.datetime({ offset: true }).safeParse(text);
  if (!parsed.success) throw new UsageError('--restored must be a moment with its zone, such as 2026-11-24T10:00:00Z');
  if (new Date(parsed.data) > now) throw new UsageError('--restored must be a moment of the past');
  return { restored: new Date(parsed.data).toISOString() };
};

export const repair: Command = {
  name: 'repair',
  summary: 'bring everything that follows from events to where the events say',
  usage: `

After a restore, or when a stream was silent for more than a day. Goes through all tables while the system runs: receipts,
purchases by the audit, reactions, pointers and read marks, read models, push addresses. Events and the audit are the only truth:
what goes beyond them is taken back, and the devices that saw it start anew. Interrupted, run it again; with nothing to do it changes nothing.
After a restore say --restored with the moment that was restored to, and run it before you let requests in. --dry-run
counts what it would change; what only follows from its own changes is not counted then.`,
  flags: {
    restored: { value: 'moment', help: 'tables were restored to this moment: every device starts anew, once' },
  },
  run: async (target, args, flags, out) => {
    if (args.length > 0) throw new UsageError('repair takes no arguments');
    insistOnYes(target, flags, 'writes wherever something is missing or too much');
    const progress = showProgress(out);
    const options = { ...rateOf(target, flags), ...restoredOf(flags, target.deps.now()), dryRun: flags.dryRun };
    const { changed, failed } = await repairAll(target, { ...options, onProgress: progress.onProgress });
    progress.done();
    out.table(
      Object.entries(changed).flatMap(([what, n]) =>
        n > 0 ? [{ [flags.dryRun ? 'would change' : 'changed']: what, n }] : [],
      ),
    );
    out.table(failed);
    out.json({ dryRun: flags.dryRun, changed, failed });
    if (Object.values(changed).every((n) => n === 0))
      out.line(
        options.restored === undefined
          ? 'There was nothing to repair. What it can not mend, ops -- verify names.'
          : `There was nothing to repair: all devices start anew for ${options.restored} already.`,
      );
    if (changed.pointersMoved + changed.pointersReplaced > 0)
      out.line('Pointers that move lead to pushes, of the newest 20 versions of a stream at most.');
    return failed.length === 0 ? 0 : 1;
  },
};
