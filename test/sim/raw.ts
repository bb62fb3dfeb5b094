/**
 * What lies in the tables, kept from the raw writes and read without any code of the product: checkers must not trust
 * what they check.
 */
import type { Dynamo, Write } from './dynamo/dynamo.ts';

export type RawItem = Record<string, unknown>;
export type RawCommit = {
  pk: string;
  tenant: string;
  kind: string;
  id: string;
  v: number;
  command: string;
  by: string | undefined;
  events: ({ type: string } & Record<string, unknown>)[];
  state: unknown;
  audience: string[];
  count: number;
  /** The number of the write that made it. */
  seq: number;
};
export type RawPointer = {
  pk: string;
  tenant: string;
  person: string;
  stream: string;
  v: number;
  count: number;
  read: number;
  muted: unknown;
  mutes: number;
  acks: Record<string, number>;
  seen: Record<string, number>;
};

const plain = (segment: string): string => segment.replaceAll('%23', '#').replaceAll('%25', '%');
export const segments = (key: string): string[] => key.split('#').map(plain);
const numbers = (item: RawItem, prefix: string): Record<string, number> =>
  Object.fromEntries(
    Object.entries(item)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, value]) => [name.slice(prefix.length), Number(value)]),
  );

export const toCommit = (item: RawItem, seq: number): RawCommit => {
  const pk = String(item.pk);
  const [tenant = '', kind = '', id = ''] = segments(pk);
  return {
    ...{ pk, tenant, kind, id, seq },
    v: Number(item.v),
    command: String(item.command),
    by: item.by === undefined ? undefined : String(item.by),
    events: item.events as RawCommit['events'],
    state: item.state,
    audience: item.audience as string[],
    count: Number(item.count),
  };
};

export const toPointer = (item: RawItem): RawPointer => {
  const pk = String(item.pk);
  const [tenant = '', , person = ''] = segments(pk);
  const [kind = '', id = ''] = segments(String(item.sk));
  return {
    ...{ pk, tenant, person, stream: `${kind}/${id}` },
    v: Number(item.v),
    count: Number(item.count),
    read: Number(item.read ?? 0),
    muted: item.muted,
    mutes: Number(item.mutes ?? 0),
    acks: numbers(item, 'ack:'),
    seen: numbers(item, 'seen:'),
  };
};

export type Tables = {
  events: string;
  inbox: string;
  views: string;
  devices: string;
  trail: string;
  transactions: string;
};
export type Raw = {
  tables: Tables;
  item: (table: string, pk: string, sk: string) => RawItem | undefined;
  items: (table: keyof Tables) => RawItem[];
  /** Commits by partition key, in the order of their versions. */
  streams: () => Map<string, RawCommit[]>;
  pointers: () => RawPointer[];
  /** The newest version of a stream now. */
  head: (pk: string) => number;
};

export const watchRaw = (dynamo: Dynamo, tables: Tables): Raw => {
  const all = new Map<string, Map<string, { item: RawItem; seq: number }>>();
  const heads = new Map<string, number>();
  const keep = ({ table, pk, sk, before, after, seq }: Write): void => {
    const items = all.get(table) ?? new Map<string, { item: RawItem; seq: number }>();
    all.set(table, items);
    if (after) items.set(`${pk}|${sk}`, { item: after, seq });
    else items.delete(`${pk}|${sk}`);
    if (table !== tables.events || !sk.startsWith('v#')) return;
    // Only a restore removes versions, the newest first.
    heads.set(pk, after ? Math.max(heads.get(pk) ?? 0, Number(after.v)) : Number(before?.v) - 1);
  };
  dynamo.onWrite(keep);
  const items = (table: keyof Tables): RawItem[] =>
    [...(all.get(tables[table])?.values() ?? [])].map(({ item }) => structuredClone(item));
  return {
    tables,
    item: (table, pk, sk) => all.get(table)?.get(`${pk}|${sk}`)?.item,
    items,
    head: (pk) => heads.get(pk) ?? 0,
    pointers: () => items('inbox').map(toPointer),
    streams: () => {
      const commits = [...(all.get(tables.events)?.values() ?? [])]
        .filter(({ item }) => String(item.sk).startsWith('v#') && item.poison === undefined)
        .map(({ item, seq }) => toCommit(item, seq))
        .sort((a, b) => a.v - b.v);
      return Map.groupBy(commits, ({ pk }) => pk);
    },
  };
};
