/** What every part of a repair shares: what it changed, what failed, and that a dry run changes nothing. */
import { isFault } from '../core/ddb.ts';
import type { Deps } from '../core/deps.ts';
import { errorName } from '../core/log.ts';
import { backoff } from '../core/retry.ts';
import { forEach } from './walk.ts';

/** By what they mend; with `dryRun`, what would be. */
export type Changes = {
  receiptsPut: number;
  receiptsRemoved: number;
  purchases: number;
  reactions: number;
  pointersTakenBack: number;
  pointersReplaced: number;
  pointersMoved: number;
  marksRaised: number;
  rowsPut: number;
  rowsRemoved: number;
  addresses: number;
  devicesStartAnew: number;
};
export type RepairReport = { changed: Changes; failed: { about: string; error: string }[] };

export const nothingChanged = (): Changes => ({
  ...{ receiptsPut: 0, receiptsRemoved: 0, purchases: 0, reactions: 0 },
  ...{ pointersTakenBack: 0, pointersReplaced: 0, pointersMoved: 0, marksRaised: 0 },
  ...{ rowsPut: 0, rowsRemoved: 0, addresses: 0, devicesStartAnew: 0 },
});

export type Mend = {
  deps: Deps;
  dryRun: boolean;
  report: RepairReport;
  /** @param change says the same however often it is called; false when there was nothing to do after all */
  mend: (what: keyof Changes, change: () => Promise<unknown>) => Promise<void>;
  /** Each by itself: one that fails is told and keeps none of the others. */
  each: <T>(items: readonly T[], about: (item: T) => string, run: (item: T) => Promise<void>) => Promise<void>;
};

const ATTEMPTS = 5;

/** For what says the same however often it is called. */
export const surely = async (deps: Deps, change: () => Promise<unknown>): Promise<unknown> => {
  for (let attempt = 1; ; attempt++) {
    try {
      return await change();
    } catch (error) {
      if (isFault(error) || attempt === ATTEMPTS) throw error;
      await deps.sleep(backoff(deps.random, attempt));
    }
  }
};

export const createMend = (deps: Deps, dryRun: boolean): Mend => {
  const report: RepairReport = { changed: nothingChanged(), failed: [] };
  return {
    ...{ deps, dryRun, report },
    mend: async (what, change) => {
      if (dryRun || (await surely(deps, change)) !== false) report.changed[what]++;
    },
    each: async (items, about, run) => {
      for (const { item, error } of await forEach(items, run))
        report.failed.push({ about: about(item), error: errorName(error) });
    },
  };
};
