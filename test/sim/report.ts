/** What `npm run sim` says while it runs, and in the end. */
import type { Told } from './worker.ts';

const PROGRESS_MS = 2000;

export type Sum = {
  done: number;
  total: number;
  ops: number;
  faults: number;
  caught: number;
  /** Which seed saw a planted bug. */
  seen: Map<string, number>;
  missed: string[];
  failed: Map<string, string[]>;
  worst: { name: string; violations: number; faults: number };
};
export const createSum = (total: number): Sum => ({
  done: 0,
  total,
  ops: 0,
  faults: 0,
  caught: 0,
  seen: new Map(),
  missed: [],
  failed: new Map(),
  worst: { name: '-', violations: 0, faults: -1 },
});

export const note = (line: string): void => void process.stderr.write(`${line}\n`);
let shown = 0;
export const progress = ({ done, total, failed, caught }: Sum, force = false): void => {
  const now = performance.now();
  if (!force && now - shown < PROGRESS_MS) return;
  shown = now;
  const filled = total === 0 ? 0 : Math.round((done / total) * 30);
  const text = `[${'█'.repeat(filled)}${'·'.repeat(30 - filled)}] ${done}/${total} runs, ${caught} planted bugs caught, ${failed.size} runs with violations`;
  if (process.stderr.isTTY) process.stderr.write(`\r${text}`);
  else note(text);
};

export const take = (sum: Sum, told: Told): void => {
  if (told.kind === 'total') sum.total = told.total;
  if (told.kind === 'caught') {
    if (told.seed === undefined) sum.missed.push(told.plant);
    else {
      sum.caught++;
      sum.seen.set(told.plant, told.seed);
    }
    note(
      `${process.stderr.isTTY ? '\n' : ''}planted: ${told.plant}: ${told.seed === undefined ? 'NOT CAUGHT' : `seed ${told.seed}: ${told.violation}`}`,
    );
  }
  if (told.kind !== 'run') return;
  const { name, violations, ops, faults } = told;
  sum.done++;
  sum.ops += ops;
  sum.faults += faults;
  if (violations.length > 0) {
    sum.failed.set(name, violations);
    note(`\n${name}: ${violations.length} violations\n  ${violations.slice(0, 5).join('\n  ')}`);
  }
  const { worst } = sum;
  if (violations.length > worst.violations || (violations.length === worst.violations && faults > worst.faults))
    sum.worst = { name: name.replace('seed ', ''), violations: violations.length, faults };
};

/** The last lines. @returns the exit status */
export const finish = (sum: Sum, label: string, planted: string): number => {
  progress(sum, true);
  if (process.stderr.isTTY) note('');
  for (const name of sum.missed) console.log(`not caught: ${name}`);
  for (const [name, violations] of sum.failed) console.log(`${name}: ${violations.join('\n  ')}`);
  const violations = [...sum.failed.values()].reduce((n, each) => n + each.length, 0);
  console.log(
    `sim: ${label} ops=${sum.ops} faults=${sum.faults} ${planted}violations=${violations} worst=${sum.worst.name}`,
  );
  return violations > 0 || sum.missed.length > 0 ? 1 : 0;
};
