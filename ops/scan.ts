/** Reading a whole table. Functions may not scan (nor have the right to); operators may, at a bounded rate. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, ScanCommand } from '@aws-sdk/lib-dynamodb';
import { withDeadline } from '../core/aws.ts';
import type { Item, Meter } from '../core/ddb.ts';
import { sleep } from '../core/retry.ts';

export type ScanOptions = { unitsPerSecond?: number; consistent?: boolean };

/** Throttled pages come again by the SDK's own retries: a scan only reads. */
const ATTEMPTS = 8;
const PAGE_MS = 30_000;
const FIRST_PAGE = 100;
const LARGEST_PAGE = 1000;

/** So many items that a page costs about a quarter of a second's units. */
const pageFor = (unitsPerSecond: number, units: number, items: number): number => {
  if (!Number.isFinite(unitsPerSecond) || units === 0) return LARGEST_PAGE;
  const unitsPerItem = units / Math.max(1, items);
  return Math.max(1, Math.min(LARGEST_PAGE, Math.floor(unitsPerSecond / 4 / unitsPerItem)));
};

/** Pages of a table, in no order, at most `unitsPerSecond` read units a second; the meter hears of each. */
export async function* scanTable(
  TableName: string,
  meter: Meter,
  { unitsPerSecond = Number.POSITIVE_INFINITY, consistent = false }: ScanOptions,
): AsyncGenerator<Item[]> {
  const client = new DynamoDBClient({ maxAttempts: ATTEMPTS, ...withDeadline(PAGE_MS) });
  const documents = DynamoDBDocumentClient.from(client);
  let ExclusiveStartKey: Item | undefined;
  let Limit = Number.isFinite(unitsPerSecond) ? FIRST_PAGE : LARGEST_PAGE;
  try {
    do {
      const page = new ScanCommand({
        TableName,
        Limit,
        ConsistentRead: consistent,
        ReturnConsumedCapacity: 'TOTAL',
        ...(ExclusiveStartKey ? { ExclusiveStartKey } : {}),
      });
      const started = performance.now();
      const { Items: items = [], LastEvaluatedKey, ConsumedCapacity } = await documents.send(page);
      const units = ConsumedCapacity?.CapacityUnits ?? 0;
      meter.read += units;
      yield items;
      ExclusiveStartKey = LastEvaluatedKey;
      Limit = pageFor(unitsPerSecond, units, items.length);
      const rest = (units * 1000) / unitsPerSecond - (performance.now() - started);
      if (ExclusiveStartKey && rest > 0) await sleep(rest);
    } while (ExclusiveStartKey);
  } finally {
    client.destroy();
  }
}
