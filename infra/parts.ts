/** What the functions of the stack stand between: tables, queues, APIs; and the rights that several of them share. */
import type { Stack } from 'aws-cdk-lib/core';
import { type CodeOf, functionMaker } from './functions.ts';
import { makeHttpApi } from './http.ts';
import { makeQueue } from './queues.ts';
import { mayTable } from './rights.ts';
import { makeSockets, mayUseConnections } from './sockets.ts';
import type { Stage } from './stage.ts';
import { makeStores } from './stores.ts';

export type Parts = ReturnType<typeof makeParts>;

/** Everything that functions stand between. */
export const makeParts = (stack: Stack, stage: Stage, codeOf: CodeOf) => {
  const stores = makeStores(stack, stage);
  const push = makeQueue(stack, stage, 'PushQueue');
  const expiry = makeQueue(stack, stage, 'ExpiryQueue');
  const http = makeHttpApi(stack);
  const sockets = makeSockets(stack);
  const makeFunction = functionMaker(stack, {
    stage,
    codeOf,
    // The same for every function, so that all of them can share one process.
    environment: {
      STAGE: stage.name,
      EVENTS_TABLE: stores.events.tableName,
      INBOX_TABLE: stores.inbox.tableName,
      VIEWS_TABLE: stores.views.tableName,
      DEVICES_TABLE: stores.devices.tableName,
      TRAIL_TABLE: stores.trail.tableName,
      PARKED_BUCKET: stores.parked.bucketName,
      PUSH_QUEUE_URL: push.queue.queueUrl,
      EXPIRY_QUEUE_URL: expiry.queue.queueUrl,
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
  return { ...stores, stack, push, expiry, http, sockets, makeFunction, commit, deliver };
};
