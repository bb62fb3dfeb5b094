/** Leaving: erasure, export, and what Apple says of accounts. Only the eraser may change what was committed. */
import type { Function as Lambda } from 'aws-cdk-lib/aws-lambda';
import { Duration } from 'aws-cdk-lib/core';
import { addPublicRoute, type Context } from './http.ts';
import type { Parts } from './parts.ts';
import { drain, type QueuePair } from './queues.ts';
import { mayList, mayObjects, maySend, mayTable, type Right } from './rights.ts';
import { every } from './schedules.ts';
import { mayUseConnections } from './sockets.ts';

/** What the stack's alarms must know. */
type Leaving = { workers: Lambda[]; queues: QueuePair[]; clocks: Lambda[] };

export const leaving = (parts: Parts): Leaving => ({
  workers: [erase(parts), collect(parts)],
  queues: [parts.erasures, parts.exports],
  clocks: [remind(parts)],
});

/** Begins an erasure: says so, ends devices and their addresses, opens a row and sends a job. */
const mayBegin = ({ commit, deliver, sockets, views, devices, trail, erasures }: Parts): Right[] => [
  ...commit,
  ...deliver,
  mayTable(views, 'GetItem', 'PutItem'),
  mayTable(devices, 'GetItem', 'Query', 'PutItem', 'UpdateItem', 'DeleteItem'),
  mayTable(trail, 'UpdateItem'),
  mayUseConnections(sockets),
  maySend(erasures.queue),
];

/** What people ask of their own account, and what comes from outside without a token of theirs. */
export const answerLeavers = (parts: Parts, context: Context): void => {
  const { http, makeFunction, trail, exports, exported } = parts;
  context([...mayBegin(parts), mayTable(trail, 'GetItem', 'PutItem'), maySend(exports.queue)], {
    'DELETE /v1/me': 'functions/erasure/me.http.ts',
    'POST /v1/me/export': 'functions/erasure/export.http.ts',
    'GET /v1/me/export': 'functions/erasure/exported.http.ts',
  });
  const download = makeFunction('functions/erasure/download.http.ts', [
    mayTable(trail, 'GetItem'),
    mayObjects(exported, 'GetObject'),
  ]);
  addPublicRoute(http, 'GET /v1/me/export/{token}', download);
  const apple = makeFunction('functions/erasure/apple.http.ts', [
    ...mayBegin(parts),
    mayTable(trail, 'GetItem', 'PutItem'),
  ]);
  addPublicRoute(http, 'POST /v1/apple/account-events/{tenant}', apple);
};

const erase = (parts: Parts): Lambda => {
  const { makeFunction, erasures, events, inbox, views, trail, parked, exported } = parts;
  return drain(makeFunction, erasures, 'functions/erasure/erase.queue.ts', [
    ...mayBegin(parts),
    // The one role that may: it takes words out of commits.
    mayTable(events, 'UpdateItem'),
    mayTable(inbox, 'Query', 'DeleteItem'),
    mayTable(views, 'Query', 'DeleteItem'),
    mayTable(trail, 'GetItem', 'Query', 'DeleteItem'),
    mayList(parked),
    mayObjects(parked, 'GetObject', 'PutObject', 'DeleteObject'),
    mayList(exported),
    mayObjects(exported, 'DeleteObject'),
  ]);
};

const remind = ({ stack, makeFunction, trail, erasures }: Parts): Lambda => {
  const fn = makeFunction('functions/erasure/remind.schedule.ts', [mayTable(trail, 'Query'), maySend(erasures.queue)]);
  every(stack, Duration.minutes(15), fn);
  return fn;
};

const collect = ({ makeFunction, exports, exported, events, inbox, views, devices, trail, parked }: Parts): Lambda =>
  drain(makeFunction, exports, 'functions/erasure/collect.queue.ts', [
    mayTable(events, 'Query'),
    mayTable(inbox, 'Query'),
    mayTable(views, 'GetItem', 'Query'),
    mayTable(devices, 'Query'),
    mayTable(trail, 'GetItem', 'Query', 'UpdateItem'),
    mayObjects(exported, 'PutObject'),
    maySend(exports.queue),
    mayObjects(parked, 'PutObject'),
  ]);
