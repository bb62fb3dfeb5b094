/** Walking through whole tables: partition by partition, in parallel, at a bounded rate. Memory holds a page and one partition. */
import { z } from 'zod';
import type { Item, Meter } from '../core/ddb.ts';
import type { Deps } from '../core/deps.ts';
import type { Key } from '../core/keys.ts';
import { inLanes } from '../core/lanes.ts';
import type { Flags } from './command.ts';
import type { Target } from './target.ts';

/** What walks need; with a meter their rate can be bounded. */
export type Walk = Pick<Target, 'deps' | 'scan'> & { meter?: Meter };
export type OnProgress = (label: string, n: number) => void;

/** Takes in the items of one partition, in the order of their sort keys, and says what they come to. */
export type Gather<T> = { add: (item: Item) => void; end: () => T };

const WIDTH = 16;

/** What each partition comes to, as they end: a scan gives the items of one partition together, in order. */
export async function* partitions<T>(
  pages: AsyncIterable<Item[]>,
  begin: (pk: string) => Gather<T>,
): AsyncGenerator<T[]> {
  let pk: unknown;
  let open: Gather<T> | undefined;
  for await (const page of pages) {
    const ended: T[] = [];
    for (const item of page) {
      if (!open || item.pk !== pk) {
        if (open) ended.push(open.end());
        pk = item.pk;
        open = begin(String(pk));
      }
      open.add(item);
    }
    if (ended.length > 0) yield ended;
  }
  if (open) yield [open.end()];
}

/** Runs for each of them, some at once. @returns what failed */
export const forEach = <T>(
  items: readonly T[],
  run: (item: T) => Promise<void>,
): Promise<{ item: T; error: unknown }[]> => {
  const lanes = new Map(items.map((item, i) => [item, String(i)]));
  return inLanes(items, (item) => lanes.get(item) ?? '', WIDTH, run);
};

/** Every item of one partition (of the events, if no table is named), consistently read. */
export async function* itemsOf(
  { ddb, env }: Pick<Deps, 'ddb' | 'env'>,
  pk: string,
  TableName = env.EVENTS_TABLE,
): AsyncGenerator<Item> {
  const PAGE = 500;
  let last: Key | undefined;
  for (;;) {
    const items = await ddb.query(
      {
        TableName,
        KeyConditionExpression: '#pk = :pk',
        ExpressionAttributeNames: { '#pk': 'pk' },
        ExpressionAttributeValues: { ':pk': pk },
        ConsistentRead: true,
        ...(last ? { ExclusiveStartKey: last } : {}),
      },
      PAGE,
    );
    yield* items;
    if (items.length < PAGE) return;
    last = { pk, sk: String(items.at(-1)?.sk) };
  }
}

/** What can't be decoded is undefined: whoever looks at it itself says so. */
export const readable = async <T>(read: () => Promise<T>): Promise<T | undefined> => {
  try {
    return await read();
  } catch (error) {
    if (error instanceof z.ZodError) return undefined;
    throw error;
  }
};

const AWS_UNITS_PER_SECOND = 200;

/** `--rate`, or what a scan has without it: a small part of what an on-demand table gives from its first second on. */
export const rateOf = ({ name }: Pick<Target, 'name'>, { rate }: Flags): { rate?: number } => {
  if (rate !== undefined) return { rate: Number(rate) };
  return name === 'local' ? {} : { rate: AWS_UNITS_PER_SECOND };
};

/**
 * Waits between steps, so that no more than `rate` units a second are consumed.
 * @returns a wait for what was consumed since the one before
 */
export const createPace = ({ deps, meter }: Walk, rate: number | undefined): (() => Promise<void>) => {
  const used = (): number => (meter ? meter.read + meter.write : 0);
  let [units, since] = [used(), deps.now().getTime()];
  return async () => {
    if (rate === undefined) return;
    const rest = ((used() - units) * 1000) / rate - (deps.now().getTime() - since);
    if (rest > 0) await deps.sleep(rest);
    [units, since] = [used(), deps.now().getTime()];
  };
};
