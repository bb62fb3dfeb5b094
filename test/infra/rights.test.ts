/** Who may do what. A new right is a change of this table, so that it is seen in review. */
import { describe, expect, test } from 'vitest';
import { dev, idsOf, propertiesOf, roleOf, statementsOf } from './template.ts';

const connections = { 'SocketApi/v1/*/@connections/*': 'ManageConnections' };
const deliver = {
  Events: 'Query',
  Inbox: 'GetItem UpdateItem',
  Devices: 'Query UpdateItem',
  ...connections,
};
const commit = { Events: 'GetItem PutItem Query' };
/** Whatever people ask for (core/limits.ts). */
const counted = { Trail: 'UpdateItem' };
const append = { Transactions: 'GetItem PartiQLInsert Query' };
const listen = (table: string) => ({
  [`${table}/stream/*`]: 'DescribeStream GetRecords GetShardIterator ListStreams',
  Parked: 'ListBucket',
  'Parked/*': 'PutObject',
});
const leaving = {
  ...{ Views: 'GetItem PutItem', Devices: 'DeleteItem GetItem PutItem Query UpdateItem' },
  ErasureQueue: 'SendMessage',
};
const drainAndSend = 'DeleteMessage GetQueueAttributes ReceiveMessage SendMessage';

const rights: Record<string, Record<string, string>> = {
  // How they stand who ask.
  AccountsTokenAuthorizer: { Views: 'GetItem' },
  SafetyHttp: { ...commit, Views: 'GetItem PutItem', ...counted },
  AccountsHttp: { ...deliver, ...commit, ...counted },
  SyncTicketAuthorizer: { Devices: 'UpdateItem', Views: 'GetItem' },
  MatchingHttp: {
    ...{ ...deliver, ...commit, Views: 'GetItem PutItem Query' },
    // How far somebody has looked.
    Trail: 'GetItem PutItem UpdateItem',
  },
  ProfilesHttp: { ...deliver, ...commit, Views: 'GetItem PutItem', ...counted },
  MessagingHttp: { ...deliver, ...commit, Inbox: 'GetItem Query UpdateItem', ...counted },
  SyncHttp: { Events: 'Query', Inbox: 'Query', Devices: 'PutItem Query', ...counted },
  PushHttp: {
    ...{ Devices: 'DeleteItem GetItem PutItem Query UpdateItem', Trail: 'Query UpdateItem' },
    ...{ Events: 'Query', ...connections },
  },
  SyncConnectWs: {
    Devices: 'DeleteItem GetItem PutItem Query UpdateItem',
    ...connections,
    ExpiryQueue: 'SendMessage',
    Views: 'GetItem',
  },
  SyncDisconnectWs: { Devices: 'UpdateItem' },
  SyncFrameWs: { ...deliver, Inbox: 'GetItem Query UpdateItem', Devices: 'GetItem Query UpdateItem', ...counted },
  ErasureHttp: { ...deliver, ...commit, ...leaving, ExportQueue: 'SendMessage', Trail: 'GetItem PutItem UpdateItem' },
  ErasureDownloadHttp: { Trail: 'GetItem', 'Exports/*': 'GetObject' },
  ErasureAppleHttp: { ...deliver, ...commit, ...leaving, Trail: 'GetItem PutItem UpdateItem' },
  // Whoever takes it over can change what people said; nobody else can.
  ErasureEraseQueue: {
    ...{ ...deliver, ...commit, ...leaving, Events: 'GetItem PutItem Query UpdateItem' },
    ...{ Inbox: 'DeleteItem GetItem Query UpdateItem', Views: 'DeleteItem GetItem PutItem Query' },
    ...{ Trail: 'DeleteItem GetItem Query UpdateItem', ErasureQueue: drainAndSend },
    ...{ Parked: 'ListBucket', 'Parked/*': 'DeleteObject GetObject PutObject' },
    ...{ Exports: 'ListBucket', 'Exports/*': 'DeleteObject' },
  },
  ErasureRemindSchedule: { Trail: 'Query', ErasureQueue: 'SendMessage' },
  ErasureCollectQueue: {
    ...{ Events: 'Query', Inbox: 'Query', Views: 'GetItem Query', Devices: 'Query' },
    ...{
      Trail: 'GetItem Query UpdateItem',
      ExportQueue: drainAndSend,
      'Exports/*': 'PutObject',
      'Parked/*': 'PutObject',
    },
  },
  SyncDeliverStream: { ...deliver, ...listen('Events') },
  ReactionsStream: {
    ...{ ...deliver, ...commit, ...listen('Events'), Views: 'DeleteItem GetItem PutItem' },
    ...{ Trail: 'UpdateItem', ErasureQueue: 'SendMessage' },
  },
  PushNotifyStream: { ...listen('Inbox'), Devices: 'Query', PushQueue: 'SendMessage' },
  SyncRegistersStream: { ...deliver, ...listen('Inbox') },
  PushSendQueue: {
    Events: 'Query',
    Inbox: 'GetItem Query',
    Devices: 'DeleteItem GetItem PutItem Query UpdateItem',
    Trail: 'Query UpdateItem',
    Views: 'GetItem',
    PushQueue: drainAndSend,
    'parameter/chorus/*': 'GetParameter',
    'Parked/*': 'PutObject',
  },
  SyncExpireQueue: {
    Devices: 'GetItem UpdateItem',
    ...connections,
    ExpiryQueue: drainAndSend,
    'Parked/*': 'PutObject',
  },
  RedriveSchedule: {
    Parked: 'ListBucket',
    'Parked/*': 'DeleteObject GetObject PutObject',
    SyncDeliverStream: 'InvokeFunction',
    ReactionsStream: 'InvokeFunction',
    PushNotifyStream: 'InvokeFunction',
    SyncRegistersStream: 'InvokeFunction',
    PurchasesEntitleStream: 'InvokeFunction',
    PurchasesWatchStream: 'InvokeFunction',
  },
  PurchasesHttp: {
    ...{ ...deliver, ...commit, ...append, Views: 'GetItem PutItem Query', Trail: 'GetItem UpdateItem' },
    ...{ Devices: 'PutItem Query UpdateItem', AskQueue: 'SendMessage' },
  },
  // Whoever takes it over can add to the audit, and leave a trail of it.
  PurchasesNotificationHttp: { ...append, Trail: 'GetItem PutItem' },
  PurchasesEntitleStream: {
    ...{ ...deliver, ...commit, ...listen('Transactions'), Transactions: 'Query' },
    ...{ Views: 'PutItem Query', Trail: 'GetItem PutItem UpdateItem', AskQueue: 'SendMessage' },
  },
  PurchasesWatchStream: { ...listen('Transactions'), 'Audit/leaves/*': 'PutObject' },
  PurchasesAnchorSchedule: {
    Audit: 'ListBucket',
    'Audit/leaves/*': 'DeleteObject',
    'Audit/digests/*': 'GetObject PutObject',
    'parameter/chorus-audit/*': 'GetParameter',
  },
  PurchasesReconcileSchedule: {
    ...{ ...append, Devices: 'GetItem UpdateItem', Trail: 'GetItem' },
    ...{ 'parameter/chorus/*': 'GetParameter', 'Parked/*': 'PutObject' },
  },
  PurchasesAskQueue: {
    ...{ ...append, Events: 'Query', Trail: 'GetItem', AskQueue: drainAndSend },
    ...{ 'parameter/chorus/*': 'GetParameter', 'Parked/*': 'PutObject' },
  },
};

const functions = idsOf('AWS::Lambda::Function');
const everyStatement = functions.flatMap((id) => statementsOf(roleOf(id)));

/** Resource → verbs, as in the table above; the own log group, which every function has, left out. */
const granted = (id: string): Record<string, string> => {
  const verbs = new Map<string, Set<string>>();
  for (const { actions, resources } of statementsOf(roleOf(id))) {
    for (const resource of resources) {
      const name = resource.replace(/^arn:.*AWS::AccountId:/, '');
      if (new RegExp(`^${id}Logs[0-9A-F]{8}$`).test(name)) continue;
      const known = verbs.get(name) ?? new Set();
      for (const action of actions) known.add(action.replace(/^.*:/, ''));
      verbs.set(name, known);
    }
  }
  return Object.fromEntries([...verbs].map(([name, all]) => [name, [...all].sort().join(' ')]));
};

describe('rights', () => {
  test('are listed for every function', () => expect(Object.keys(rights).sort()).toEqual(functions.sort()));

  test.each(Object.entries(rights))('of %s are exactly those of the table', (id, expected) =>
    expect(granted(id)).toEqual(expected),
  );

  test('are only ever given, to one action on one resource at a time', () => {
    expect(everyStatement.length).toBeGreaterThan(functions.length);
    for (const { effect, actions, resources } of everyStatement) {
      expect(effect).toBe('Allow');
      expect(actions.filter((action) => action.includes('*'))).toEqual([]);
      expect(resources).not.toContain('*');
    }
  });

  test('never include Scan, a batch write, or PartiQL but for inserting into the audit', () => {
    const actions = new Set(everyStatement.flatMap(({ actions }) => actions));
    expect([...actions].filter((action) => /Scan|PartiQL|Batch/.test(action))).toEqual(['dynamodb:PartiQLInsert']);
    const inserting = everyStatement.filter(({ actions }) => actions.includes('dynamodb:PartiQLInsert'));
    expect(new Set(inserting.flatMap(({ resources }) => resources))).toEqual(new Set(['Transactions']));
  });

  test('never include removing a version of an object, or its lock', () => {
    const actions = everyStatement.flatMap(({ actions }) => actions).filter((action) => action.startsWith('s3:'));
    expect([...new Set(actions)].sort()).toEqual(['s3:DeleteObject', 's3:GetObject', 's3:ListBucket', 's3:PutObject']);
  });

  test('include deleting items only where devices and their addresses end', () => {
    const deleting = functions.filter((id) =>
      statementsOf(roleOf(id)).some(({ actions }) => actions.includes('dynamodb:DeleteItem')),
    );
    expect(deleting.sort()).toEqual([
      ...['ErasureAppleHttp', 'ErasureEraseQueue', 'ErasureHttp', 'PushHttp', 'PushSendQueue', 'ReactionsStream'],
      'SyncConnectWs',
    ]);
  });

  test('include changing what was committed only for the eraser', () => {
    const changing = functions.filter((id) =>
      statementsOf(roleOf(id)).some(
        ({ actions, resources }) => resources.includes('Events') && actions.some((each) => /Update|Delete/.test(each)),
      ),
    );
    expect(changing).toEqual(['ErasureEraseQueue']);
  });

  test('belong to one function each', () =>
    expect(new Set(functions.map((id) => roleOf(id))).size).toBe(functions.length));

  test('come from no managed policy and from nothing inside a role', () => {
    for (const role of Object.values(propertiesOf('AWS::IAM::Role'))) {
      expect(role).not.toHaveProperty('ManagedPolicyArns');
      expect(role).not.toHaveProperty('Policies');
    }
  });

  test('hang on roles only, never on people or groups', () => {
    for (const policy of Object.values(propertiesOf('AWS::IAM::Policy', dev))) {
      expect(policy).toMatchObject({ Roles: [expect.anything()] });
      expect(policy).not.toHaveProperty('Users');
      expect(policy).not.toHaveProperty('Groups');
    }
  });
});
