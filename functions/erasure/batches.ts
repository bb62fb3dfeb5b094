/**
 * Whole batches that a stream's function gave up on hold what people wrote, and are given to it again for days. An erased person's
 * records come again as the tables are by now: what was said of them is gone there, and what was theirs does not come at all.
 */
import { z } from 'zod';
import type { Deps } from '../../core/deps.ts';
import { readRange } from '../../core/events.ts';
import type { Actor } from '../../core/ids.ts';
import { type Key, parseEventKey, parsePersonKey, parseStreamKey, versionKey } from '../../core/keys.ts';
import { BATCHES, FAILED } from '../../core/parked.ts';
import { imageOf, itemOf } from '../../core/stream.ts';
import { FailedBatch } from '../redrive.ts';
import { words } from '../words.ts';

const PAGE = 50;
const DROPPED = 'dropped/';

const Record_ = z.looseObject({
  dynamodb: z.looseObject({
    Keys: z.looseObject({}),
    NewImage: z.looseObject({}).optional(),
    OldImage: z.looseObject({}).optional(),
  }),
});
const Payload = z.looseObject({ Records: z.array(Record_) });
type Recorded = z.infer<typeof Record_>;

const isOwn = ({ pk }: Key, { tenant, user }: Actor): boolean => {
  const owner = parsePersonKey(pk);
  return owner?.tenant === tenant && owner.user === user;
};

/** A commit as it is in the table by now. */
const asItIs = async (deps: Deps, { pk, sk }: Key, record: Recorded): Promise<Recorded> => {
  const stream = parseStreamKey(pk);
  const at = parseEventKey(sk);
  if (!words[stream.kind] || !at || !('v' in at)) return record;
  const [commit] = await readRange(deps, stream, { from: at.v, to: at.v, limit: 1 });
  if (!commit?.redacted) return record;
  const NewImage = imageOf({ ...versionKey(stream, at.v), ...commit });
  return { ...record, dynamodb: { ...record.dynamodb, NewImage: { ...NewImage } } };
};

const isEvent = ({ NewImage }: Recorded['dynamodb']): boolean => NewImage !== undefined && 'command' in NewImage;

const withoutThem = async (deps: Deps, actor: Actor, records: Recorded[]): Promise<Recorded[]> => {
  const left: Recorded[] = [];
  for (const record of records) {
    const keys = itemOf(record.dynamodb.Keys);
    const key = { pk: String(keys.pk), sk: String(keys.sk) };
    if (isEvent(record.dynamodb)) left.push(await asItIs(deps, key, record));
    else if (!isOwn(key, actor)) left.push(record);
  }
  return left;
};

/** One that nobody can read goes: what stands in it can't be told, and its records are in the tables. */
const rewrite = async (deps: Deps, actor: Actor, key: string): Promise<boolean> => {
  const text = await deps.bucket.get(key);
  if (!text?.includes(actor.user)) return false;
  const batch = FailedBatch.safeParse(JSON.parse(text));
  if (!batch.success) return false;
  const { payload } = batch.data;
  const parsed = Payload.safeParse(typeof payload === 'string' ? JSON.parse(payload) : payload);
  if (!parsed.success) return false;
  const Records = await withoutThem(deps, actor, parsed.data.Records);
  const next = JSON.stringify({ ...batch.data, payload: { ...parsed.data, Records } });
  if (next === text) return false;
  await deps.bucket.put(key, next);
  return true;
};

/** Yields after each page in which something was changed: what comes again is read, and is no piece. */
export async function* rewriteBatches(deps: Deps, actor: Actor): AsyncGenerator<void> {
  for (const prefix of [FAILED, BATCHES, DROPPED]) {
    let after: string | undefined;
    do {
      const { objects, more } = await deps.bucket.list(prefix, { after, limit: PAGE });
      let changed = false;
      for (const { key } of objects) changed = (await rewrite(deps, actor, key)) || changed;
      after = more ? objects.at(-1)?.key : undefined;
      if (changed) yield;
    } while (after);
  }
}
