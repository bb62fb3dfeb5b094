/** Tables in memory, with the log of their writes, which also tells how things stood before. */
import type { Item } from '../../../core/ddb.ts';
import type { TableSpec, Write } from './dynamo.ts';
import { noTable } from './errors.ts';
import { sizeOf } from './sizes.ts';
import { copyItem, equal, order } from './values.ts';

export type Stored = { item: Item; size: number };
/** Items of one partition by sort key, and the sort keys in order. */
export type Partition = { keys: readonly string[]; at: (sk: string) => Stored | undefined };
type Rows = { keys: string[]; rows: Map<string, Stored> };
export type Table = { name: string; partitions: Map<string, Rows> };

/** How many of the keys, which are in order, are before the first that is not. */
export const countWhile = (keys: readonly string[], isBefore: (sk: string) => boolean): number => {
  let [low, high] = [0, keys.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isBefore(keys[middle] ?? '')) low = middle + 1;
    else high = middle;
  }
  return low;
};

const insert = (keys: string[], sk: string): void => {
  const last = keys.at(-1);
  if (last === undefined || order(last, sk) < 0) keys.push(sk);
  else
    keys.splice(
      countWhile(keys, (each) => order(each, sk) < 0),
      0,
      sk,
    );
};

const remove = (keys: string[], sk: string): void => {
  keys.splice(
    countWhile(keys, (each) => order(each, sk) < 0),
    1,
  );
};

const stored = (item: Item): Stored => ({ item, size: sizeOf(item) });

/** Sets what is under a key. */
const set = ({ partitions }: Table, { pk, sk }: Write, next: Stored | undefined): void => {
  const found = partitions.get(pk);
  const { keys, rows } = found ?? { keys: [], rows: new Map() };
  if (!found) partitions.set(pk, { keys, rows });
  const isThere = rows.has(sk);
  if (next) rows.set(sk, next);
  else rows.delete(sk);
  if (next && !isThere) insert(keys, sk);
  if (!next && isThere) remove(keys, sk);
};

const nothing: Partition = { keys: [], at: () => undefined };

/** @param writes the log that the tables share */
export const createTables = (specs: readonly TableSpec[], writes: Write[]) => {
  const tables = new Map(specs.map(({ name }): [string, Table] => [name, { name, partitions: new Map() }]));

  /** What the last `lag` writes found under the keys of a partition. */
  const earlier = ({ name }: Table, pk: string, lag: number): Map<string, Item | undefined> => {
    const found = new Map<string, Item | undefined>();
    for (let i = writes.length - 1; i >= Math.max(0, writes.length - lag); i--) {
      const write = writes[i];
      if (write?.table === name && write.pk === pk) found.set(write.sk, write.before);
    }
    return found;
  };
  const partition = (table: Table, pk: string, lag: number): Partition => {
    const found = table.partitions.get(pk);
    const now: Partition = found ? { keys: found.keys, at: (sk) => found.rows.get(sk) } : nothing;
    if (lag <= 0) return now;
    const before = earlier(table, pk, lag);
    if (before.size === 0) return now;
    const keys = now.keys.filter((sk) => !before.has(sk));
    for (const [sk, item] of before) if (item) insert(keys, sk);
    const at = (sk: string): Stored | undefined => {
      const item = before.get(sk);
      return before.has(sk) ? item && stored(item) : now.at(sk);
    };
    return { keys, at };
  };
  return {
    /** @throws ResourceNotFoundException */
    named: (name: string | undefined): Table => {
      const table = tables.get(name ?? '');
      if (!table) throw noTable();
      return table;
    },
    /** A partition as it was so many writes ago. */
    partition,
    /** All items in order, in copies. */
    all: ({ partitions }: Table): Item[] =>
      [...partitions]
        .sort(([a], [b]) => order(a, b))
        .flatMap(([, { keys, rows }]) => keys.flatMap((sk) => rows.get(sk) ?? []))
        .map(({ item }) => copyItem(item)),
    /** Writes what must not be changed afterwards. @returns the log's entry, or undefined if nothing changed */
    write: (table: Table, pk: string, sk: string, next: Stored | undefined): Write | undefined => {
      const before = table.partitions.get(pk)?.rows.get(sk)?.item;
      const after = next?.item;
      if (before === after || (before && after && equal(before, after))) return undefined;
      const write: Write = { seq: writes.length + 1, table: table.name, pk, sk, before, after };
      set(table, write, next);
      writes.push(write);
      return write;
    },
  };
};
export type Tables = ReturnType<typeof createTables>;
