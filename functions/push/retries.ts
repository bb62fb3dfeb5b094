/** How long a push waits for its next attempt, and when it is given up. Pure. */
import type { Patience } from './provider.ts';

/** SQS's longest delay. */
export const MAX_DELAY_SECONDS = 900;
/** Nobody wants to hear after a day that somebody wrote; the badge and the app say it. */
export const PATIENCE_SECONDS = 24 * 3600;
/** A bound for what has no age. */
export const ATTEMPTS = 300;
const SECOND_MS = 1000;

const waits: Record<Patience, readonly number[]> = {
  // The connection is new at the next attempt: soon, then ever later.
  unknown: [5, 30, 180, MAX_DELAY_SECONDS],
  // FCM asks for a minute at least where it names no time.
  flooded: [60, 120, 240, 480, MAX_DELAY_SECONDS],
  // APNs: "retry after 15 minutes".
  trouble: [MAX_DELAY_SECONDS],
};

/**
 * Seconds until the next attempt: what the provider asks for, however long, else by its class; up to a tenth more, so that
 * those which failed together do not come back together; never at once, though a date that a provider names may be past.
 * @param before how often it ended in this class before
 * @param unit 0 to 1
 */
export const waitOf = (patience: Patience, before: number, after: number | undefined, unit: number): number => {
  const steps = waits[patience];
  const spread = (wait: number): number => Math.ceil(Math.max(1, wait) * (1 + unit / 10));
  if (after !== undefined) return spread(after);
  return Math.min(MAX_DELAY_SECONDS, spread(steps[Math.min(before, steps.length - 1)] ?? MAX_DELAY_SECONDS));
};

/** Both forms of Retry-After: seconds, or a date. */
export const retryAfterOf = (value: unknown, now: Date): number | undefined => {
  if (typeof value !== 'string') return undefined;
  if (/^\d{1,9}$/.test(value.trim())) return Number(value);
  const at = /[a-z]/i.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(at) ? undefined : Math.max(0, Math.ceil((at - now.getTime()) / SECOND_MS));
};
