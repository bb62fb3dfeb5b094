/** Damage to raw items, around the product, and the walks of the operators' commands over the booted system. */

import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DeleteCommand, DynamoDBDocumentClient, PutCommand, ScanCommand } from '@aws-sdk/lib-dynamodb';
import { makeDeps, ports } from '../../core/deps.ts';
import { canonicalJson } from '../../core/json.ts';
import { scanTable } from '../../ops/scan.ts';
import type { Walk } from '../../ops/walk.ts';
import { type Row, readTables, type Tables } from '../api/tables.ts';
import type { World } from '../world.ts';

type Env = World['env'];
type Target = Pick<World, 'env'>;

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
const nameOf = (env: Env, table: string): string => env[`${table.toUpperCase()}_TABLE`] ?? '';

/** Pages of so few items that partitions are cut anywhere. */
async function* smallPages(env: Env, table: string, size: number) {
  let start: Record<string, unknown> | undefined;
  do {
    const input = { TableName: nameOf(env, table), ConsistentRead: true, Limit: size };
    const page = await engine(env).send(new ScanCommand({ ...input, ...(start ? { ExclusiveStartKey: start } : {}) }));
    yield page.Items ?? [];
    start = page.LastEvaluatedKey;
  } while (start);
}

/**
 * As a command has it.
 * @param hurry looks again at once, where nothing else goes on
 * @param pages items a page
 */
export const walkOf = ({ env }: Target, { hurry = false, pages = 0 } = {}): Walk => {
  const meter = { read: 0, write: 0 };
  const deps = makeDeps(meter, { ...ports, log: () => undefined });
  return {
    meter,
    deps: hurry ? { ...deps, sleep: async () => undefined } : deps,
    scan: (table, options) =>
      pages > 0 ? smallPages(env, table, pages) : scanTable(nameOf(env, table), meter, options ?? {}),
  };
};

export type Edit = { table: keyof Tables; row: Row } | { table: keyof Tables; gone: Pick<Row, 'pk' | 'sk'> };

const apply = (env: Env, edit: Edit): Promise<unknown> => {
  const TableName = nameOf(env, edit.table);
  if ('row' in edit) return engine(env).send(new PutCommand({ TableName, Item: edit.row }));
  const { pk, sk } = edit.gone;
  return engine(env).send(new DeleteCommand({ TableName, Key: { pk, sk } }));
};

export const damage = async ({ env }: Target, edits: readonly Edit[]): Promise<void> => {
  for (const edit of edits) await apply(env, edit);
};

/** Puts everything back as it was. */
export const undo = async (world: Target, before: Tables): Promise<void> => {
  const now = await readTables(world);
  for (const table of ['events', 'inbox', 'views', 'devices'] as const) {
    const was = new Map(before[table].map((row) => [`${row.pk} ${row.sk}`, row]));
    const is = new Map(now[table].map((row) => [`${row.pk} ${row.sk}`, row]));
    const back = [...was].filter(([name, row]) => canonicalJson(row) !== canonicalJson(is.get(name)));
    const extra = [...is].filter(([name]) => !was.has(name));
    await damage(world, [
      ...back.map(([, row]): Edit => ({ table, row })),
      ...extra.map(([, gone]): Edit => ({ table, gone })),
    ]);
  }
};
