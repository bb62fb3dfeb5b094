/** What can't be processed is parked in a bucket with its reason, without stopping the rest. Keys only, no bodies. */
import { z } from 'zod';
import type { Deps } from './deps.ts';

export const PARKED = 'parked/';
/** Whole batches that were given up after a day of failing. */
export const BATCHES = `${PARKED}batches/`;
/** Where Lambda's S3 destination puts whole failed invocations. */
export const FAILED = 'aws/lambda/';

export const Parked = z.object({
  /** The entry point that could not process it, as `sync/deliver`. */
  from: z.string().min(1),
  /** Which record or job it was. */
  key: z.string().min(1),
  reason: z.string(),
  at: z.iso.datetime(),
  /** What leads back to it. */
  hint: z.unknown(),
  /** Written by who tried it again in vain: how often it was parked by now, and when first. */
  times: z.int().min(1).optional(),
  first: z.iso.datetime().optional(),
});
export type Parked = z.infer<typeof Parked>;
/** Of a stream's record: its item, and the numbers that the item held before, for who must know what moved. */
export const RecordHint = z.object({
  keys: z.object({ pk: z.string(), sk: z.string() }),
  before: z.record(z.string(), z.number()).optional(),
});
export type RecordHint = z.infer<typeof RecordHint>;

export const parkedKey = (from: string, key: string): string => `${PARKED}${from}/${encodeURIComponent(key)}.json`;

/** The same record parked twice is one object. */
export const park = async (
  { bucket, now, log }: Pick<Deps, 'bucket' | 'now' | 'log'>,
  { from, key, reason, hint }: Omit<Parked, 'at'>,
): Promise<void> => {
  const parked: Parked = { from, key, reason, at: now().toISOString(), hint };
  await bucket.put(parkedKey(from, key), JSON.stringify(parked));
  log({ level: 'error', msg: 'parked', from, key, reason: reason.slice(0, 200) });
};
