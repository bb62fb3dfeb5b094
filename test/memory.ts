/** The tables in memory instead of the engine: for tests that stand in the middle of calls, where no stream may interfere. */
import type { TableSpec } from './sim/dynamo/dynamo.ts';

export const events: TableSpec = { name: 'memory-events', streamView: 'NEW_IMAGE' };
export const inbox: TableSpec = { name: 'memory-inbox', streamView: 'NEW_AND_OLD_IMAGES' };
export const transactions: TableSpec = { name: 'memory-transactions', streamView: 'NEW_AND_OLD_IMAGES' };
export const specs: readonly TableSpec[] = [
  events,
  inbox,
  transactions,
  ...['memory-views', 'memory-devices', 'memory-trail'].map((name) => ({ name })),
];

/** The functions' environment, which they read once. */
export const bindEnvironment = (): void => {
  const url = 'http://127.0.0.1:9/memory';
  const queues = { PUSH_QUEUE_URL: url, EXPIRY_QUEUE_URL: url, ASK_QUEUE_URL: url, SOCKETS_ENDPOINT: url };
  const tables = { VIEWS_TABLE: 'memory-views', DEVICES_TABLE: 'memory-devices', PARKED_BUCKET: 'memory-parked' };
  const more = { TRAIL_TABLE: 'memory-trail', TENANTS_DIR: 'tenants', AUDIT_BUCKET: 'memory-audit' };
  const streams = { EVENTS_TABLE: events.name, INBOX_TABLE: inbox.name, TRANSACTIONS_TABLE: transactions.name };
  Object.assign(process.env, { ...streams, ...queues, ...tables, ...more });
};
