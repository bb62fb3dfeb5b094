/** Arbitrary commands to one table, with so few keys that they collide. */
import {
  ExecuteTransactionCommand,
  GetCommand,
  PutCommand,
  QueryCommand,
  TransactWriteCommand,
  type TransactWriteCommandInput,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import fc from 'fast-check';
import type { Command } from '../../../../core/ddb.ts';
import { sizeOf } from '../sizes.ts';
import { allOf, attributes, condition, orderedNames, placeholders, update, values } from './expressions.ts';

export const TableName = 'Raw';
const total = { ReturnConsumedCapacity: 'TOTAL' } as const;

const partitions = ['p', 'q'];
/** In the order of their UTF-8 bytes. */
const sorts = ['a', 'ab', 'b', 'v#11', 'v#12', 'v#210', 'ü', '\uff61', '😀'];
const END = '\u{10ffff}';
const key = fc.record(
  { pk: fc.constantFrom('p', ...partitions), sk: fc.constantFrom(...sorts) },
  { noNullPrototype: true },
);

/** Deletes all that can be there. */
export const clear = (): Command =>
  new TransactWriteCommand({
    TransactItems: partitions.flatMap((pk) => sorts.map((sk) => ({ Delete: { TableName, Key: { pk, sk } } }))),
  });

const half = <T>(one: fc.Arbitrary<T>) => fc.option(one, { nil: undefined, freq: 2 });
const onFailure = fc.constantFrom({}, { ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const });
const conditional = (ConditionExpression: string | undefined) => (ConditionExpression ? { ConditionExpression } : {});

const put = fc.tuple(key, attributes, half(condition), onFailure).map(([own, rest, asked, told]) => ({
  ...{ TableName, Item: { ...rest, ...own }, ...told },
  ...conditional(asked),
  ...placeholders([asked]),
}));

const change = fc.tuple(key, update, half(condition), onFailure).map(([Key, { text, needs }, asked, told]) => {
  const all = allOf(needs, asked);
  return {
    ...{ TableName, Key, UpdateExpression: text, ...told },
    ...conditional(all),
    ...placeholders([text, all]),
  };
});

const check = fc.tuple(key, condition, onFailure).map(([Key, ConditionExpression, told]) => ({
  ...{ TableName, Key, ConditionExpression, ...told },
  ...placeholders([ConditionExpression]),
}));

type Action = NonNullable<TransactWriteCommandInput['TransactItems']>[number];
const action: fc.Arbitrary<Action> = fc.oneof(
  put.map((Put) => ({ Put })),
  change.map((Update) => ({ Update })),
  check.map((ConditionCheck) => ({ ConditionCheck })),
  check.map((Delete) => ({ Delete })),
  key.map((Key) => ({ Delete: { TableName, Key } })),
);

type Where = { text: string; more: Record<string, string>; starts: string[] };
const everything: Where = { text: '#pk = :pk', more: {}, starts: sorts };
const prefixed = (prefix: string): Where => ({
  text: '#pk = :pk AND begins_with(#sk, :x)',
  more: { ':x': prefix },
  starts: sorts.filter((each) => each.startsWith(prefix)),
});
const ranged = ([from, to]: [number, number]): Where => ({
  text: '#pk = :pk AND #sk BETWEEN :from AND :to',
  more: { ':from': sorts[from] ?? END, ':to': sorts[to] ?? END },
  starts: sorts.slice(from, to + 1),
});
const where = fc.oneof(
  fc.constant(everything),
  fc.constantFrom('a', 'v#', 'v#1', 'ü', 'z').map(prefixed),
  fc.tuple(fc.nat(sorts.length), fc.nat(sorts.length)).map(ranged),
);
/** Quoted names: `m` is an attribute's, and a table's may be a word of the language. */
const insert = fc.tuple(key, attributes).map(([own, rest]) => {
  const item = { ...own, ...Object.fromEntries(Object.entries(rest).filter(([name]) => /^\w+$/.test(name))) };
  const fields = Object.keys(item).map((name) => `'${name}': ?`);
  return { Statement: `INSERT INTO "${TableName}" VALUE {${fields.join(', ')}}`, Parameters: Object.values(item) };
});
const options = fc.record(
  { Limit: fc.integer({ min: 1, max: 4 }), ScanIndexForward: fc.boolean(), ConsistentRead: fc.boolean() },
  { requiredKeys: [], noNullPrototype: true },
);

/** Starts lie within what is asked for: the engine does not mind others, DynamoDB does. */
const queried = fc.tuple(where, half(fc.nat(sorts.length)), half(condition), options);
const query = queried.map(([{ text, more, starts }, start, filter, rest]) => {
  const sk = start === undefined ? undefined : starts[start];
  return new QueryCommand({
    ...{ TableName, KeyConditionExpression: text, ...rest, ...total },
    ...(filter === undefined ? {} : { FilterExpression: filter }),
    ...placeholders([text, filter], { ...more, ':pk': 'p' }),
    ...(sk ? { ExclusiveStartKey: { pk: 'p', sk } } : {}),
  });
});

export const command: fc.Arbitrary<Command> = fc.oneof(
  fc
    .tuple(put, fc.constantFrom('NONE', 'ALL_OLD'))
    .map(([input, ReturnValues]) => new PutCommand({ ...input, ...total, ReturnValues })),
  fc
    .tuple(change, fc.constantFrom('NONE', 'ALL_NEW'))
    .map(([input, ReturnValues]) => new UpdateCommand({ ...input, ...total, ReturnValues })),
  fc
    .array(action, { minLength: 1, maxLength: 4 })
    .map((TransactItems) => new TransactWriteCommand({ TransactItems, ...total })),
  fc
    .array(insert, { minLength: 1, maxLength: 3 })
    .map((TransactStatements) => new ExecuteTransactionCommand({ TransactStatements, ...total })),
  fc
    .tuple(key, fc.boolean())
    .map(([Key, ConsistentRead]) => new GetCommand({ TableName, Key, ConsistentRead, ...total })),
  query,
);

const cells = Object.keys(values).map((name) => ({ Key: { pk: 'compared', sk: name }, value: values[name] }));

/** One item for each value, then each value compared with all items; every comparison has a reason of its own. */
export const comparisons = (): Command[] => {
  const fill = cells.map(({ Key, value }) => new PutCommand({ TableName, Item: { ...Key, n: value } }));
  const compare = (operator: string) => (name: string) => {
    const ConditionExpression = `#n ${operator} ${name}`;
    const asked = { ConditionExpression, ...placeholders([ConditionExpression]) };
    return new TransactWriteCommand({
      TransactItems: cells.map(({ Key }) => ({ ConditionCheck: { TableName, Key, ...asked } })),
    });
  };
  const equalities = ['=', '<>'].flatMap((operator) => Object.keys(values).map(compare(operator)));
  const orders = ['<', '<=', '>', '>='].flatMap((operator) => orderedNames.map(compare(operator)));
  return [...fill, ...equalities, ...orders];
};

/** Puts that DynamoDB's rule gives just one unit, and one byte more, with this value among the rest. */
export const measured = (sk: string, value: unknown): Command[] => {
  const item = { pk: 'measured', sk, value, rest: '' };
  const room = 1024 - sizeOf(item);
  return [room, room + 1].map(
    (bytes) => new PutCommand({ TableName, Item: { ...item, rest: 'x'.repeat(bytes) }, ...total }),
  );
};
