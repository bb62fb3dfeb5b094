/** Boots the system on a temporary folder and measures every row of the cost table. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { boot } from '../local/system.ts';
import { roomy } from '../local/tenants.ts';
import { operationNames } from './budgets.ts';
import { faces } from './faces.ts';
import { type Cost, countRefusals, type LogEntry, measure, type Operation } from './meter.ts';
import { operations, type Stage } from './operations.ts';
import { syncs } from './syncs.ts';

const WAIT_MILLISECONDS = 20_000;

type Waiter = { fits: (entry: LogEntry) => boolean; left: number; done: () => void };

/** Lets operations wait for what the log says, instead of for a while. */
const createLog = () => {
  const waiters = new Set<Waiter>();
  return {
    onLog: (entry: LogEntry): void => {
      for (const waiter of waiters) if (waiter.fits(entry) && --waiter.left === 0) waiter.done();
    },
    until: (fits: Waiter['fits'], count: number): Promise<void> =>
      new Promise((resolve, reject) => {
        const late = () => reject(new Error(`${waiter.left} of ${count} expected log entries did not come`));
        const timer = setTimeout(late, WAIT_MILLISECONDS);
        const done = () => {
          clearTimeout(timer);
          waiters.delete(waiter);
          resolve();
        };
        const waiter = { fits, left: count, done };
        waiters.add(waiter);
      }),
  };
};

/** The named ones first; the others keep their order. */
const rank = ({ operation }: Cost): number => operationNames.indexOf(operation) + 1 || operationNames.length + 1;

/**
 * @param repetitions of each operation, after its warm-up
 * @param only the rows with these names; all if it is left out
 */
export const costs = async (repetitions: number, only?: readonly string[]): Promise<Cost[]> => {
  const data = mkdtempSync(join(tmpdir(), 'chorus-cost-'));
  const { onLog, until } = createLog();
  const refusals = countRefusals();
  // One second instead of ten: how long a push waits for an acknowledgement costs nothing.
  const system = await boot({ data, quiet: true, onLog, graceSeconds: 1, limits: roomy });
  try {
    const stage: Stage = { http: system.http, ws: system.ws, drain: system.drain, until };
    const rows: Operation[] = [...(await operations(stage)), ...faces(stage), ...syncs(stage)];
    const measured: Cost[] = [];
    for (const row of rows.filter(({ name }) => only?.includes(name) ?? true))
      measured.push(await measure({ system, refusals: refusals.count }, row, repetitions));
    return measured.sort((a, b) => rank(a) - rank(b));
  } finally {
    await system.stop();
    refusals.stop();
    rmSync(data, { recursive: true, force: true });
  }
};
