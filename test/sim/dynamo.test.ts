/** The in-memory DynamoDB beside the embedded engine: the same calls, the same answers, the same streams. */
import { GetCommand, PutCommand, QueryCommand, TransactWriteCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Problem } from '../../core/problem.ts';
import { clear, command, comparisons, measured, TableName } from './dynamo/against/commands.ts';
import { values } from './dynamo/against/expressions.ts';
import { Item, TableName as Mistakes, mistakes } from './dynamo/against/mistakes.ts';
import { type Pair, startPair } from './dynamo/against/pair.ts';
import { createWorld, type Operation, rounds, tables } from './dynamo/against/product.ts';

const views = ['NEW_IMAGE', 'OLD_IMAGE', 'NEW_AND_OLD_IMAGES', 'KEYS_ONLY'] as const;
const ownTables = views.map((streamView) => ({ name: streamView, streamView }));

let pair: Pair;
beforeAll(async () => {
  const streamView = 'NEW_AND_OLD_IMAGES';
  pair = await startPair([{ name: TableName, streamView }, { name: Mistakes }, ...ownTables, ...tables]);
});
afterAll(() => pair.stop());

/** A broken rule is an answer; everything else is not. */
const unlessProblem = (error: unknown): void => {
  if (!(error instanceof Problem)) throw error;
};
let worlds = 0;
const play = async (operations: readonly (readonly Operation[])[]): Promise<void> => {
  const world = createWorld(pair.send, ++worlds);
  for (const round of operations) {
    await Promise.all(round.map((each) => each(world).catch(unlessProblem)));
    pair.expectAlike();
  }
};

/** Long enough to find the shortest way to a difference. */
const limits = { interruptAfterTimeLimit: 40_000 };
const TIMEOUT = 60_000;

/** The same runs every time, and some new ones, whose seed fast-check prints when they fail. */
const seeds: [string, { seed?: number; numRuns: number } & typeof limits][] = [
  ['that are pinned', { seed: 20260101, numRuns: 25, ...limits }],
  ['of this day', { numRuns: 8, ...limits }],
];

describe.each(seeds)('both answer alike, in runs %s,', { timeout: TIMEOUT }, (_which, parameters) => {
  test('to any commands, and write the same stream', async () => {
    const many = fc.array(command, { minLength: 30, maxLength: 60, size: 'max' });
    const property = fc.asyncProperty(many, async (commands) => {
      for (const each of [clear(), ...commands]) await pair.send(each).catch(() => undefined);
      pair.expectAlike();
    });
    const before = pair.calls();
    await fc.assert(property, parameters);
    expect(pair.calls() - before).toBeGreaterThan(30 * parameters.numRuns);
    await pair.expectSameStream(TableName);
  });

  test('to what the product does, and write the same streams', async () => {
    const before = pair.calls();
    await fc.assert(fc.asyncProperty(rounds, play), parameters);
    expect(pair.calls() - before).toBeGreaterThan(30 * parameters.numRuns);
    for (const { name } of tables) await pair.expectSameStream(name);
  });
});

const Key = { pk: 'p', sk: 'a' };

describe('both', () => {
  test.each(views)('write the same stream of %s', async (view) => {
    const named = { TableName: view };
    await pair.send(new PutCommand({ ...named, Item: { ...Key, n: 1 } }));
    await pair.send(new PutCommand({ ...named, Item: { ...Key, n: 2, l: [null, { s: '' }] } }));
    await pair.send(new TransactWriteCommand({ TransactItems: [{ Delete: { ...named, Key } }] }));
    pair.expectAlike();
    expect(pair.memory.writes.filter(({ table }) => table === view)).toHaveLength(3);
    await pair.expectSameStream(view);
  });

  test('compare each value with each other in the same way', async () => {
    for (const each of comparisons()) await pair.send(each).catch(() => undefined);
    pair.expectAlike();
  });

  test('measure each value in the same way', async () => {
    const numbers = [12, 123, 1200, 1_767_225_600, 2 ** 53 - 1, 0.5, 0.001, 12.5, 1.5e-7];
    const lists = [[], [1, 2], [[[]]], { a: 'b', c: [null, {}] }];
    for (const [i, value] of [...Object.values(values), ...numbers, ...lists].entries()) {
      if (typeof value === 'number' && value < 0) continue;
      const [one, two] = await Promise.all(measured(`${i}`, value).map(pair.send));
      pair.expectAlike();
      expect([one, two]).toMatchObject([
        { ConsumedCapacity: { CapacityUnits: 1 } },
        { ConsumedCapacity: { CapacityUnits: 2 } },
      ]);
    }
  });

  test('end a page at 1 MB', async () => {
    const keys = ['a', 'b', 'c', 'd', 'e'].map((sk) => ({ pk: 'large', sk }));
    for (const each of keys)
      await pair.send(new PutCommand({ TableName, Item: { ...each, s: 'x'.repeat(300 * 1024) } }));
    const values = { ExpressionAttributeNames: { '#pk': 'pk' }, ExpressionAttributeValues: { ':pk': 'large' } };
    const query = {
      TableName,
      KeyConditionExpression: '#pk = :pk',
      ReturnConsumedCapacity: 'TOTAL',
      ...values,
    } as const;
    const first = await pair.send(new QueryCommand(query));
    const second = await pair.send(new QueryCommand({ ...query, ExclusiveStartKey: keys[2] }));
    expect([first.Items, first.LastEvaluatedKey, second.Items]).toMatchObject([
      keys.slice(0, 3),
      keys[2],
      keys.slice(3),
    ]);
    pair.expectAlike();
  });

  test('know no table that is not there', async () => {
    const { ours, theirs } = await pair.ask(new GetCommand({ TableName: 'None', Key }));
    expect([ours, theirs]).toEqual([{ name: 'ResourceNotFoundException' }, { name: 'ResourceNotFoundException' }]);
  });
});

/** By AWS's documents, and by what others measured there, ours is DynamoDB's way but for the sizes. */
describe('the engine does otherwise', () => {
  const invalid = { name: 'ValidationException' };
  test.each(mistakes)('or not, for %s', async (_what, mistake, otherwise = invalid) => {
    await pair.send(new PutCommand({ TableName: Mistakes, Item }));
    const { ours, theirs } = await pair.ask(mistake);
    expect(ours).toEqual(invalid);
    expect(theirs).toMatchObject(otherwise);
  });

  test.each([-5, 1.5])('where it measures %d: the documents call theirs an approximation', async (value) => {
    const [first] = measured('otherwise', value);
    const { ours, theirs } = await pair.ask(first ?? clear());
    expect([ours, theirs]).toMatchObject([{ units: [1] }, { units: [2] }]);
  });

  const named = { TableName: Mistakes, ExpressionAttributeNames: { '#m': 'm' } };
  test('where an update only removes from nothing: it makes an item', async () => {
    const unknown = { pk: 'p', sk: 'unknown' };
    await pair.ask(new UpdateCommand({ ...named, Key: unknown, UpdateExpression: 'REMOVE #m' }));
    const { ours, theirs } = await pair.ask(new GetCommand({ TableName: Mistakes, Key: unknown }));
    expect([ours, theirs]).toMatchObject([{}, { Item: unknown }]);
    expect(ours).not.toHaveProperty('Item');
  });

  test('where a path leads into a NULL: it takes that for an empty map', async () => {
    await pair.send(new PutCommand({ TableName: Mistakes, Item: { ...Key, m: null } }));
    const values = { ExpressionAttributeValues: { ':one': 1 } };
    const { ours, theirs } = await pair.ask(
      new UpdateCommand({ ...named, ...values, Key, UpdateExpression: 'SET #m.#m = :one', ReturnValues: 'ALL_NEW' }),
    );
    expect([ours, theirs]).toMatchObject([invalid, { Attributes: { m: { m: 1 } } }]);
  });
});
