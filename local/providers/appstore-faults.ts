/** Faults that a test or a person at a laptop asks the local App Store for: of its deliveries, and of its API. */
import { z } from 'zod';
import { apiFaults } from './appstore-errors.ts';

/** What `delay` and `reorder` wait, and how long a 429 lasts, where nothing else is said. */
export const FAULT_MS = 2_000;

/** `lose`: never sent, and nobody answers; `forget`: sent, but its answer is lost; `reorder`: after the next one. */
export const deliveryFaults = ['lose', 'forget', 'duplicate', 'delay', 'reorder'] as const;
const names = {
  delivery: [...deliveryFaults],
  api: [...Object.keys(apiFaults(0)), 'silence', 'slow'],
} satisfies Record<string, string[]>;

const Fault = z.strictObject({
  of: z.enum(['delivery', 'api']),
  fault: z.string(),
  /** Only of this tenant's app. */
  tenant: z.string().optional(),
  /** How often; once, if nothing is said. */
  times: z.int().min(1).max(1_000_000).default(1),
  ms: z.int().min(0).max(600_000).default(FAULT_MS),
});
export type AppStoreFault = z.infer<typeof Fault>;

export type AppStoreFaults = {
  /** The one that is met; it counts as used. */
  next(of: AppStoreFault['of'], tenant: string): AppStoreFault | undefined;
  list(): AppStoreFault[];
  add(fault: AppStoreFault): void;
  clear(): void;
};

/** @returns a sentence about what is wrong */
export const parseAppStoreFault = (body: unknown): AppStoreFault | { detail: string; known?: string[] } => {
  const parsed = Fault.safeParse(body);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    return { detail: `${issue?.path.join('.') || 'the body'}: ${issue?.message ?? 'is not a fault'}` };
  }
  const known: string[] = names[parsed.data.of];
  if (known.includes(parsed.data.fault)) return parsed.data;
  return { detail: `fault: must be one of ${known.join(', ')}`, known };
};

/** In memory: the end of the process is the end of every fault. */
export const createAppStoreFaults = (): AppStoreFaults => {
  let faults: AppStoreFault[] = [];
  return {
    next: (of, tenant) => {
      const met = faults.find((fault) => fault.of === of && (fault.tenant ?? tenant) === tenant);
      if (!met) return undefined;
      faults = faults.flatMap((each) =>
        each !== met ? [each] : each.times > 1 ? [{ ...each, times: each.times - 1 }] : [],
      );
      return met;
    },
    list: () => [...faults],
    add: (fault) => {
      faults = [...faults, fault];
    },
    clear: () => {
      faults = [];
    },
  };
};
