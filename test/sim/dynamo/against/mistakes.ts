/** Commands that DynamoDB refuses, and what the embedded engine says where it says something else. */
import {
  ExecuteTransactionCommand,
  GetCommand,
  PutCommand,
  QueryCommand,
  TransactWriteCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import type { Command } from '../../../../core/ddb.ts';

/** Not compared as a stream: the engine does some of it. */
export const TableName = 'Mistakes';
const Key = { pk: 'p', sk: 'a' };
/** What is there when a mistake is made. */
export const Item = { ...Key, n: 1, s: 'a', m: { n: 1 } };

type Fields = Record<string, unknown>;
const names = (...all: string[]) => ({
  ExpressionAttributeNames: Object.fromEntries(all.map((each) => [`#${each}`, each])),
});
const values = (all: Fields) => ({ ExpressionAttributeValues: all });
const put = (fields: Fields, item: Fields = Item): Command => new PutCommand({ TableName, Item: item, ...fields });
const putIf = (ConditionExpression: string, ...fields: Fields[]): Command =>
  put(Object.assign({ ConditionExpression }, ...fields));
const change = (UpdateExpression: string, ...fields: Fields[]): Command =>
  new UpdateCommand(Object.assign({ TableName, Key, UpdateExpression }, ...fields));
const get = (key: Fields): Command => new GetCommand({ TableName, Key: key });
const ALL = '#pk = :pk';
const query = (KeyConditionExpression: string, ...fields: Fields[]): Command =>
  new QueryCommand(Object.assign({ TableName, KeyConditionExpression }, names('pk', 'sk'), ...fields));
const range = '#pk = :pk AND #sk BETWEEN :a AND :b';
const transact = (...TransactItems: Fields[]): Command => new TransactWriteCommand({ TransactItems });

const insert = (...items: Fields[]): Command =>
  new ExecuteTransactionCommand({
    TransactStatements: items.map((item) => ({
      Statement: `INSERT INTO "${TableName}" VALUE {${Object.keys(item).map((name) => `'${name}': ?`)}}`.replaceAll(
        ',',
        ', ',
      ),
      Parameters: Object.values(item),
    })),
  });

const one = values({ ':one': 1 });
const there = { ConditionExpression: 'attribute_exists(#pk)' };

/** Its answers to what it does not mind, or minds later than DynamoDB. */
const REFUSED = { name: 'ConditionalCheckFailedException' };
const CANCELLED = { name: 'TransactionCanceledException', reasons: [{ Code: 'ValidationError' }] };
const DONE = { units: [] };
const FOUND_NONE = { Items: [] };

/** What, the command, and the engine's answer where that is not a ValidationException too. */
export const mistakes: [string, Command, object?][] = [
  ['an unused name', putIf('attribute_exists(#pk)', names('pk', 'n'))],
  ['an unused value', putIf('attribute_exists(#pk)', names('pk'), one)],
  ['an unused name where the condition fails', putIf('attribute_exists(#none)', names('none', 'n')), REFUSED],
  ['an undefined name', putIf('attribute_exists(#pk)')],
  ['an undefined value', putIf('#n = :one', names('n'))],
  ['no names', putIf('attribute_exists(#pk)', { ExpressionAttributeNames: {} })],
  ['names without an expression', put(names('pk'))],
  ['values without an expression', put(one)],
  ['a value that has no order', putIf('#n < :yes', names('n'), values({ ':yes': true })), REFUSED],
  ['one path compared with itself', putIf('#n = #n', names('n')), DONE],
  ['redundant parentheses', putIf('((#n = :one))', names('n'), one)],
  ['an empty partition key', put({}, { ...Item, pk: '' })],
  ['an empty sort key', put({}, { ...Item, sk: '' })],
  ['a key that is a number', put({}, { ...Item, pk: 1 })],
  ['an item without a sort key', put({}, { pk: 'p' })],
  ['an item of more than 400 KB', put({}, { ...Item, s: 'x'.repeat(400 * 1024) })],
  ['a sort key of more than 1 KB', put({}, { ...Item, sk: 'x'.repeat(1025) })],
  ['a key with more than a key', get({ ...Key, n: 1 })],
  ['a key without a sort key', get({ pk: 'p' })],
  ['a key with an empty sort key', get({ pk: 'p', sk: '' })],
  ['a change of the partition key', change('SET #pk = :one', names('pk'), one)],
  [
    'a change of the key where the condition fails',
    change('REMOVE #sk', names('sk', 'none'), { ConditionExpression: 'attribute_exists(#none)' }),
    REFUSED,
  ],
  ['a removed sort key', change('REMOVE #sk', names('sk'))],
  ['one path changed twice', change('SET #n = :one, #n = :one', names('n'), one)],
  ['a path in another that is changed', change('SET #m = :one REMOVE #m.#n', names('m', 'n'), one)],
  ['a sum with what is not there', change('SET #n = #none + :one', names('n', 'none'), one)],
  ['a sum with a text', change('SET #n = #s + :one', names('n', 's'), one)],
  ['a sum of a text', change('SET #n = #n + :a', names('n'), values({ ':a': 'a' }))],
  ['a path into nothing', change('SET #none.#n = :one', names('none', 'n'), one)],
  ['a path into a text', change('SET #s.#n = :one', names('s', 'n'), one)],
  ['a removed path into a text', change('REMOVE #s.#n', names('s', 'n')), DONE],
  ['a query for a number', query(ALL, names('pk'), values({ ':pk': 1 })), FOUND_NONE],
  ['a query for an empty key', query(ALL, names('pk'), values({ ':pk': '' })), FOUND_NONE],
  ['a range with its end first', query(range, values({ ':pk': 'p', ':a': 'b', ':b': 'a' }))],
  ['a query by another attribute', query('#n = :pk', names('n'), values({ ':pk': 'p' }))],
  ['a limit of 0', query(ALL, names('pk'), values({ ':pk': 'p' }), { Limit: 0 })],
  [
    'a start in another partition',
    query(ALL, names('pk'), values({ ':pk': 'q' }), { ExclusiveStartKey: Key }),
    FOUND_NONE,
  ],
  [
    'a start outside the range',
    query(range, values({ ':pk': 'p', ':a': 'b', ':b': 'c' }), { ExclusiveStartKey: Key }),
    FOUND_NONE,
  ],
  ['a start without a sort key', query(ALL, names('pk'), values({ ':pk': 'p' }), { ExclusiveStartKey: { pk: 'p' } })],
  ['no actions', transact()],
  ['an action that is none', transact({})],
  ['an action that is two', transact({ Delete: { TableName, Key }, Put: { TableName, Item } }), DONE],
  ['two actions on one item', transact({ Delete: { TableName, Key } }, { Put: { TableName, Item } })],
  ['a check without a condition', transact({ ConditionCheck: { TableName, Key } })],
  [
    'an unused name in a transaction',
    transact({ Delete: { TableName, Key, ...there, ...names('pk', 'n') } }),
    CANCELLED,
  ],
  ['an undefined name in a transaction', transact({ Delete: { TableName, Key, ...there } }), CANCELLED],
  [
    'a changed key in a transaction',
    transact({ Update: { TableName, Key, UpdateExpression: 'REMOVE #sk', ...names('sk') } }),
    DONE,
  ],
  ['an empty key in a transaction', transact({ Delete: { TableName, Key: { pk: 'p', sk: '' } } })],
  [
    'a hundred and one actions',
    transact(...Array.from({ length: 101 }, (_, i) => ({ Delete: { TableName, Key: { pk: 'p', sk: `${i}` } } }))),
  ],
  ['no statements', insert()],
  ['two insertions of one item', insert({ pk: 'p', sk: 'new' }, { pk: 'p', sk: 'new' })],
  ['a hundred and one statements', insert(...Array.from({ length: 101 }, (_, i) => ({ pk: 'p', sk: `n${i}` })))],
];
