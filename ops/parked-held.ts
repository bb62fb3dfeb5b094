/** What lies parked in the bucket, read: single records and jobs by their entry point, and whole batches. */
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { z } from 'zod';
import type { Deps } from '../core/deps.ts';
import { parseSortable, splitKey } from '../core/keys.ts';
import { inLanes } from '../core/lanes.ts';
import { BATCHES, FAILED, PARKED, Parked, RecordHint } from '../core/parked.ts';
import { FailedBatch } from '../functions/redrive.ts';
import { OpsError, type Progress } from './command.ts';

type Keys = RecordHint['keys'];
type About = {
  key: string;
  /** As it stands in the bucket, to see whether it is still the same. */
  text: string;
  /** The entry point or function that could not process it. */
  from: string;
  what: string;
  since: string;
  times: number;
  reason: string;
};
export type Held = About &
  (
    | { kind: 'record'; parked: Parked; hint: RecordHint }
    | { kind: 'job'; parked: Parked }
    | { kind: 'batch'; batch: FailedBatch; records: Keys[] }
    | { kind: 'unreadable' }
  );

const PAGE = 1000;
/** More are not looked at in one go. */
const LIMIT = 10_000;
const WIDTH = 8;

/** Every key that is parked, in the order of the bucket. */
export const listParked = async ({ bucket }: Pick<Deps, 'bucket'>, prefix = PARKED): Promise<string[]> => {
  const keys: string[] = [];
  let after: string | undefined;
  do {
    const { objects, more } = await bucket.list(prefix, { after, limit: PAGE });
    keys.push(...objects.map(({ key }) => key));
    after = more ? objects.at(-1)?.key : undefined;
  } while (after && keys.length < LIMIT);
  return keys;
};

/** An event's or a pointer's keys in words. */
export const sayKeys = ({ pk, sk }: Keys): string => {
  const [tenant, kind, id] = splitKey(pk);
  const [first, second = ''] = splitKey(sk);
  return first === 'v'
    ? `${kind}/${id}@${parseSortable(second)} of ${tenant}`
    : `${id}’s ${first}/${second} of ${tenant}`;
};

const Records = z.object({
  Records: z.array(z.object({ dynamodb: z.object({ Keys: z.record(z.string(), z.any()) }) })),
});
const Payload = z.union([z.string().transform((text): unknown => JSON.parse(text)), z.unknown()]).pipe(Records);

const keysOf = ({ payload }: FailedBatch): Keys[] =>
  Payload.parse(payload).Records.map(({ dynamodb }) => RecordHint.shape.keys.parse(unmarshall(dynamodb.Keys)));

const readBatch = (key: string, text: string): Held => {
  const batch = FailedBatch.parse(JSON.parse(text));
  const { functionArn, condition = 'it kept failing', approximateInvokeCount: times = 1 } = batch.requestContext;
  const records = keysOf(batch);
  const what = `${records.length} records${records[0] ? `, the first ${sayKeys(records[0])}` : ''}`;
  const from = functionArn.split(':function:').at(-1) ?? functionArn;
  return {
    kind: 'batch',
    key,
    text,
    batch,
    records,
    from,
    what,
    since: batch.timestamp ?? '',
    times,
    reason: condition,
  };
};

const readSingle = (key: string, text: string): Held => {
  const parked = Parked.parse(JSON.parse(text));
  const { from, at, first = at, times = 1, reason } = parked;
  const about = { key, text, from, since: first, times, reason };
  const { data: hint } = RecordHint.safeParse(parked.hint);
  if (!hint) return { kind: 'job', parked, ...about, what: `job ${parked.key}` };
  return { kind: 'record', parked, hint, ...about, what: sayKeys(hint.keys) };
};

/** Undefined when it is not there any more. What can't be read can still be dropped. */
export const readParked = async ({ bucket }: Pick<Deps, 'bucket'>, key: string): Promise<Held | undefined> => {
  const text = await bucket.get(key);
  if (text === undefined) return undefined;
  try {
    return key.startsWith(BATCHES) || key.startsWith(FAILED) ? readBatch(key, text) : readSingle(key, text);
  } catch {
    const about = { from: '', what: '', since: '', times: 1, reason: 'the parked object itself can not be read' };
    return { kind: 'unreadable', key, text, ...about };
  }
};

/** All of them, oldest first. */
export const readAllParked = async (
  deps: Pick<Deps, 'bucket'>,
  keys: string[],
  progress: Progress,
): Promise<Held[]> => {
  const all: Held[] = [];
  const failures = await inLanes(
    keys,
    (key) => key,
    WIDTH,
    async (key) => {
      const held = await readParked(deps, key);
      if (held) all.push(held);
      progress.tick();
    },
  );
  progress.done();
  if (failures[0]) throw failures[0].error;
  return all.sort((a, b) => (a.since + a.key < b.since + b.key ? -1 : 1));
};

/** How a key is shown, and may be given: without what all have in common. */
export const shortKey = (key: string): string =>
  key.startsWith(PARKED) ? key.slice(PARKED.length).replace(/\.json$/, '') : key;

const namesOf = (key: string): string[] => {
  const short = shortKey(key);
  const last = short.slice(short.lastIndexOf('/') + 1);
  const names = [key, `${PARKED}${short}`, `${short}.json`, short, last, short.replace(/^batches\//, '')];
  return [...names, ...names.map(decodeURIComponent)];
};

/** The one key that is meant. @throws OpsError when it is none, or one of several */
export const findKey = (keys: string[], name: string): string => {
  const found = keys.filter((key) => namesOf(key).includes(name));
  const [key] = found;
  if (key === undefined) throw new OpsError(`nothing is parked as ${name}: parked list shows the keys`);
  if (found.length > 1) throw new OpsError(`${name} may be any of ${found.map(shortKey).join(', ')}: say which`);
  return key;
};
