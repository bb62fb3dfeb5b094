/**
 * The audit's table can only grow: IAM's own rules (a deny wins, an allow is needed), applied to the synthesized policies and
 * to every command that the code can send.
 */
import * as sdk from '@aws-sdk/client-dynamodb';
import { describe, expect, test } from 'vitest';
import { actionsByCall, callsByFunction } from './sent.ts';
import { dev, idsOf, prod, roleOf, statementsOf } from './template.ts';

const TABLE = 'Transactions';
type Statement = { effect: string; actions: string[]; resources: string[] };

const matches = (pattern: string, value: string): boolean =>
  new RegExp(
    `^${pattern
      .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
    'i',
  ).test(value);
const speaksOf = ({ actions, resources }: Statement, action: string): boolean =>
  actions.some((each) => matches(each, action)) && resources.some((each) => matches(each, TABLE));

/** As IAM decides within one account: a deny anywhere wins, and an allow somewhere is needed. */
const decide = (statements: readonly Statement[], action: string): 'allowed' | 'denied' => {
  const heard = statements.filter((statement) => speaksOf(statement, `dynamodb:${action}`));
  if (heard.some(({ effect }) => effect === 'Deny')) return 'denied';
  return heard.some(({ effect }) => effect === 'Allow') ? 'allowed' : 'denied';
};

type Replica = { ResourcePolicy?: { PolicyDocument: { Statement: unknown[] } } };
/** What hangs on the table itself. Every statement is of everybody, without conditions. */
const onTable = (template: typeof dev): Statement[] => {
  const [replica] = (template.Resources[TABLE]?.Properties?.Replicas ?? []) as Replica[];
  return (replica?.ResourcePolicy?.PolicyDocument.Statement ?? []).map((statement) => {
    const { Effect, Action, Resource, Principal, ...rest } = statement as Record<string, unknown>;
    expect([Principal, rest]).toEqual([{ AWS: '*' }, {}]);
    return { effect: String(Effect), actions: [Action].flat().map(String), resources: [Resource].flat().map(String) };
  });
};
const rightsOf = (id: string, template: typeof dev): Statement[] => [
  ...statementsOf(roleOf(id, template), template),
  ...onTable(template),
];

/** What each operation of DynamoDB can do to an item that is there, and by which actions. */
const changing = {
  PutItem: ['PutItem'],
  UpdateItem: ['UpdateItem'],
  DeleteItem: ['DeleteItem'],
  BatchWriteItem: ['BatchWriteItem'],
  TransactWriteItems: ['PutItem', 'UpdateItem', 'DeleteItem'],
  ExecuteStatement: ['PartiQLUpdate', 'PartiQLDelete'],
  BatchExecuteStatement: ['PartiQLUpdate', 'PartiQLDelete'],
  ExecuteTransaction: ['PartiQLUpdate', 'PartiQLDelete'],
  // The service itself then deletes.
  UpdateTimeToLive: ['UpdateTimeToLive'],
};
/** A stage that keeps nothing must be able to go. */
const removing = { DeleteTable: ['DeleteTable'] };
/** Reads, tables' settings, backups, and what makes other tables: none touches an item that is there. */
const harmless =
  /^(BatchGet|Get|TransactGet|Query|Scan|Search|Cancel|List|Describe|Create|Export|Import|Restore|Tag|Untag|DeleteBackup)/;
/** Settings of whoever may take the protection off: nothing that a policy on the table could hold for good. */
const settings = [
  ...['UpdateTable', 'UpdateContinuousBackups', 'UpdateContributorInsights', 'UpdateGlobalTable'],
  ...['UpdateGlobalTableSettings', 'UpdateTableReplicaAutoScaling', 'UpdateKinesisStreamingDestination'],
  ...['EnableKinesisStreamingDestination', 'DisableKinesisStreamingDestination'],
  ...['PutResourcePolicy', 'DeleteResourcePolicy'],
];
/**
 * Writes what lies in S3 over what is there. No role of ours may; whether a table's policy can deny it is nowhere said (2026),
 * and a name that DynamoDB does not know there costs the table. The stream and the digests tell of it.
 */
const loading = ['StartBulkPutItems'];
const operations = Object.keys(sdk).flatMap((name) => /^(\w+)Command$/.exec(name)?.[1] ?? []);

/** As AWS documents it ("API operations supported by resource-based policies"); one other name, and there is no table. */
const understood = [
  ...['DeleteItem', 'GetItem', 'PutItem', 'Query', 'Scan', 'UpdateItem', 'BatchGetItem', 'BatchWriteItem'],
  ...['PartiQLSelect', 'PartiQLInsert', 'PartiQLUpdate', 'PartiQLDelete'],
  ...['DeleteTable', 'DescribeTable', 'UpdateTable', 'UpdateTimeToLive', 'DescribeTimeToLive'],
];

const functions = idsOf('AWS::Lambda::Function');
const sent = callsByFunction('TRANSACTIONS_TABLE');
/** IAM actions on the audit that a function's code can come to need. */
const neededBy = async (id: string): Promise<string[]> => {
  const actions = await actionsByCall();
  const calls = ((await sent).get(id) ?? []).flatMap((part) => part.calls);
  return [...new Set(calls.flatMap((name) => actions.get(name) ?? [`nothing known of ${name}`]))].sort();
};

describe.each([
  ['dev', dev],
  ['prod', prod],
])('in %s, the audit', (stage, template) => {
  test('is denied to everybody, whatever else they may, where it could change what is there', () => {
    const everything: Statement = { effect: 'Allow', actions: ['*'], resources: ['*'] };
    for (const actions of Object.values(stage === 'prod' ? { ...changing, ...removing } : changing))
      for (const action of actions)
        expect([action, decide([everything, ...onTable(template)], action)]).toEqual([action, 'denied']);
    for (const action of ['PartiQLInsert', 'GetItem', 'Query', 'Scan'])
      expect([action, decide([everything, ...onTable(template)], action)]).toEqual([action, 'allowed']);
  });

  test.each(functions)('lets %s do what its code can send, and nothing else', async (id) => {
    const all = [...new Set([...Object.values(changing).flat(), ...understood, ...loading, 'ConditionCheckItem'])];
    const allowed = all.filter((action) => decide(rightsOf(id, template), action) === 'allowed').sort();
    expect(allowed).toEqual(await neededBy(id));
  });

  test('has a policy that DynamoDB understands', () => {
    const actions = onTable(template).flatMap((each) => each.actions);
    expect(actions.filter((action) => !understood.includes(action.replace('dynamodb:', '')))).toEqual([]);
  });
});

test('every operation of DynamoDB that this SDK knows is judged', () => {
  expect(operations.length).toBeGreaterThan(50);
  const judged = [...Object.keys({ ...changing, ...removing }), ...settings, ...loading];
  expect(operations.filter((name) => !harmless.test(name) && !judged.includes(name))).toEqual([]);
});

test('the audit is named by one file, which reads and inserts', async () => {
  const parts = [...(await sent).values()].flat();
  expect(new Set(parts.map(({ file }) => file))).toEqual(new Set(['functions/purchases/audit.ts']));
  expect(new Set(parts.flatMap(({ calls }) => calls))).toEqual(new Set(['get', 'query', 'insert']));
});

test('some functions append and some only read, so that the proof is of something', async () => {
  const needs = new Map(await Promise.all(functions.map(async (id) => [id, (await neededBy(id)).join(' ')] as const)));
  const appending = 'GetItem PartiQLInsert Query';
  expect(needs.get('PurchasesNotificationHttp')).toBe(appending);
  expect(needs.get('PurchasesEntitleStream')).toBe('Query');
  expect(needs.get('MessagingHttp')).toBe('');
});
