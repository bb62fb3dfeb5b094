/** DynamoDB's time to live, which the embedded engine knows but does not do: expired items are deleted in the background. */

import type { Model, TableModel } from '../model.ts';
import { type Dynamo, DynamoError } from './dynamo.ts';

type Item = Record<string, unknown>;
type Page = { Items: Item[]; LastEvaluatedKey?: Item };

const everyMilliseconds = 60_000;
const pageSize = 200;
const maxPages = 500;

/** Deletes one expired item, unless it was given a longer life meanwhile. */
const remove = async (dynamo: Dynamo, { name, keys, ttlAttribute = '' }: TableModel, item: Item): Promise<void> => {
  try {
    await dynamo.call('DeleteItem', {
      TableName: name,
      Key: Object.fromEntries(keys.map(({ attribute }) => [attribute, item[attribute]])),
      ConditionExpression: '#ttl = :seen',
      ExpressionAttributeNames: { '#ttl': ttlAttribute },
      ExpressionAttributeValues: { ':seen': item[ttlAttribute] },
    });
  } catch (error) {
    if (!(error instanceof DynamoError && error.code === 'ConditionalCheckFailedException')) throw error;
  }
};

/** Deletes what expired before `now` (seconds since 1970), page by page, so that others get their turn. */
export const sweepTable = async (dynamo: Dynamo, table: TableModel, now: number): Promise<void> => {
  let from: Item | undefined;
  for (let page = 0; page < maxPages; page++) {
    const { Items, LastEvaluatedKey }: Page = await dynamo.call<Page>('Scan', {
      TableName: table.name,
      Limit: pageSize,
      FilterExpression: '#ttl < :now',
      ExpressionAttributeNames: { '#ttl': table.ttlAttribute },
      ExpressionAttributeValues: { ':now': { N: String(now) } },
      ...(from && { ExclusiveStartKey: from }),
    });
    for (const item of Items) await remove(dynamo, table, item);
    from = LastEvaluatedKey;
    if (!from) return;
  }
};

/** Sweeps the tables that have a TTL, every minute. @returns how to stop */
export const startSweeper = (
  dynamo: Dynamo,
  { tables }: Pick<Model, 'tables'>,
  onNote: (sentence: string) => void,
): (() => void) => {
  const mortal = Object.values(tables).filter(({ ttlAttribute }) => ttlAttribute !== undefined);
  let running = false;
  const sweep = async (): Promise<void> => {
    if (running) return;
    running = true;
    try {
      for (const table of mortal) await sweepTable(dynamo, table, Math.floor(Date.now() / 1000));
    } catch (error) {
      onNote(`expired items could not be deleted: ${error instanceof Error ? error.message : error}`);
    }
    running = false;
  };
  const timer = setInterval(() => void sweep(), everyMilliseconds);
  return () => clearInterval(timer);
};
