/** What commands print: tables and lines on stdout, or one JSON document; progress on stderr for who is watching. */
import type { Output, Progress } from './command.ts';

export type Io = { out(text: string): void; err(text: string): void /** Is stderr a terminal? */; isTty: boolean };

type Options = {
  isJson: boolean;
  /** What was consumed so far, in words; undefined where it costs nothing. */
  cost: () => string | undefined;
};

const REDRAW_MS = 100;
const CLEAR = '\r\u001b[2K';

/** What was stored may be anything; none of it may steer the terminal. */
const printable = (text: string): string => text.replaceAll(/\p{Cc}/gu, '\ufffd');
const number = (n: number): string => Math.round(n).toLocaleString('en-US');

const cell = (value: unknown): string => {
  if (value === undefined || value === null) return '';
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return printable(value.map(cell).join(', '));
  return printable(typeof value === 'object' ? JSON.stringify(value) : String(value));
};

/** Rows with their columns aligned, numbers to the right. */
export const tableText = (rows: Record<string, unknown>[]): string => {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const isNumber = names.map((name) => rows.every((row) => ['number', 'undefined'].includes(typeof row[name])));
  const cells = [names, ...rows.map((row) => names.map((name) => cell(row[name])))];
  const widths = names.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  const aligned = (text: string, column: number): string =>
    isNumber[column] ? text.padStart(widths[column] ?? 0) : text.padEnd(widths[column] ?? 0);
  return cells.map((row) => row.map(aligned).join('  ').trimEnd()).join('\n');
};

const bar = (io: Io, cost: Options['cost'], label: string, total: number | undefined): Progress => {
  const started = performance.now();
  let done = 0;
  let drawn = 0;
  const draw = (now: number): void => {
    drawn = now;
    const of = total === undefined ? number(done) : `${number(done)}/${number(total)}`;
    const share = total ? [`${Math.floor((100 * done) / total)} %`] : [];
    const rate = `${number((done * 1000) / Math.max(1, now - started))}/s`;
    io.err(`${CLEAR}${[label, of, ...share, rate, cost()].filter((part) => part !== undefined).join('  ')}`);
  };
  return {
    tick: (n = 1) => {
      done += n;
      const now = performance.now();
      if (now - drawn >= REDRAW_MS) draw(now);
    },
    done: () => io.err(CLEAR),
  };
};

const silent: Progress = { tick: () => undefined, done: () => undefined };

export const createOutput = (io: Io, { isJson, cost }: Options): Output => ({
  isJson,
  line: (text) => {
    if (!isJson) io.out(`${text.split('\n').map(printable).join('\n')}\n`);
  },
  table: (rows) => {
    if (!isJson && rows.length > 0) io.out(`${tableText(rows)}\n`);
  },
  json: (document) => {
    if (isJson) io.out(`${JSON.stringify(document, null, 1)}\n`);
  },
  progress: (label, total) => (io.isTty ? bar(io, cost, label, total) : silent),
});
