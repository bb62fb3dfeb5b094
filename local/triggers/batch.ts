/**
 * One batch of a stream, by the rules of Lambda's event source mapping. A failed batch is tried again from its lowest
 * failure; it is halved while it can be, which costs none of its retries; what fails alone after its retries, or is too
 * old, is given up, and the rest flows on.
 */
import { failedItems } from './partial.ts';
import { type StreamRecord, sequenceOf } from './records.ts';

export type Policy = { bisect: boolean; retries: number; maxAgeSeconds: number; partialResponse: boolean };
export type Condition = 'RetryAttemptsExhausted' | 'RecordAgeExceeded';

export type Hooks = {
  invoke: (records: StreamRecord[]) => Promise<unknown>;
  /** Keeps what is given up, after `invocations` calls. A failure stops the batch where it is. */
  giveUp: (records: StreamRecord[], condition: Condition, invocations: number) => Promise<void>;
  /** Everything up to and including this record is done. */
  checkpoint: (record: StreamRecord) => void;
  /** Before the nth retry. */
  pause: (retry: number) => Promise<void>;
  failed: (records: StreamRecord[], error: unknown) => void;
  stopping: () => boolean;
  now: () => number;
};

type Part = { records: StreamRecord[]; retries: number };

/** The index of the first record that is not done, the batch's length if all are. */
const firstFailure = async (records: StreamRecord[], policy: Policy, hooks: Hooks): Promise<number> => {
  const ids = records.map(sequenceOf);
  try {
    const response = await hooks.invoke(records);
    if (!policy.partialResponse) return records.length;
    const failed = failedItems(response, ids);
    if (failed === 'all') throw new Error(`not a batch response: ${JSON.stringify(response)?.slice(0, 100)}`);
    if (failed.length === 0) return records.length;
    hooks.failed(records, new Error(`${failed.length} of ${records.length} reported as failed`));
    // Records come in the order of their sequence numbers, so the lowest number is the first index.
    return Math.min(...failed.map((id) => ids.indexOf(id)));
  } catch (error) {
    hooks.failed(records, error);
    return 0;
  }
};

/** What is to be tried next, of a part that failed from its first record on. */
const split = ({ records, retries }: Part, bisect: boolean): Part[] => {
  if (!bisect || records.length === 1) return [{ records, retries: retries + 1 }];
  const middle = Math.ceil(records.length / 2);
  return [records.slice(0, middle), records.slice(middle)].map((half) => ({ records: half, retries }));
};

/** Gives up the records at the front that are too old. @returns the rest */
const dropOld = async ({ records, retries }: Part, policy: Policy, hooks: Hooks): Promise<Part> => {
  const limit = hooks.now() / 1000 - policy.maxAgeSeconds;
  const young = records.findIndex(({ dynamodb }) => dynamodb.ApproximateCreationDateTime >= limit);
  const old = young === -1 ? records : records.slice(0, young);
  const last = old.at(-1);
  if (!last) return { records, retries };
  await hooks.giveUp(old, 'RecordAgeExceeded', retries);
  hooks.checkpoint(last);
  return { records: records.slice(old.length), retries };
};

/** One call. @returns the parts that remain of it */
const attempt = async (part: Part, policy: Policy, hooks: Hooks): Promise<Part[]> => {
  const { records, retries } = part;
  const from = await firstFailure(records, policy, hooks);
  const done = records[from - 1];
  if (done) hooks.checkpoint(done);
  if (from === records.length) return [];
  // Done up to the failure: with bisecting, that was a split at this point.
  if (from > 0) return [{ records: records.slice(from), retries: policy.bisect ? retries : retries + 1 }];
  return split(part, policy.bisect);
};

/**
 * Resolves when every record is done or given up, or when stopping.
 * @throws what `giveUp` throws
 */
export const deliver = async (records: StreamRecord[], policy: Policy, hooks: Hooks): Promise<void> => {
  const parts: Part[] = [{ records, retries: 0 }];
  for (let next = parts.shift(); next && !hooks.stopping(); next = parts.shift()) {
    const part = await dropOld(next, policy, hooks);
    const last = part.records.at(-1);
    if (!last) continue;
    if (part.retries > policy.retries) {
      await hooks.giveUp(part.records, 'RetryAttemptsExhausted', part.retries);
      hooks.checkpoint(last);
      continue;
    }
    if (part.retries > 0) await hooks.pause(part.retries);
    if (hooks.stopping()) return;
    parts.unshift(...(await attempt(part, policy, hooks)));
  }
};
