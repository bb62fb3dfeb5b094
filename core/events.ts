/** The event store: append under the next version, read ranges. Nothing else ever writes a commit. */
import { Commit } from './commit.ts';
import { type Item, isRefused } from './ddb.ts';
import type { Deps } from './deps.ts';
import { afterVersions, receiptKey, type Stream, versionKey } from './keys.ts';

type Store = Pick<Deps, 'ddb' | 'env'>;

const decode = (item: Item): Commit => Commit.parse(item);

type Range = { from: number; to?: number; limit: number };

/** Commits of a stream, consistently read, at most `limit`: the first ones, or the newest first. */
const read = async (
  { ddb, env }: Store,
  stream: Stream,
  { from, to, limit }: Range,
  order: 'oldest first' | 'newest first',
): Promise<Commit[]> => {
  const { pk, sk } = versionKey(stream, from);
  const end = to === undefined ? afterVersions : versionKey(stream, to).sk;
  const items = await ddb.query(
    {
      TableName: env.EVENTS_TABLE,
      KeyConditionExpression: '#pk = :pk AND #sk BETWEEN :from AND :to',
      ExpressionAttributeNames: { '#pk': 'pk', '#sk': 'sk' },
      ExpressionAttributeValues: { ':pk': pk, ':from': sk, ':to': end },
      ConsistentRead: true,
      ScanIndexForward: order === 'oldest first',
    },
    limit,
  );
  return items.map(decode);
};

/**
 * Commits `from`, `from + 1`, … of a stream, consistently read, at most `limit`.
 * @throws ZodError if a stored commit can't be decoded
 */
export const readRange = (store: Store, stream: Stream, range: Range): Promise<Commit[]> =>
  read(store, stream, range, 'oldest first');

/** The newest `limit` commits up to `to`, newest first, consistently read. */
export const readNewest = (store: Store, stream: Stream, limit: number, to?: number): Promise<Commit[]> =>
  read(store, stream, { from: 1, limit, ...(to === undefined ? {} : { to }) }, 'newest first');

const notThere = {
  ConditionExpression: 'attribute_not_exists(#pk)',
  ExpressionAttributeNames: { '#pk': 'pk' },
} as const;

/**
 * The only lock: the commit is put under its version if nothing is there.
 * @returns what is there instead, or undefined when it was appended
 * @throws any error of the database; only `isDefinite` ones promise that nothing was written
 */
export const append = async ({ ddb, env }: Store, stream: Stream, commit: Commit): Promise<Commit | undefined> => {
  const result = await ddb.put({
    TableName: env.EVENTS_TABLE,
    Item: { ...versionKey(stream, commit.v), ...commit },
    ...notThere,
  });
  return isRefused(result) ? decode(result.item ?? {}) : undefined;
};

/**
 * Appends and leaves a receipt in the same transaction, for commands that can't know `after`.
 * @returns false when the version or the receipt was there already
 * @throws as `append`
 */
export const appendWithReceipt = async ({ ddb, env }: Store, stream: Stream, commit: Commit): Promise<boolean> => {
  const TableName = env.EVENTS_TABLE;
  const reasons = await ddb.transact([
    { Put: { TableName, Item: { ...versionKey(stream, commit.v), ...commit }, ...notThere } },
    { Put: { TableName, Item: { ...receiptKey(stream, commit.command), v: commit.v }, ...notThere } },
  ]);
  return reasons === undefined;
};

/** At which version this command was answered, if it was. */
export const readReceipt = async (
  { ddb, env }: Store,
  stream: Stream,
  command: string,
): Promise<number | undefined> => {
  const item = await ddb.get({ TableName: env.EVENTS_TABLE, Key: receiptKey(stream, command), ConsistentRead: true });
  return item ? Number(item.v) : undefined;
};
