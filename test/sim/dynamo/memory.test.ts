/** What only the in-memory DynamoDB has: what it refuses to understand, reads that lag, pages that are cut short. */
import {
  DeleteCommand,
  GetCommand,
  type GetCommandInput,
  PutCommand,
  QueryCommand,
  type QueryCommandInput,
  TransactWriteCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Item } from '../../../core/ddb.ts';
import { createDynamo, type Dynamo, type How } from './dynamo.ts';
import { recordOf } from './record.ts';

const TableName = 'Table';
const spec = { name: TableName, streamView: 'NEW_AND_OLD_IMAGES' } as const;
const create = (): Dynamo => createDynamo([spec]);
const Key = { pk: 'p', sk: 'a' };
const put = (sk: string, rest: Item = {}) => new PutCommand({ TableName, Item: { pk: 'p', sk, ...rest } });
const get = (more: Partial<GetCommandInput> = {}) => new GetCommand({ TableName, Key, ...more });
const query = (more: Partial<QueryCommandInput> = {}) =>
  new QueryCommand({
    ...{ TableName, KeyConditionExpression: '#pk = :pk', ...more },
    ...{ ExpressionAttributeNames: { '#pk': 'pk' }, ExpressionAttributeValues: { ':pk': 'p' } },
  });
const putIf = (ConditionExpression: string) => {
  const names = { ExpressionAttributeNames: { '#n': 'n' }, ExpressionAttributeValues: { ':v': 1, ':w': 2 } };
  return new PutCommand({ TableName, Item: Key, ConditionExpression, ...names });
};
const change = (UpdateExpression: string, more: Item = {}) => {
  const names = { ExpressionAttributeNames: { '#n': 'n' }, ExpressionAttributeValues: { ':v': 1 } };
  return new UpdateCommand({ TableName, Key, UpdateExpression, ...names, ...more });
};

describe('it does not understand', () => {
  test.each([
    ['a call of NOT', putIf('NOT #n = :v')],
    ['IN', putIf('#n IN (:v)')],
    ['BETWEEN in a condition', putIf('#n BETWEEN :v AND :w')],
    ['begins_with in a condition', putIf('begins_with(#n, :v)')],
    ['contains', putIf('contains(#n, :v)')],
    ['size', putIf('size(#n) > :v')],
    ['attribute_type', putIf('attribute_type(#n, :v)')],
    ['a name without a placeholder', putIf('n = :v')],
    ['a keyword as a name', putIf('AND = :v')],
    ['a place in a list', putIf('#n[0] = :v')],
    ['two values', putIf(':v = :w')],
    ['a condition that ends too soon', putIf('#n = :v AND')],
    ['a parenthesis that stays open', putIf('(#n = :v')],
    ['two conditions side by side', putIf('#n = :v #n = :v')],
    ['lower case', putIf('#n = :v and #n = :v')],
    ['nothing', putIf(' ')],
    ['ADD', change('ADD #n :v')],
    ['DELETE', change('DELETE #n :v')],
    ['list_append', change('SET #n = list_append(#n, :v)')],
    ['a difference', change('SET #n = #n - :v')],
    ['a copy of another attribute', change('SET #n = #n')],
    [
      'a key as an operand',
      change('SET #n = if_not_exists(#pk, :v)', { ExpressionAttributeNames: { '#n': 'n', '#pk': 'pk' } }),
    ],
    ['REMOVE before SET', change('REMOVE #n SET #n = :v')],
    ['an update of nothing', new UpdateCommand({ TableName, Key })],
    ['other values to return', change('SET #n = :v', { ReturnValues: 'UPDATED_NEW' })],
    ['capacity by index', get({ ReturnConsumedCapacity: 'INDEXES' })],
    ['a projection', get({ ProjectionExpression: '#n' })],
    ['an index', query({ IndexName: 'index' })],
    ['a count', query({ Select: 'COUNT' })],
    ['another key condition', query({ KeyConditionExpression: '#pk = :pk AND #sk > :pk' })],
    ['a key condition the other way round', query({ KeyConditionExpression: ':pk = #pk' })],
    ['a query without a condition', new QueryCommand({ TableName })],
    [
      'a token',
      new TransactWriteCommand({ TransactItems: [{ Put: { TableName, Item: Key } }], ClientRequestToken: 't' }),
    ],
    ['a set', put('a', { set: new Set(['a']) })],
    ['bytes', put('a', { bytes: new Uint8Array(1) })],
    ['a date', put('a', { date: new Date(0) })],
    ['a function', put('a', { f: () => 1 })],
    ['a number that is none', put('a', { n: Number.NaN })],
    ['a number that is too large to be exact', put('a', { n: 2 ** 53 })],
    ['half a character', put('a', { s: '\ud800' })],
  ])('%s', (_what, command) => {
    const dynamo = create();
    expect(() => dynamo.send(command)).toThrow(/^not understood: /);
    expect(dynamo.writes).toEqual([]);
  });

  test('a command that the product does not send', () => {
    const command = new DeleteCommand({ TableName, Key });
    expect(() => create().send(command as never)).toThrow('not understood: the command DeleteCommand');
  });

  test('a sum of fractions, which DynamoDB adds as decimals', () => {
    const dynamo = create();
    dynamo.send(put('a', { n: 0.1 }));
    expect(() => dynamo.send(change('SET #n = #n + :v'))).toThrow('not understood: a sum');
  });
});

/** Puts the items a0, a1, … and removes each fifth again. */
const history = (length: number): Dynamo => {
  const dynamo = create();
  for (let i = 0; i < length; i++) {
    if (i % 5 === 4) dynamo.force(TableName, { pk: 'p', sk: `a${(i * 7) % 3}` }, undefined);
    else dynamo.send(put(`a${(i * 3) % 4}`, { i }));
  }
  return dynamo;
};

describe('a read that lags', () => {
  test('answers as things stood so many writes ago, and never if it is consistent', () => {
    for (let lag = 0; lag <= 25; lag++) {
      const [now, then] = [history(20), create()];
      for (const { pk, sk, after } of now.writes.slice(0, Math.max(0, now.writes.length - lag)))
        then.force(TableName, { pk, sk }, after);
      for (const more of [{}, { ScanIndexForward: false, Limit: 2 }, { ReturnConsumedCapacity: 'TOTAL' as const }]) {
        expect(now.send(query(more), { lag })).toEqual(then.send(query(more)));
        expect(now.send(query({ ...more, ConsistentRead: true }), { lag })).toEqual(
          now.send(query({ ...more, ConsistentRead: true })),
        );
      }
      const key = { Key: { pk: 'p', sk: 'a1' } };
      expect(now.send(get(key), { lag })).toEqual(then.send(get(key)));
      expect(now.send(get({ ...key, ConsistentRead: true }), { lag })).toEqual(now.send(get(key)));
    }
  });
});

const pagesOf = (dynamo: Dynamo, how: How, more: Partial<QueryCommandInput>): unknown[][] => {
  const pages: unknown[][] = [];
  let start: Item | undefined;
  do {
    const { Items, LastEvaluatedKey } = dynamo.send(
      query({ ...more, ...(start ? { ExclusiveStartKey: start } : {}) }),
      how,
    );
    pages.push(Items as unknown[]);
    start = LastEvaluatedKey as Item | undefined;
  } while (start);
  return pages;
};

describe('a page that is cut short', () => {
  test('loses nothing and repeats nothing, in either direction', () => {
    const sorts = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 3, unit: 'grapheme' }), { maxLength: 12 });
    const property = fc.property(sorts, fc.integer({ min: 1, max: 5 }), fc.boolean(), (all, cut, ScanIndexForward) => {
      const dynamo = create();
      for (const sk of all) dynamo.send(put(sk));
      const pages = pagesOf(dynamo, { cut }, { ScanIndexForward });
      void expect(pages.every((page) => page.length <= cut)).toBe(true);
      const items = dynamo.items(TableName);
      void expect(pages.flat()).toEqual(ScanIndexForward ? items : items.reverse());
    });
    fc.assert(property, { seed: 20260101 });
    fc.assert(property, { numRuns: 30 });
  });

  test('may be the last one without knowing, as with a limit', () => {
    const dynamo = create();
    dynamo.send(put('a'));
    expect(pagesOf(dynamo, { cut: 1 }, {})).toHaveLength(2);
    expect(pagesOf(dynamo, {}, { Limit: 1 })).toHaveLength(2);
    expect(() => dynamo.send(query(), { cut: 0 })).toThrow('not understood: a page of 0 items');
  });
});

describe('its log', () => {
  test('has what was there before and after, and nothing of a write that changes nothing', () => {
    const dynamo = create();
    const told: unknown[] = [];
    dynamo.onWrite((write) => void told.push(write));
    dynamo.send(put('a', { n: 1, m: { x: 1, y: 2 } }));
    dynamo.send(put('a', { m: { y: 2, x: 1 }, n: 1 }));
    dynamo.send(change('SET #n = :v'));
    dynamo.force(TableName, Key, undefined);
    const item = { ...Key, n: 1, m: { x: 1, y: 2 } };
    const common = { table: TableName, ...Key };
    expect(dynamo.writes).toEqual([
      { ...common, seq: 1, before: undefined, after: item },
      { ...common, seq: 2, before: item, after: undefined },
    ]);
    expect(told).toEqual(dynamo.writes);
    const records = dynamo.writes.map((write) => recordOf(write, spec, 5));
    expect(records.map(({ eventName }) => eventName)).toEqual(['INSERT', 'REMOVE']);
    const [first = '', second = ''] = records.map(({ dynamodb }) => dynamodb.SequenceNumber);
    expect([first < second, BigInt(first) < BigInt(second)]).toEqual([true, true]);
  });

  test('and its items are nobody else’s', () => {
    const dynamo = create();
    const given = { list: [{ n: 1 }] };
    dynamo.send(put('a', given));
    given.list.push({ n: 2 });
    (dynamo.send(get()).Item as typeof given).list.push({ n: 3 });
    (dynamo.items(TableName)[0] as typeof given | undefined)?.list.push({ n: 4 });
    expect(dynamo.send(get()).Item).toEqual({ ...Key, list: [{ n: 1 }] });
  });
});
