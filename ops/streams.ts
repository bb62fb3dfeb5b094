/** One stream, read from its first item to its last: what is wrong in itself, and what must be elsewhere because of it. */
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { Commit } from '../core/commit.ts';
import type { Item } from '../core/ddb.ts';
import type { Deps } from '../core/deps.ts';
import type { UserId } from '../core/ids.ts';
import { parseEventKey, parseStreamKey, type Stream } from '../core/keys.ts';
import { reasonOf } from '../core/log.ts';
import type { RowChange } from '../core/views.ts';
import { type Reading, readings } from '../functions/aggregates.ts';
import { causeOf, stepsOf } from '../functions/reactions.ts';
import { changesOf } from '../functions/views.ts';
import { type FindingKind, type Suspicion, suspicion } from './finding.ts';
import { type Gather, itemsOf } from './walk.ts';

export type Receipt = { command: string; v: number };

export type Summary = {
  stream: Stream;
  head: Commit | undefined;
  /** The number of messages up to the newest commit of each author. */
  authors: Map<UserId, number>;
  /** Receipts that must be put; those that speak of a commit which is not there. */
  receipts: { missing: Receipt[]; untrue: Receipt[] };
  /** Commits from which something follows elsewhere. */
  causes: Commit[];
  /** Commands that something elsewhere has caused. */
  caused: string[];
  /** Rows of read models, by key. */
  rows: Map<string, RowChange>;
  wrong: Suspicion[];
};
/** A partition that is no stream's is only wrong. */
export type Examined = Summary | { stream: undefined; wrong: Suspicion[] };

const WRONG_LIMIT = 20;
const Numbered = z.looseObject({ number: z.int() });

export const rowKey = ({ key: { pk, sk } }: RowChange): string => JSON.stringify([pk, sk]);

type Run = {
  summary: Summary;
  reading: Reading;
  receipts: Map<string, number>;
  commands: Set<string>;
  /** The state before the next commit; unknown after what can't be read. */
  state: { is: unknown } | undefined;
  count: number;
  last: number;
};

const note = ({ summary: { stream, wrong } }: Run, kind: FindingKind, v: number, detail: string): void => {
  if (wrong.length < WRONG_LIMIT) wrong.push(suspicion(kind, stream, { about: `v${v}`, detail }));
};

/** What is to be read elsewhere because of this commit. */
const consequences = ({ summary }: Run, commit: Commit): void => {
  const { stream, authors, causes, caused, rows } = summary;
  summary.head = commit;
  if (commit.by !== undefined) authors.set(commit.by, commit.count);
  if (stepsOf(stream, commit).length > 0) causes.push(commit);
  if (causeOf(stream, commit.command)) caused.push(commit.command);
  for (const change of changesOf(stream, commit)) rows.set(rowKey(change), change);
};

/** The numbers of messages go on by one, and lead to the commit's count. */
const checkNumbers = (run: Run, { v, events, count }: Commit): void => {
  let n = run.count;
  for (const event of events) {
    const numbered = Numbered.safeParse(event);
    if (numbered.success && numbered.data.number !== ++n)
      note(run, 'number', v, `number ${numbered.data.number} follows ${n - 1}`);
    n = numbered.success ? numbered.data.number : n;
  }
  if (count !== n) note(run, 'number', v, `counts ${count} messages where the newest has number ${n}`);
};

/** The state, the audience and the count that a commit carries are those that its events lead to. */
const checkState = (run: Run, commit: Commit): void => {
  const { reading, state } = run;
  const carried = commit.reducer === reading.reducer ? reading.parse(commit.state) : undefined;
  const folded = state ? reading.evolve(state.is, commit.events) : carried;
  run.state = folded === undefined ? undefined : { is: carried ?? folded };
  if (carried === undefined || !state) return;
  if (!isDeepStrictEqual(carried, folded))
    note(run, 'state', commit.v, 'carries another state than its events lead to');
  else if (!isDeepStrictEqual([...reading.audience(folded)], commit.audience))
    note(run, 'state', commit.v, 'names another audience than its state does');
  else if (reading.count(folded) !== commit.count)
    note(run, 'state', commit.v, `counts ${commit.count} where its state counts ${reading.count(folded)}`);
};

const checkCommand = ({ commands, receipts, reading, summary }: Run, { v, command }: Commit): string | undefined => {
  if (commands.has(command)) return `its command ${command} was done before`;
  commands.add(command);
  // A person's command to a stream of which they know no version leaves one too.
  if (receipts.get(command) === v) receipts.delete(command);
  else if (reading.receipts && command.startsWith('system/')) summary.receipts.missing.push({ command, v });
  return undefined;
};

const addCommit = (run: Run, v: number, item: Item): void => {
  const isNext = v === run.last + 1;
  if (!isNext) note(run, 'gap', v, `follows version ${run.last}`);
  run.last = v;
  if (!isNext) run.state = undefined;
  const isKnown = run.state !== undefined;
  try {
    const commit = Commit.parse(item);
    if (commit.v !== v) note(run, 'undecodable', v, `says that it is version ${commit.v}`);
    const duplicate = checkCommand(run, commit);
    if (duplicate) note(run, 'duplicate', v, duplicate);
    checkState(run, commit);
    if (isKnown) checkNumbers(run, commit);
    run.count = commit.count;
    consequences(run, commit);
  } catch (error) {
    if (!(error instanceof z.ZodError)) throw error;
    run.state = undefined;
    // Its receipt, if it has one, is all that still says that it was done.
    for (const [command, at] of run.receipts) if (at === v) run.receipts.delete(command);
    note(run, 'undecodable', v, reasonOf(error));
  }
};

const end = (run: Run): Summary => {
  const { stream, receipts, wrong } = run.summary;
  receipts.untrue = [...run.receipts].map(([command, v]) => ({ command, v }));
  for (const { command, v } of receipts.missing.slice(0, WRONG_LIMIT))
    wrong.push(
      suspicion('commit without receipt', stream, { about: `v${v}`, detail: `${command} would be done again` }),
    );
  for (const { command, v } of receipts.untrue.slice(0, WRONG_LIMIT))
    wrong.push(suspicion('receipt without commit', stream, { about: `v${v}`, detail: `${command} is not there` }));
  return run.summary;
};

const begin = (stream: Stream): Run => {
  const summary: Summary = {
    ...{ stream, head: undefined, authors: new Map(), receipts: { missing: [], untrue: [] } },
    ...{ causes: [], caused: [], rows: new Map(), wrong: [] },
  };
  const reading = readings[stream.kind];
  const state = { is: reading.initial };
  return { summary, reading, receipts: new Map(), commands: new Set(), state, count: 0, last: 0 };
};

const streamOf = (pk: string): Stream | undefined => {
  try {
    return parseStreamKey(pk);
  } catch {
    return undefined;
  }
};

/** Receipts come before commits, in the order of their keys. */
export const examine = (pk: string): Gather<Examined> => {
  const stream = streamOf(pk);
  if (!stream) {
    const wrong: Suspicion = { kind: 'undecodable', tenant: pk.split('#')[0] ?? '', about: pk, detail: 'is no stream' };
    return { add: () => undefined, end: () => ({ stream: undefined, wrong: [wrong] }) };
  }
  const run = begin(stream);
  return {
    add: (item) => {
      const key = parseEventKey(String(item.sk));
      if (!key)
        run.summary.wrong.push(suspicion('undecodable', stream, { about: String(item.sk), detail: 'is no key' }));
      else if ('v' in key) addCommit(run, key.v, item);
      else run.receipts.set(key.command, Number(item.v));
    },
    end: () => end(run),
  };
};

/** The same, read again now. */
export const examineAgain = async (deps: Deps, pk: string): Promise<Examined> => {
  const gather = examine(pk);
  for await (const item of itemsOf(deps, pk)) gather.add(item);
  return gather.end();
};
