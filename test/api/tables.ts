/** The tables as they are, read around the product: what was written, and that nothing was. */

import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, ScanCommand, TransactWriteCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { expect } from 'vitest';
import { canonicalJson } from '../../core/json.ts';
import { parseSortable, splitKey } from '../../core/keys.ts';
import type { Json, World } from '../world.ts';

export type Row = { pk: string; sk: string; [attribute: string]: Json };
export type Tables = { events: Row[]; inbox: Row[]; views: Row[]; devices: Row[] };
type Env = World['env'];

let client: DynamoDBDocumentClient | undefined;
const engine = (env: Env): DynamoDBDocumentClient => {
  client ??= DynamoDBDocumentClient.from(
    new DynamoDBClient({
      endpoint: env.AWS_ENDPOINT_URL_DYNAMODB ?? '',
      region: 'us-east-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    }),
  );
  return client;
};

const order = (a: Row, b: Row): number => (a.pk < b.pk || (a.pk === b.pk && a.sk < b.sk) ? -1 : 1);

const readTable = async (env: Env, TableName: string): Promise<Row[]> => {
  const rows: Row[] = [];
  let from: Record<string, unknown> | undefined;
  do {
    const input = { TableName, ConsistentRead: true, ...(from ? { ExclusiveStartKey: from } : {}) };
    const page = await engine(env).send(new ScanCommand(input));
    rows.push(...((page.Items ?? []) as Row[]));
    from = page.LastEvaluatedKey;
  } while (from);
  return rows.sort(order);
};

const nameOf = (env: Env, table: keyof Tables): string => env[`${table.toUpperCase()}_TABLE`] ?? '';

/** Every item of every table, by key. */
export const readTables = async ({ env }: Pick<World, 'env'>): Promise<Tables> => {
  const read = (table: keyof Tables) => readTable(env, nameOf(env, table));
  const [events, inbox, views, devices] = await Promise.all([
    read('events'),
    read('inbox'),
    read('views'),
    read('devices'),
  ]);
  // What pushes count and share among themselves is nobody's state.
  const own = ['budget', 'holds', 'breaker', 'apns-token'];
  return { events, inbox, views, devices: devices.filter(({ pk }) => !own.includes(splitKey(pk)[1] ?? '')) };
};

/** Of the tables that are nobody's state: the audit, and what is kept for who looks into something. */
export const readAside = ({ env }: Pick<World, 'env'>, table: 'transactions' | 'trail'): Promise<Row[]> =>
  readTable(env, env[`${table.toUpperCase()}_TABLE`] ?? '');

/** What came and went between two looks, as `table pk sk`. */
export const changes = (before: Tables, after: Tables): string[] => {
  const flat = (tables: Tables): Map<string, string> =>
    new Map(
      Object.entries(tables).flatMap(([table, rows]) =>
        rows.map((row): [string, string] => [`${table} ${row.pk} ${row.sk}`, canonicalJson(row)]),
      ),
    );
  const [old, now] = [flat(before), flat(after)];
  return [...new Set([...old.keys(), ...now.keys()])].filter((key) => old.get(key) !== now.get(key)).sort();
};

/** Does something, waits until all of its consequences are there, and sees that nothing was written. */
export const writingNothing = async <T>(world: World, act: () => Promise<T>): Promise<T> => {
  await world.drain();
  const before = await readTables(world);
  const result = await act();
  await world.drain();
  expect(changes(before, await readTables(world)), 'nothing may be written').toEqual([]);
  return result;
};

/** Commits of every stream, oldest first, by partition key; receipts left out. */
export const streamsOf = ({ events }: Tables): Map<string, Row[]> =>
  Map.groupBy(
    events
      .filter(({ sk }) => sk.startsWith('v#'))
      .sort((a, b) => parseSortable(a.sk.slice(2)) - parseSortable(b.sk.slice(2))),
    ({ pk }) => pk,
  );

/** The laws that hold whenever everything is quiet: streams are dense, and each member's pointer is at its head. */
export const expectConverged = (tables: Tables): void => {
  const pointers = new Map(tables.inbox.map((row) => [`${row.pk} ${row.sk}`, row]));
  for (const [pk, commits] of streamsOf(tables)) {
    expect(
      commits.map(({ v }) => v),
      `${pk} is dense`,
    ).toEqual(commits.map((_, i) => i + 1));
    const head = commits.at(-1);
    const [tenant, ...stream] = splitKey(pk);
    for (const person of head?.audience ?? []) {
      const pointer = pointers.get(`${tenant}#person#${person} ${stream.join('#')}`);
      expect(pointer, `${person} has a pointer to ${pk}`).toMatchObject({ v: head?.v, count: head?.count });
    }
  }
};

/** Writes around the product, for what can't be waited for. */
export const setAttribute = (
  { env }: World,
  table: keyof Tables,
  { pk, sk }: Row,
  name: string,
  value: unknown,
): Promise<unknown> =>
  engine(env).send(
    new UpdateCommand({
      TableName: nameOf(env, table),
      Key: { pk, sk },
      UpdateExpression: 'SET #name = :value',
      ExpressionAttributeNames: { '#name': name },
      ExpressionAttributeValues: { ':value': value },
    }),
  );
/** Puts rows all at once. */
export const putRows = ({ env }: Pick<World, 'env'>, table: keyof Tables, rows: Row[]): Promise<unknown> =>
  engine(env).send(
    new TransactWriteCommand({
      TransactItems: rows.map((Item) => ({ Put: { TableName: nameOf(env, table), Item } })),
    }),
  );
