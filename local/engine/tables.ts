/** Makes the template's tables in the engine; tables that are there already are compared and left alone. */
import { isDeepStrictEqual } from 'node:util';
import { StartError } from '../errors.ts';
import type { Model, TableModel } from '../model.ts';
import { type Dynamo, DynamoError } from './dynamo.ts';

type KeySchema = { AttributeName: string; KeyType: string }[];
type Description = {
  Table: {
    KeySchema: KeySchema;
    TableStatus: string;
    StreamSpecification?: { StreamEnabled?: boolean; StreamViewType?: string };
  };
};

const maxLooks = 200;

const describe = async (dynamo: Dynamo, TableName: string): Promise<Description['Table'] | undefined> => {
  try {
    return (await dynamo.call<Description>('DescribeTable', { TableName })).Table;
  } catch (error) {
    if (error instanceof DynamoError && error.code === 'ResourceNotFoundException') return undefined;
    throw error;
  }
};

const keySchema = (table: TableModel): KeySchema =>
  table.keys.map(({ attribute, role }) => ({ AttributeName: attribute, KeyType: role }));

const create = async (dynamo: Dynamo, table: TableModel): Promise<void> => {
  await dynamo.call('CreateTable', {
    TableName: table.name,
    KeySchema: keySchema(table),
    AttributeDefinitions: table.keys.map(({ attribute, type }) => ({ AttributeName: attribute, AttributeType: type })),
    BillingMode: 'PAY_PER_REQUEST',
    ...(table.streamView && { StreamSpecification: { StreamEnabled: true, StreamViewType: table.streamView } }),
  });
  for (let look = 0; (await describe(dynamo, table.name))?.TableStatus !== 'ACTIVE'; look++) {
    if (look === maxLooks) throw new StartError(`the table ${table.name} does not become ready: start again`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  if (table.ttlAttribute)
    await dynamo.call('UpdateTimeToLive', {
      TableName: table.name,
      TimeToLiveSpecification: { AttributeName: table.ttlAttribute, Enabled: true },
    });
};

const ensure = async (dynamo: Dynamo, table: TableModel): Promise<void> => {
  const found = await describe(dynamo, table.name);
  if (!found) return create(dynamo, table);
  const stream = found.StreamSpecification?.StreamEnabled ? found.StreamSpecification.StreamViewType : undefined;
  if (!isDeepStrictEqual(found.KeySchema, keySchema(table)) || stream !== table.streamView)
    throw new StartError(
      `the table ${table.name} has other keys or another stream than infra/ says: start with an empty data folder`,
    );
};

/**
 * Idempotent.
 * @throws StartError for a table of another shape, and for two names that the engine cannot tell apart
 */
export const ensureTables = async (dynamo: Dynamo, { tables }: Pick<Model, 'tables'>): Promise<void> => {
  const names = Object.values(tables).map(({ name }) => name.toLowerCase());
  if (new Set(names).size < names.length)
    throw new StartError('two tables differ only in capitals: rename one in infra/');
  await Promise.all(Object.values(tables).map((table) => ensure(dynamo, table)));
};
