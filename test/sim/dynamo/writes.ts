/** PutItem, UpdateItem and TransactWriteItems: each action is planned and checked before any is done. */
import type { PutCommandInput, TransactWriteCommandInput, UpdateCommandInput } from '@aws-sdk/lib-dynamodb';
import type { Item } from '../../../core/ddb.ts';
import { checkCondition, holds, parseCondition } from './conditions.ts';
import type { Output, Write } from './dynamo.ts';
import { cancelled, invalid, isInvalid, notUnderstood, type Reason, refused } from './errors.ts';
import {
  allow,
  among,
  type CapacityAsked,
  capacityAsked,
  consumed,
  itemOf,
  type Key,
  keyIn,
  keyOf,
  toStore,
} from './fields.ts';
import { bind } from './placeholders.ts';
import { writeUnits } from './sizes.ts';
import type { Stored, Table, Tables } from './tables.ts';
import { applyUpdate, checkUpdate, parseUpdate } from './updates.ts';
import { copyItem } from './values.ts';

const ACTIONS = 100;
const fields = ['TableName', 'ConditionExpression', 'ExpressionAttributeNames', 'ExpressionAttributeValues'];
const perAction = [...fields, 'ReturnValuesOnConditionCheckFailure'];
const alone = ['ReturnValues', 'ReturnConsumedCapacity'];
const PUT = new Set([...perAction, 'Item']);
const KEYED = new Set([...perAction, 'Key']);
const UPDATE = new Set([...perAction, 'Key', 'UpdateExpression']);
const PUT_ALONE = new Set([...PUT, ...alone]);
const UPDATE_ALONE = new Set([...UPDATE, ...alone]);
const TRANSACT = new Set(['TransactItems', 'ReturnConsumedCapacity']);

/** One write that is understood but not done. */
type Plan = {
  table: Table;
  key: Key;
  holds: (before: Item | undefined) => boolean;
  /** @throws ValidationException for what this item does not allow */
  next: (before: Stored | undefined) => Stored | undefined;
  /** Does a refusal say what was there? */
  tells: boolean;
};

type Action = NonNullable<TransactWriteCommandInput['TransactItems']>[number];
type Put = NonNullable<Action['Put']>;
type Update = Omit<NonNullable<Action['Update']>, 'UpdateExpression'> & { UpdateExpression?: string | undefined };
type Keyed = NonNullable<Action['Delete']> | NonNullable<Action['ConditionCheck']>;

const returns = ['NONE', 'ALL_OLD'] as const;
const conditionOf = ({ ConditionExpression }: Pick<Put, 'ConditionExpression'>) =>
  ConditionExpression === undefined ? undefined : parseCondition(ConditionExpression);
const tells = ({ ReturnValuesOnConditionCheckFailure: asked }: Pick<Put, 'ReturnValuesOnConditionCheckFailure'>) =>
  among('ReturnValuesOnConditionCheckFailure', asked, returns) === 'ALL_OLD';

/** What stands before a write: its condition, and the placeholders of all its expressions. */
const guardOf = (input: Put | Keyed | Update, update?: ReturnType<typeof parseUpdate>) => {
  const condition = conditionOf(input);
  const bound = bind(input, update, condition);
  if (condition) checkCondition(condition.tree, bound);
  const allows = (before: Item | undefined): boolean => !condition || holds(condition.tree, before, bound);
  return { bound, guard: { holds: allows, tells: tells(input) } };
};

const planPut = (tables: Tables, input: Put): Plan => {
  const table = tables.named(input.TableName);
  const after = toStore(itemOf(input.Item));
  return { table, key: keyIn(after.item), next: () => after, ...guardOf(input).guard };
};

const planUpdate = (tables: Tables, input: Update): Plan => {
  const table = tables.named(input.TableName);
  const key = keyOf(input.Key);
  const { UpdateExpression } = input;
  if (!UpdateExpression) throw notUnderstood('an update without UpdateExpression');
  const update = parseUpdate(UpdateExpression);
  const { bound, guard } = guardOf(input, update);
  checkUpdate(update.tree, bound);
  const next = (before: Stored | undefined): Stored | undefined => {
    const after = applyUpdate(update.tree, before?.item, key, bound);
    return after && toStore(after);
  };
  return { table, key, next, ...guard };
};

/** A condition's check and a deletion look alike. */
const planKeyed = (tables: Tables, input: Keyed, next: Plan['next']): Plan => ({
  table: tables.named(input.TableName),
  key: keyOf(input.Key),
  next,
  ...guardOf(input).guard,
});

const KINDS = new Set(['Put', 'Update', 'Delete', 'ConditionCheck']);

const planAction = (tables: Tables, action: Action): Plan => {
  allow(action, KINDS);
  const { Put, Update, Delete, ConditionCheck } = action;
  const [one, ...others] = [Put, Update, Delete, ConditionCheck].filter((each) => each !== undefined);
  if (!one || others.length > 0) throw invalid('TransactItems can only contain one of Check, Put, Update or Delete');
  allow(one, Put ? PUT : Update ? UPDATE : KEYED);
  if (Put) return planPut(tables, Put);
  if (Update) return planUpdate(tables, Update);
  if (Delete) return planKeyed(tables, Delete, () => undefined);
  if (!ConditionCheck?.ConditionExpression) throw invalid('ConditionExpression must not be null');
  return planKeyed(tables, ConditionCheck, (before) => before);
};

const before = (tables: Tables, { table, key: { pk, sk } }: Plan): Stored | undefined =>
  tables.partition(table, pk, 0).at(sk);

type Done = { writes: Write[]; output: Output };

const writeOne = (tables: Tables, plan: Plan, asked: CapacityAsked, returned: string): Done => {
  const { table, key } = plan;
  const old = before(tables, plan);
  if (!plan.holds(old?.item)) throw refused(plan.tells ? old?.item : undefined);
  const next = plan.next(old);
  const write = tables.write(table, key.pk, key.sk, next);
  const shown = returned === 'ALL_NEW' ? next : returned === 'ALL_OLD' ? old : undefined;
  const units = writeUnits(old?.size ?? 0, next?.size ?? 0);
  const output = { ...(shown ? { Attributes: copyItem(shown.item) } : {}), ...consumed(asked, table.name, units) };
  return { writes: write ? [write] : [], output };
};

export const putItem = (tables: Tables, input: PutCommandInput): Done => {
  allow(input, PUT_ALONE);
  const asked = capacityAsked(input);
  const returned = among('ReturnValues', input.ReturnValues, returns);
  return writeOne(tables, planPut(tables, input), asked, returned);
};

export const updateItem = (tables: Tables, input: UpdateCommandInput): Done => {
  allow(input, UPDATE_ALONE);
  const asked = capacityAsked(input);
  const returned = among('ReturnValues', input.ReturnValues, ['NONE', 'ALL_NEW']);
  return writeOne(tables, planUpdate(tables, input), asked, returned);
};

/** What would be there, or why not. */
const attempt = (plan: Plan, old: Stored | undefined): { next?: Stored | undefined; reason: Reason } => {
  if (!plan.holds(old?.item))
    return { reason: { code: 'ConditionalCheckFailed', item: plan.tells ? old?.item : undefined } };
  try {
    return { next: plan.next(old), reason: { code: 'None' } };
  } catch (error) {
    if (!isInvalid(error)) throw error;
    return { reason: { code: 'ValidationError' } };
  }
};

export const transactWrite = (tables: Tables, input: TransactWriteCommandInput): Done => {
  allow(input, TRANSACT);
  const asked = capacityAsked(input);
  const actions = input.TransactItems ?? [];
  if (actions.length === 0 || actions.length > ACTIONS) throw invalid(`${actions.length} actions in a transaction`);
  const plans = actions.map((action) => planAction(tables, action));
  const keys = new Set(plans.map(({ table, key }) => JSON.stringify([table.name, key.pk, key.sk])));
  if (keys.size < plans.length) throw invalid('Transaction request cannot include multiple operations on one item');
  const tried = plans.map((plan) => {
    const old = before(tables, plan);
    return { plan, old, ...attempt(plan, old) };
  });
  if (tried.some(({ reason }) => reason.code !== 'None')) throw cancelled(tried.map(({ reason }) => reason));
  const units = new Map<string, number>();
  const writes = tried.flatMap(({ plan: { table, key }, old, next }) => {
    units.set(table.name, (units.get(table.name) ?? 0) + 2 * writeUnits(old?.size ?? 0, next?.size ?? 0));
    return tables.write(table, key.pk, key.sk, next) ?? [];
  });
  const all = [...units].flatMap(([name, each]) => consumed(asked, name, each).ConsumedCapacity ?? []);
  return { writes, output: all.length > 0 ? { ConsumedCapacity: all } : {} };
};
