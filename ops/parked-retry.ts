/**
 * Giving a parked thing to its function again. It leaves the bucket only when the function said that it is done and did
 * not park it again: parking writes the same key, so what stands there then is compared with what stood there before.
 */
import { randomUUID } from 'node:crypto';
import { marshall } from '@aws-sdk/util-dynamodb';
import type { Item } from '../core/ddb.ts';
import { entryPrefix } from '../core/keys.ts';
import { errorName } from '../core/log.ts';
import { Parked, type RecordHint } from '../core/parked.ts';
import { invokeAgain, invokeWith } from '../functions/redrive.ts';
import type { Held } from './parked-held.ts';
import type { Target } from './target.ts';

/** `done`: it is out of the bucket (or would be tried, when nothing may be changed); all others leave it there. */
export type Retried = { outcome: 'done' | 'would' | 'parked again' | 'failed' | 'impossible'; said: string };

/** By what its sort key begins with: of those that have streams, only the inbox has names of streams there. */
const tableOf = ({ env }: Target, sk: string): string => {
  if (sk.startsWith('v#')) return env.EVENTS_TABLE;
  return sk.startsWith(entryPrefix) || sk.startsWith('id#') ? env.TRANSACTIONS_TABLE : env.INBOX_TABLE;
};

const readItem = (target: Target, { pk, sk }: RecordHint['keys']): Promise<Item | undefined> =>
  target.deps.ddb.get({ TableName: tableOf(target, sk), Key: { pk, sk }, ConsistentRead: true });

/** As the item would be if only its numbers had moved. */
const imageBefore = (item: Item, numbers: Record<string, number>): Item => ({
  ...Object.fromEntries(Object.entries(item).filter(([, value]) => typeof value !== 'number')),
  ...numbers,
});

/** A stream's record of the item as it is now. */
const recordOf = ({ keys, before }: RecordHint, item: Item): object => ({
  eventID: randomUUID(),
  eventName: before ? 'MODIFY' : 'INSERT',
  eventVersion: '1.1',
  eventSource: 'aws:dynamodb',
  dynamodb: {
    Keys: marshall(keys),
    NewImage: marshall(item),
    ...(before ? { OldImage: marshall(imageBefore(item, before)) } : {}),
    SequenceNumber: '1',
    StreamViewType: before ? 'NEW_AND_OLD_IMAGES' : 'NEW_IMAGE',
  },
});

type HeldRecord = Extract<Held, { kind: 'record' }>;

/** @returns the new reason when it lies there anew, now with how often that happened */
const takeOut = async ({ deps: { bucket } }: Target, held: HeldRecord): Promise<string | undefined> => {
  const text = await bucket.get(held.key);
  if (text === held.text) await bucket.remove(held.key);
  if (text === undefined || text === held.text) return undefined;
  const again: Parked = { ...Parked.parse(JSON.parse(text)), times: held.times + 1, first: held.since };
  await bucket.put(held.key, JSON.stringify(again));
  return again.reason;
};

const retryRecord = async (target: Target, held: HeldRecord, dryRun: boolean): Promise<Retried> => {
  const entry = `functions/${held.from}.stream.ts`;
  const item = await readItem(target, held.hint.keys);
  if (!item) return { outcome: 'impossible', said: 'its item is not in the table any more: drop it' };
  const record = recordOf(held.hint, item);
  const kind = held.hint.before ? 'a MODIFY' : 'an INSERT';
  if (dryRun) return { outcome: 'would', said: `would give ${entry} ${kind} of the item as it is now` };
  await invokeWith(target.deps, await target.functionOf(entry), JSON.stringify({ Records: [record] }));
  const reason = await takeOut(target, held);
  if (reason !== undefined) return { outcome: 'parked again', said: `parked again: ${reason}` };
  return { outcome: 'done', said: `${entry} has processed it` };
};

const retryBatch = async (
  { deps }: Target,
  { key, text, from, records }: Extract<Held, { kind: 'batch' }>,
  dryRun: boolean,
): Promise<Retried> => {
  if (dryRun) return { outcome: 'would', said: `would give ${from} its ${records.length} records again` };
  await invokeAgain(deps, text);
  await deps.bucket.remove(key);
  return { outcome: 'done', said: `${from} has processed it; what it could not decode is parked one by one` };
};

/** Never throws for what the function does. */
export const retry = async (target: Target, held: Held, dryRun: boolean): Promise<Retried> => {
  try {
    switch (held.kind) {
      case 'record':
        return await retryRecord(target, held, dryRun);
      case 'batch':
        return await retryBatch(target, held, dryRun);
      case 'job':
        return {
          outcome: 'impossible',
          said: 'a job’s message is gone from its queue and its body is not kept: mend who sends it, then drop this',
        };
      case 'unreadable':
        return { outcome: 'impossible', said: `${held.reason}: drop it` };
    }
  } catch (error) {
    return { outcome: 'failed', said: `failed, and stays: ${errorName(error)}` };
  }
};
