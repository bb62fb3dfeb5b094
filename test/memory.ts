/** The tables in memory instead of the engine: for tests that stand in the middle of calls, where no stream may interfere. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadTenants } from '../core/tenants.ts';
import { roomy } from '../local/tenants.ts';
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

/** The tenants as they are, but that nobody is ever limited: for what does in a second what people do in a day. @returns their folder */
export const roomyTenants = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'chorus-roomy-'));
  for (const tenant of loadTenants('tenants'))
    writeFileSync(join(folder, `${tenant.tenant}.json`), JSON.stringify({ ...tenant, limits: roomy }));
  return folder;
};

/** The functions' environment, which they read once. */
export const bindEnvironment = (): void => bindTo('tenants');

/** @param tenants their folder */
export const bindTo = (tenants: string): void => {
  const url = 'http://127.0.0.1:9/memory';
  const queues = { PUSH_QUEUE_URL: url, EXPIRY_QUEUE_URL: url, ASK_QUEUE_URL: url, SOCKETS_ENDPOINT: url };
  const leaving = { ERASURE_QUEUE_URL: url, EXPORT_QUEUE_URL: url, EXPORTS_BUCKET: 'memory-exports' };
  const tables = { VIEWS_TABLE: 'memory-views', DEVICES_TABLE: 'memory-devices', PARKED_BUCKET: 'memory-parked' };
  const more = { TRAIL_TABLE: 'memory-trail', TENANTS_DIR: tenants, AUDIT_BUCKET: 'memory-audit' };
  const streams = { EVENTS_TABLE: events.name, INBOX_TABLE: inbox.name, TRANSACTIONS_TABLE: transactions.name };
  Object.assign(process.env, { ...streams, ...queues, ...tables, ...more, ...leaving });
};
