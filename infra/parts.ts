/** What the functions of the stack stand between: tables, queues, APIs; and the rights that several of them share. */
import type { Stack } from 'aws-cdk-lib/core';
import { type CodeOf, functionMaker } from './functions.ts';
import { makeHttpApi } from './http.ts';
import { makeQueue } from './queues.ts';
import { mayTable } from './rights.ts';
import { makeSockets, mayUseConnections } from './sockets.ts';
import type { Stage } from './stage.ts';
import { makeStores, type Stores } from './stores.ts';

export type Parts = ReturnType<typeof makeParts>;

const namesOf = ({ events, inbox, views, devices, trail, transactions, parked, audit, exported }: Stores) => ({
  EVENTS_TABLE: events.tableName,
  INBOX_TABLE: inbox.tableName,
  VIEWS_TABLE: views.tableName,
  DEVICES_TABLE: devices.tableName,
  TRAIL_TABLE: trail.tableName,
  TRANSACTIONS_TABLE: transactions.tableName,
  PARKED_BUCKET: parked.bucketName,
  AUDIT_BUCKET: audit.bucketName,
  EXPORTS_BUCKET: exported.bucketName,
});

/** Everything that functions stand between. */
export const makeParts = (stack: Stack, stage: Stage, codeOf: CodeOf) => {
  const stores = makeStores(stack, stage);
  const push = makeQueue(stack, stage, 'PushQueue');
  const expiry = makeQueue(stack, stage, 'ExpiryQueue');
  const asks = makeQueue(stack, stage, 'AskQueue');
  const erasures = makeQueue(stack, stage, 'ErasureQueue');
  const exports = makeQueue(stack, stage, 'ExportQueue');
  const http = makeHttpApi(stack);
  const sockets = makeSockets(stack);
  const makeFunction = functionMaker(stack, {
    stage,
    codeOf,
    // The same for every function, so that all of them can share one process.
    environment: {
      STAGE: stage.name,
      ...namesOf(stores),
      PUSH_QUEUE_URL: push.queue.queueUrl,
      EXPIRY_QUEUE_URL: expiry.queue.queueUrl,
      ASK_QUEUE_URL: asks.queue.queueUrl,
      ERASURE_QUEUE_URL: erasures.queue.queueUrl,
      EXPORT_QUEUE_URL: exports.queue.queueUrl,
      SOCKETS_ENDPOINT: sockets.stage.callbackUrl,
      TENANTS_DIR: 'tenants',
      NODE_OPTIONS: '--enable-source-maps',
    },
  });

  /** Appends the events of a decision. */
  const commit = [mayTable(stores.events, 'GetItem', 'PutItem', 'Query')];
  /** Rings: reads what is new, moves pointers, writes to sockets. */
  const deliver = [
    mayTable(stores.events, 'Query'),
    mayTable(stores.inbox, 'GetItem', 'UpdateItem'),
    mayTable(stores.devices, 'Query', 'UpdateItem'),
    mayUseConnections(sockets),
  ];
  return { ...stores, stack, push, expiry, asks, erasures, exports, http, sockets, makeFunction, commit, deliver };
};
