/**
 * Chorus on AWS, in the order in which data flows: tables, queues and APIs (parts.ts), the functions behind the APIs,
 * stream listeners, queue workers, schedule. `local/` interprets the template that comes out of it.
 *
 * CDK is imported from `aws-cdk-lib/core`: its index would load every service, 170 ms of CPU at each synth.
 */
import { FilterRule, type Function as Lambda } from 'aws-cdk-lib/aws-lambda';
import { type App, CfnOutput, Duration, Stack } from 'aws-cdk-lib/core';
import { watch } from './alarms.ts';
import { holdSockets } from './connections.ts';
import { answerLeavers, leaving } from './erasure.ts';
import type { CodeOf, MakeFunction } from './functions.ts';
import { type Context, makeContext, tokenAuthorizer } from './http.ts';
import { meetPeople } from './matching.ts';
import { makeParts, type Parts } from './parts.ts';
import { showPeople } from './profiles.ts';
import { answerCustomers, purchases } from './purchases.ts';
import { drain } from './queues.ts';
import { mayInvoke, mayList, mayObjects, mayReadParameters, maySend, mayTable } from './rights.ts';
import { keepSafe } from './safety.ts';
import { every } from './schedules.ts';
import { mayUseConnections } from './sockets.ts';
import type { Stage } from './stage.ts';
import { listen } from './streams.ts';

/** The whole system. */
export const chorus = (app: App, stage: Stage, codeOf: CodeOf): Stack => {
  const stack = new Stack(app, 'Chorus', {
    stackName: `chorus-${stage.name}`,
    terminationProtection: stage.keepsData,
  });
  const parts = makeParts(stack, stage, codeOf);

  const { context, counting } = asPeople(parts);
  answerRequests(parts, context);
  meetPeople(parts, context);
  showPeople(parts, context);
  const { webhooks } = answerCustomers(parts, context);
  keepSafe(parts, context);
  answerLeavers(parts, context);
  holdSockets(parts);
  const bought = purchases(parts);
  const left = leaving(parts);
  const listeners = [...followEvents(parts), ...followInbox(parts), ...bought.listeners];
  const workers = [...workQueues(parts), ...bought.workers, ...left.workers];
  const redrive = redriveParked(parts, listeners);

  const queues = [parts.push, parts.expiry, ...bought.queues, ...left.queues];
  watch(stack, { listeners, workers, queues, redrive, clocks: [...bought.clocks, ...left.clocks], webhooks, counting });
  new CfnOutput(stack, 'Http', { value: parts.http.apiEndpoint });
  new CfnOutput(stack, 'Sockets', { value: parts.sockets.stage.url });
  return stack;
};

/** Whoever asks is counted (core/limits.ts), whatever else the context may do. */
const asPeople = ({ http, makeFunction, views, trail }: Parts): { context: Context; counting: Lambda[] } => {
  const authorizer = tokenAuthorizer(
    makeFunction('functions/accounts/token.authorizer.ts', [mayTable(views, 'GetItem')]),
  );
  const counting: Lambda[] = [];
  const makeCounting: MakeFunction = (source, rights) => {
    const fn = makeFunction(source, [...rights, mayTable(trail, 'UpdateItem')]);
    counting.push(fn);
    return fn;
  };
  return { context: makeContext(makeCounting, http, authorizer), counting };
};

/** One block for each context, one line for each route. */
const answerRequests = (parts: Parts, context: Context): void => {
  const { sockets, commit, deliver, events, inbox, devices, trail } = parts;
  context([...commit, ...deliver], {
    'PUT /v1/preferences': 'functions/accounts/prefer.http.ts',
    'GET /v1/preferences': 'functions/accounts/preferences.http.ts',
  });
  context([...commit, ...deliver, mayTable(inbox, 'Query')], {
    'POST /v1/conversations/{conversationId}/messages': 'functions/messaging/send.http.ts',
    'GET /v1/conversations/{conversationId}/messages': 'functions/messaging/messages.http.ts',
    'GET /v1/conversations': 'functions/messaging/conversations.http.ts',
    'PUT /v1/conversations/{conversationId}/read': 'functions/messaging/read.http.ts',
    'PUT /v1/conversations/{conversationId}/mute': 'functions/messaging/mute.http.ts',
    'DELETE /v1/conversations/{conversationId}/mute': 'functions/messaging/unmute.http.ts',
  });
  context([mayTable(events, 'Query'), mayTable(inbox, 'Query'), mayTable(devices, 'PutItem', 'Query')], {
    'GET /v1/presence': 'functions/sync/presence.http.ts',
    'GET /v1/sync': 'functions/sync/sync.http.ts',
    'POST /v1/socket-tickets': 'functions/sync/ticket.http.ts',
  });
  const registers = [
    mayTable(devices, 'GetItem', 'Query', 'PutItem', 'UpdateItem', 'DeleteItem'),
    mayTable(trail, 'Query', 'UpdateItem'),
    // A receipt may be of an event that nobody wrote down as sent.
    mayTable(events, 'Query'),
    mayUseConnections(sockets),
  ];
  context(registers, {
    'GET /v1/devices': 'functions/push/devices.http.ts',
    'PUT /v1/devices/{deviceId}': 'functions/push/register.http.ts',
    'DELETE /v1/devices/{deviceId}': 'functions/push/unregister.http.ts',
    'GET /v1/devices/{deviceId}': 'functions/push/device.http.ts',
    'GET /v1/notifications/{eventId}': 'functions/push/trail.http.ts',
    'POST /v1/notifications/{eventId}/received': 'functions/push/received.http.ts',
  });
};

/** New commits: `v#…`; receipts and large states stand beside them under other sort keys. At most two listeners. */
const followEvents = ({ makeFunction, events, views, trail, parked, erasures, commit, deliver }: Parts): Lambda[] => {
  const inserted = FilterRule.isEqual('INSERT');
  const Keys = { sk: { S: FilterRule.beginsWith('v#') } };
  return [
    listen(makeFunction, {
      entry: 'functions/sync/deliver.stream.ts',
      table: events,
      filter: { eventName: inserted, dynamodb: { Keys } },
      parked,
      rights: deliver,
    }),
    listen(makeFunction, {
      entry: 'functions/reactions.stream.ts',
      table: events,
      filter: {
        eventName: inserted,
        dynamodb: { Keys, NewImage: { kind: { S: FilterRule.or('case', 'pair', 'person', 'profile', 'purchase') } } },
      },
      parked,
      rights: [
        ...[...commit, ...deliver, mayTable(views, 'GetItem', 'PutItem', 'DeleteItem')],
        // Who leaves is remembered there until they are gone.
        ...[mayTable(trail, 'UpdateItem'), maySend(erasures.queue)],
      ],
    }),
  ];
};

/** Pointers and registers that moved. At most two listeners. */
const followInbox = ({ makeFunction, inbox, devices, push, parked, deliver }: Parts): Lambda[] => [
  listen(makeFunction, {
    entry: 'functions/push/notify.stream.ts',
    table: inbox,
    filter: { eventName: FilterRule.or('INSERT', 'MODIFY') },
    parked,
    rights: [mayTable(devices, 'Query'), maySend(push.queue)],
  }),
  listen(makeFunction, {
    entry: 'functions/sync/registers.stream.ts',
    table: inbox,
    filter: { eventName: FilterRule.isEqual('MODIFY') },
    parked,
    rights: deliver,
  }),
];

const workQueues = ({
  stack,
  makeFunction,
  sockets,
  push,
  expiry,
  events,
  inbox,
  views,
  devices,
  trail,
  parked,
}: Parts): Lambda[] => {
  const mayPark = mayObjects(parked, 'PutObject');
  const sender = drain(makeFunction, push, 'functions/push/send.queue.ts', [
    mayTable(events, 'Query'),
    mayTable(inbox, 'GetItem', 'Query'),
    // Its owner row goes with an address that the provider knows no more.
    mayTable(devices, 'GetItem', 'Query', 'PutItem', 'UpdateItem', 'DeleteItem'),
    mayTable(views, 'GetItem'),
    mayTable(trail, 'Query', 'UpdateItem'),
    maySend(push.queue),
    mayReadParameters(stack, 'chorus'),
    mayPark,
  ]);
  const closer = drain(makeFunction, expiry, 'functions/sync/expire.queue.ts', [
    mayTable(devices, 'GetItem', 'UpdateItem'),
    mayUseConnections(sockets),
    maySend(expiry.queue),
    mayPark,
  ]);
  return [sender, closer];
};

const redriveParked = ({ stack, makeFunction, parked }: Parts, listeners: Lambda[]): Lambda => {
  const redrive = makeFunction('functions/redrive.schedule.ts', [
    mayList(parked),
    mayObjects(parked, 'GetObject', 'PutObject', 'DeleteObject'),
    mayInvoke(listeners),
  ]);
  every(stack, Duration.minutes(5), redrive);
  return redrive;
};
