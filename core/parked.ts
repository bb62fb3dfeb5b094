/** What can't be processed is parked in a bucket with its reason, without stopping the rest. Keys only, no bodies. */
import { z } from 'zod';
import type { Deps } from './deps.ts';

export const PARKED = 'parked/';

export const Parked = z.object({
  /** The entry point that could not process it, as `sync/deliver`. */
  from: z.string().min(1),
  /** Which record or job it was. */
  key: z.string().min(1),
  reason: z.string(),
  at: z.iso.datetime(),
  /** What leads back to it. */
  hint: z.unknown(),
});
export type Parked = z.infer<typeof Parked>;

/** The same record parked twice is one object. */
export const park = async (
  { bucket, now, log }: Pick<Deps, 'bucket' | 'now' | 'log'>,
  { from, key, reason, hint }: Omit<Parked, 'at'>,
): Promise<void> => {
  const parked: Parked = { from, key, reason, at: now().toISOString(), hint };
  await bucket.put(`${PARKED}${from}/${encodeURIComponent(key)}.json`, JSON.stringify(parked));
  log({ level: 'error', msg: 'parked', from, key, reason: reason.slice(0, 200) });
};
