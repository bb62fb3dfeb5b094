/** GetItem and Query. */
import type { GetCommandInput, QueryCommandInput } from '@aws-sdk/lib-dynamodb';
import type { Item } from '../../../core/ddb.ts';
import { checkCondition, holds, parseCondition } from './conditions.ts';
import type { How, Output } from './dynamo.ts';
import { invalid, notUnderstood } from './errors.ts';
import { allow, capacityAsked, consumed, type Key, keyOf } from './fields.ts';
import { type Bound, bind, nameOf } from './placeholders.ts';
import { readUnits } from './sizes.ts';
import { countWhile, type Partition, type Stored, type Tables } from './tables.ts';
import { type Path, parserOf, type Tokens } from './tokens.ts';
import { copyItem, order } from './values.ts';

const PAGE_BYTES = 1024 * 1024;
const GET = new Set(['TableName', 'Key', 'ConsistentRead', 'ReturnConsumedCapacity']);
const QUERY = new Set([
  ...[
    'TableName',
    'KeyConditionExpression',
    'FilterExpression',
    'ExpressionAttributeNames',
    'ExpressionAttributeValues',
  ],
  ...['Limit', 'ScanIndexForward', 'ExclusiveStartKey', 'ConsistentRead', 'ReturnConsumedCapacity'],
]);

const lagOf = ({ lag = 0 }: How, consistent: boolean | undefined): number => (consistent ? 0 : lag);

export const getItem = (tables: Tables, input: GetCommandInput, how: How): Output => {
  allow(input, GET);
  const { TableName, ConsistentRead = false } = input;
  const table = tables.named(TableName);
  const { pk, sk } = keyOf(input.Key);
  const found = tables.partition(table, pk, lagOf(how, ConsistentRead)).at(sk);
  return {
    ...(found ? { Item: copyItem(found.item) } : {}),
    ...consumed(capacityAsked(input), table.name, readUnits(found?.size ?? 0, ConsistentRead)),
  };
};

type Sort = { path: Path; prefix: string } | { path: Path; from: string; to: string };
type Where = { partition: Path; value: string; sort?: Sort };

const sort = (tokens: Tokens): Sort => {
  if (tokens.accept('begins_with')) {
    tokens.expect('(');
    const path = tokens.path();
    tokens.expect(',');
    const prefix = tokens.value();
    tokens.expect(')');
    return { path, prefix };
  }
  const path = tokens.path();
  tokens.expect('BETWEEN');
  const from = tokens.value();
  tokens.expect('AND');
  return { path, from, to: tokens.value() };
};

const parseWhere = parserOf((tokens): Where => {
  const partition = tokens.path();
  tokens.expect('=');
  const value = tokens.value();
  return { partition, value, ...(tokens.accept('AND') ? { sort: sort(tokens) } : {}) };
});

const isName = (path: Path, name: string, bound: Bound): boolean =>
  path.length === 1 && nameOf(bound, path[0] ?? '') === name;

const text = (bound: Bound, placeholder: string): string => {
  const value = bound.values[placeholder];
  if (typeof value !== 'string') throw invalid('Condition parameter type does not match schema type');
  if (value === '') throw invalid('A key attribute cannot contain an empty string value');
  return value;
};

type Range = { pk: string; isBefore: (sk: string) => boolean; isWithin: (sk: string) => boolean };

const rangeOf = ({ partition, value, sort }: Where, bound: Bound): Range => {
  if (!isName(partition, 'pk', bound)) throw invalid('Query condition missed key schema element: pk');
  if (sort && !isName(sort.path, 'sk', bound)) throw invalid('Query condition missed key schema element: sk');
  const pk = text(bound, value);
  if (!sort) return { pk, isBefore: () => false, isWithin: () => true };
  if ('prefix' in sort) {
    if (bound.values[sort.prefix] === '') throw notUnderstood('an empty prefix');
    const prefix = text(bound, sort.prefix);
    return { pk, isBefore: (sk) => order(sk, prefix) < 0, isWithin: (sk) => sk.startsWith(prefix) };
  }
  const [from, to] = [text(bound, sort.from), text(bound, sort.to)];
  if (order(from, to) > 0) throw invalid('The BETWEEN operator requires upper bound to be greater than lower bound');
  return { pk, isBefore: (sk) => order(sk, from) < 0, isWithin: (sk) => order(sk, to) <= 0 };
};

/**
 * Where a page begins. DynamoDB is said to refuse a start at the very end of the range as well, beyond which nothing can
 * be; whether it ever ends a page there is not documented. We do, with `cut`, so we take it back.
 */
const startOf = ({ ExclusiveStartKey }: QueryCommandInput, { pk, isBefore, isWithin }: Range): Key | undefined => {
  if (!ExclusiveStartKey) return undefined;
  const start = keyOf(ExclusiveStartKey);
  if (start.pk !== pk) throw invalid('The provided starting key is outside query boundaries');
  if (isBefore(start.sk) || !isWithin(start.sk))
    throw invalid('The provided starting key does not match the range key predicate');
  return start;
};

/** Sort keys in the order of the query, after its start. */
const keysOf = function* (keys: readonly string[], range: Range, start: Key | undefined, forward: boolean) {
  let low = countWhile(keys, range.isBefore);
  let high = countWhile(keys, (sk) => range.isBefore(sk) || range.isWithin(sk));
  if (start && forward) low = countWhile(keys, (sk) => order(sk, start.sk) <= 0);
  if (start && !forward) high = countWhile(keys, (sk) => order(sk, start.sk) < 0);
  for (let i = 0; i < high - low; i++) yield keys[forward ? low + i : high - 1 - i] ?? '';
};

/** Items up to a count or 1 MB; it is full when that was the reason to end. */
const pageOf = ({ at }: Partition, keys: Iterable<string>, limit: number) => {
  const page: Stored[] = [];
  let size = 0;
  for (const sk of keys) {
    const found = at(sk);
    if (!found) continue;
    if (page.length === limit || size + found.size > PAGE_BYTES) return { page, size, full: true };
    page.push(found);
    size += found.size;
  }
  // Where a limit meets the end, DynamoDB does not look whether there is more.
  return { page, size, full: page.length === limit };
};

const limitOf = ({ Limit = Number.POSITIVE_INFINITY }: QueryCommandInput, { cut }: How): number => {
  if (Limit < 1) throw invalid(`Value '${Limit}' at 'limit' must be greater than or equal to 1`);
  if (cut !== undefined && !(cut >= 1)) throw notUnderstood(`a page of ${cut} items`);
  return Math.min(Limit, cut ?? Limit);
};

/** @throws ValidationException also for a filter that asks for a key, as key conditions do */
const checkFilter = ({ tree, names }: ReturnType<typeof parseCondition>, bound: Bound): void => {
  checkCondition(tree, bound);
  const key = names.map((name) => nameOf(bound, name)).find((name) => name === 'pk' || name === 'sk');
  if (key)
    throw invalid(`Filter Expression can only contain non-primary key attributes: Primary key attribute: ${key}`);
};

export const query = (tables: Tables, input: QueryCommandInput, how: How): Output => {
  allow(input, QUERY);
  const { TableName, KeyConditionExpression, ConsistentRead = false, ScanIndexForward = true } = input;
  const table = tables.named(TableName);
  if (!KeyConditionExpression) throw notUnderstood('a query without KeyConditionExpression');
  const parsed = parseWhere(KeyConditionExpression);
  const filter = input.FilterExpression === undefined ? undefined : parseCondition(input.FilterExpression);
  const bound = bind(input, parsed, filter);
  if (filter) checkFilter(filter, bound);
  const range = rangeOf(parsed.tree, bound);
  const start = startOf(input, range);
  const partition = tables.partition(table, range.pk, lagOf(how, ConsistentRead));
  const keys = keysOf(partition.keys, range, start, ScanIndexForward);
  const { page, size, full } = pageOf(partition, keys, limitOf(input, how));
  // Looked through, and paid for, before it is filtered.
  const last: Item | undefined = full ? page.at(-1)?.item : undefined;
  const Items = page.filter(({ item }) => !filter || holds(filter.tree, item, bound)).map(({ item }) => copyItem(item));
  return {
    ...{ Items, Count: Items.length, ScannedCount: page.length },
    ...(last ? { LastEvaluatedKey: { pk: last.pk, sk: last.sk } } : {}),
    ...consumed(capacityAsked(input), table.name, readUnits(size, ConsistentRead)),
  };
};
