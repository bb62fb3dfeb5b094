/**
 * The stream edge: records in order per key, keys in parallel. What can't be decoded is parked with its reason and
 * blocks nobody; what fails for now is retried from the lowest failure on, as Lambda's checkpoint asks.
 */
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import type { Context, DynamoDBBatchResponse, DynamoDBRecord, DynamoDBStreamEvent } from 'aws-lambda';
import { z } from 'zod';
import { assert } from './assert.ts';
import type { Item } from './ddb.ts';
import type { Deps } from './deps.ts';
import { invocation } from './edge.ts';
import { inLanes } from './lanes.ts';
import { errorName, reasonOf } from './log.ts';
import { park } from './parked.ts';

const WIDTH = 16;

export type Change = { sequence: string; keys: Item; before: Item | undefined; after: Item | undefined };

// The stream's records and the SDK describe the same attribute values with two sets of types.
const plain = (image: object | undefined): Item | undefined =>
  image && unmarshall(image as Record<string, AttributeValue>);

/** Images as whole batches hold them that were given up. */
export const itemOf = (image: object): Item => unmarshall(image as Record<string, AttributeValue>);
export const imageOf = (item: Item): object => marshall(item, { removeUndefinedValues: true });

const toChange = ({ dynamodb }: DynamoDBRecord): Change => {
  assert(dynamodb?.SequenceNumber && dynamodb.Keys, 'a record without sequence number or keys');
  const keys = plain(dynamodb.Keys) ?? {};
  return { sequence: dynamodb.SequenceNumber, keys, before: plain(dynamodb.OldImage), after: plain(dynamodb.NewImage) };
};

const keyOf = ({ keys }: Change): string => `${keys.pk}|${keys.sk}`;

/** Will it fail for ever? Then no retry helps. */
const isPoison = (error: unknown): boolean => error instanceof z.ZodError;

/** Numbers only: what people write are texts. */
const numbersOf = (item: Item): Record<string, number> =>
  Object.fromEntries(Object.entries(item).filter((entry): entry is [string, number] => typeof entry[1] === 'number'));

const parkChange = async (deps: Deps, from: string, change: Change, error: unknown): Promise<void> => {
  const reason = error instanceof z.ZodError ? reasonOf(error) : errorName(error);
  const before = change.before && numbersOf(change.before);
  await park(deps, { from, key: keyOf(change), reason, hint: { keys: change.keys, before } });
};

/** @param lane records of the same partition key run in order: that is one aggregate, or one person */
export const stream =
  (name: string, handle: (change: Change, deps: Deps) => Promise<void>) =>
  (event: DynamoDBStreamEvent, context: Context): Promise<DynamoDBBatchResponse> =>
    invocation(context, async (deps) => {
      const changes = event.Records.map(toChange);
      const failures = await inLanes(
        changes,
        ({ keys }) => String(keys.pk),
        WIDTH,
        async (change) => {
          try {
            await handle(change, deps);
          } catch (error) {
            if (!isPoison(error)) throw error;
            await parkChange(deps, name, change, error);
          }
        },
      );
      for (const { item, error } of failures)
        deps.log({ level: 'warn', msg: 'record failed', from: name, key: keyOf(item), error: errorName(error) });
      const lowest = failures.map(({ item }) => item.sequence).sort((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1))[0];
      return { batchItemFailures: lowest === undefined ? [] : [{ itemIdentifier: lowest }] };
    });
