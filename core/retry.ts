/** The one retry layer: bounded, full jitter. */
import { setTimeout as wait } from 'node:timers/promises';

/** Randomness as a port: ids that nobody can guess, and numbers in [0, 1). */
export type Random = { id: () => string; unit: () => number };
export type Sleep = (ms: number) => Promise<unknown>;
export const sleep: Sleep = (ms) => wait(ms);

/** Full jitter: anything from 0 to base × 2^attempt, at most `cap` milliseconds. */
export const backoff = (random: Random, attempt: number, base = 10, cap = 640): number =>
  random.unit() * Math.min(cap, base * 2 ** attempt);
