/** ExecuteTransaction, of nothing but INSERTs with parameters. Each statement is planned and checked before any is done. */
import type { ExecuteTransactionCommandInput } from '@aws-sdk/lib-dynamodb';
import type { Item } from '../../../core/ddb.ts';
import type { Output, Write } from './dynamo.ts';
import { cancelled, invalid, isInvalid, notUnderstood, type Reason } from './errors.ts';
import { allow, capacityAsked, consumed, itemOf, type Key, keyIn, toStore } from './fields.ts';
import { writeUnits } from './sizes.ts';
import type { Stored, Table, Tables } from './tables.ts';

const STATEMENTS = 100;
const EXECUTE = new Set(['TransactStatements', 'ReturnConsumedCapacity']);
const STATEMENT = new Set(['Statement', 'Parameters']);
const INSERT = /^INSERT INTO "([A-Za-z0-9_.-]+)" VALUE \{((?:'[\w.-]+': \?)(?:, '[\w.-]+': \?)*)\}$/;

type Statement = NonNullable<ExecuteTransactionCommandInput['TransactStatements']>[number];
type Insert = { table: Table; key: Key; next: Stored };
type Planned = Insert | { reason: Reason };

const plan = (tables: Tables, statement: Statement): Planned => {
  allow(statement, STATEMENT);
  const { Statement: text = '', Parameters: values = [] } = statement;
  const [, name, fields = ''] = INSERT.exec(text) ?? [];
  if (!name) throw notUnderstood(`the statement ${text}`);
  const names = [...fields.matchAll(/'([\w.-]+)'/g)].map(([, each]) => each ?? '');
  if (names.length !== values.length) throw notUnderstood('parameters that are not as many as question marks');
  try {
    const item: Item = Object.fromEntries(names.map((each, i) => [each, values[i]]));
    return { table: tables.named(name), key: keyIn(item), next: toStore(itemOf(item)) };
  } catch (error) {
    if (!isInvalid(error)) throw error;
    return { reason: { code: 'ValidationError' } };
  }
};

const isPlanned = (planned: Planned): planned is Insert => 'next' in planned;

/** As the engine tells it: of the first that stands in the way. Whoever asks must not count on hearing of the others. */
const reasonsOf = (tables: Tables, plans: readonly Planned[]): Reason[] | undefined => {
  const wrong = plans.findIndex(
    (each) => !isPlanned(each) || tables.partition(each.table, each.key.pk, 0).at(each.key.sk) !== undefined,
  );
  const found = plans[wrong];
  if (!found) return undefined;
  const reason: Reason = isPlanned(found) ? { code: 'DuplicateItem' } : found.reason;
  return plans.map((_, i): Reason => (i === wrong ? reason : { code: 'None' }));
};

export const executeTransaction = (
  tables: Tables,
  input: ExecuteTransactionCommandInput,
): { writes: Write[]; output: Output } => {
  allow(input, EXECUTE);
  const asked = capacityAsked(input);
  const statements = input.TransactStatements ?? [];
  if (statements.length === 0 || statements.length > STATEMENTS) throw invalid(`${statements.length} statements`);
  const plans = statements.map((statement) => plan(tables, statement));
  const inserts = plans.filter(isPlanned);
  const keys = new Set(inserts.map(({ table, key }) => JSON.stringify([table.name, key.pk, key.sk])));
  if (keys.size < inserts.length) throw invalid('Transaction request cannot include multiple operations on one item');
  const reasons = reasonsOf(tables, plans);
  if (reasons) throw cancelled(reasons);
  const units = new Map<string, number>();
  const writes = inserts.flatMap(({ table, key: { pk, sk }, next }) => {
    units.set(table.name, (units.get(table.name) ?? 0) + 2 * writeUnits(next.size));
    return tables.write(table, pk, sk, next) ?? [];
  });
  const all = [...units].flatMap(([name, each]) => consumed(asked, name, each).ConsumedCapacity ?? []);
  const Responses = inserts.map(() => ({}));
  return { writes, output: { Responses, ...(all.length > 0 ? { ConsumedCapacity: all } : {}) } };
};
