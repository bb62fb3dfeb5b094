/** Purchases: the audit and what follows from it. One block for each of its parts. */
import { FilterRule, type Function as Lambda } from 'aws-cdk-lib/aws-lambda';
import { Duration } from 'aws-cdk-lib/core';
import { addPublicRoute, type Context } from './http.ts';
import type { Parts } from './parts.ts';
import { drain, type QueuePair } from './queues.ts';
import { mayAudit, mayList, mayObjects, mayObjectsIn, mayReadParameters, maySend, mayTable } from './rights.ts';
import { every } from './schedules.ts';
import { listen } from './streams.ts';

/** What the stack's alarms and redrive must know. */
type Purchases = { listeners: Lambda[]; workers: Lambda[]; queues: QueuePair[]; clocks: Lambda[] };

export const purchases = (parts: Parts): Purchases => ({
  listeners: [followAudit(parts), watchAudit(parts)],
  workers: [askStores(parts)],
  queues: [parts.asks],
  clocks: [anchorAudit(parts), reconcile(parts)],
});

const WEBHOOK = 'POST /v1/appstore/notifications/{tenant}';

/** What people ask, and the one route that a store calls: its function may append to the audit, and leave a trail. */
export const answerCustomers = (parts: Parts, context: Context): { webhooks: Lambda[] } => {
  const { http, makeFunction, commit, deliver, transactions, views, devices, trail, asks } = parts;
  const append = mayAudit(transactions, 'GetItem', 'Query', 'PartiQLInsert');
  const rights = [
    ...commit,
    ...deliver,
    append,
    mayTable(views, 'GetItem', 'PutItem', 'Query'),
    mayTable(trail, 'GetItem'),
    // Who asked the stores not long ago.
    mayTable(devices, 'PutItem', 'UpdateItem'),
    maySend(asks.queue),
  ];
  context(rights, {
    'POST /v1/purchases': 'functions/purchases/claim.http.ts',
    'GET /v1/purchases': 'functions/purchases/history.http.ts',
    'POST /v1/purchases/restore': 'functions/purchases/restore.http.ts',
    'GET /v1/purchases/account-token': 'functions/purchases/account-token.http.ts',
    'PUT /v1/purchases/consumption-consent': 'functions/purchases/consent.http.ts',
    'GET /v1/entitlements': 'functions/purchases/entitlements.http.ts',
  });
  const webhook = makeFunction('functions/purchases/notification.http.ts', [
    append,
    mayTable(trail, 'GetItem', 'PutItem'),
  ]);
  addPublicRoute(http, WEBHOOK, webhook);
  return { webhooks: [webhook] };
};

/** The first of the audit's two listeners: what a purchase is by now, and whose. */
const followAudit = (parts: Parts): Lambda => {
  const { makeFunction, transactions, parked, commit, deliver, views, trail, asks } = parts;
  return listen(makeFunction, {
    entry: 'functions/purchases/entitle.stream.ts',
    table: transactions,
    filter: { eventName: FilterRule.isEqual('INSERT'), dynamodb: { Keys: { sk: { S: FilterRule.beginsWith('n#') } } } },
    parked,
    rights: [
      ...commit,
      ...deliver,
      mayTable(views, 'PutItem', 'Query'),
      mayTable(trail, 'GetItem', 'PutItem', 'UpdateItem'),
      mayAudit(transactions, 'Query'),
      maySend(asks.queue),
    ],
  });
};

/** The second of the audit's two listeners: every change, for there should be none. */
const watchAudit = ({ makeFunction, transactions, parked, audit }: Parts): Lambda =>
  listen(makeFunction, {
    entry: 'functions/purchases/watch.stream.ts',
    table: transactions,
    filter: { eventName: FilterRule.or('INSERT', 'MODIFY', 'REMOVE') },
    parked,
    rights: [mayObjectsIn(audit, 'leaves/', 'PutObject')],
  });

/** Removing a leaf only hides it: the bucket keeps every version. */
const anchorAudit = ({ stack, makeFunction, audit }: Parts): Lambda => {
  const anchor = makeFunction('functions/purchases/anchor.schedule.ts', [
    mayList(audit),
    mayObjectsIn(audit, 'leaves/', 'DeleteObject'),
    mayObjectsIn(audit, 'digests/', 'GetObject', 'PutObject'),
    // Nobody else reads what signs the digests.
    mayReadParameters(stack, 'chorus-audit'),
  ]);
  every(stack, Duration.hours(1), anchor);
  return anchor;
};

/** What the stores signed and no webhook brought. */
const reconcile = ({ stack, makeFunction, transactions, devices, trail, parked }: Parts): Lambda => {
  const fn = makeFunction('functions/purchases/reconcile.schedule.ts', [
    mayAudit(transactions, 'GetItem', 'Query', 'PartiQLInsert'),
    mayTable(devices, 'GetItem', 'UpdateItem'),
    // Which certificates were revoked.
    mayTable(trail, 'GetItem'),
    mayReadParameters(stack, 'chorus'),
    mayObjects(parked, 'PutObject'),
  ]);
  every(stack, Duration.hours(1), fn);
  return fn;
};

/** One person's purchases, one refund: asked of a store, or told to it. */
const askStores = ({ stack, makeFunction, asks, events, transactions, trail, parked }: Parts): Lambda =>
  drain(makeFunction, asks, 'functions/purchases/ask.queue.ts', [
    mayTable(events, 'Query'),
    mayTable(trail, 'GetItem'),
    mayAudit(transactions, 'GetItem', 'Query', 'PartiQLInsert'),
    maySend(asks.queue),
    mayReadParameters(stack, 'chorus'),
    mayObjects(parked, 'PutObject'),
  ]);
