/** How long a push waits for its next attempt, and when it is given up. Pure. */
import type { Patience } from './provider.ts';

/** SQS's longest delay. */
export const MAX_DELAY_SECONDS = 900;
/** Nobody wants to hear after a day that somebody wrote; the badge and the app say it. */
export const PATIENCE_SECONDS = 24 * 3600;
/** A bound for what has no age. */
export const ATTEMPTS = 200;

const waits: Record<Patience, readonly number[]> = {
  // The connection is new at the next attempt: soon, then ever later.
  unknown: [5, 30, 180, MAX_DELAY_SECONDS],
  // FCM asks for a minute at least where it names no time.
  flooded: [60, 120, 240, 480, MAX_DELAY_SECONDS],
  // APNs: "retry after 15 minutes".
  trouble: [MAX_DELAY_SECONDS],
};

/**
 * Seconds until the next attempt: what the provider asks for, else by its class; up to a tenth more, so that those which
 * failed together do not come back together.
 * @param unit 0 to 1
 */
export const waitOf = (patience: Patience, attempt: number, after: number | undefined, unit: number): number => {
  const steps = waits[patience];
  const wait = after ?? steps[Math.min(attempt, steps.length - 1)] ?? MAX_DELAY_SECONDS;
  return Math.min(MAX_DELAY_SECONDS, Math.ceil(wait * (1 + unit / 10)));
};
