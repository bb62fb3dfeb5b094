/** Lambda functions: one runtime, one environment, bounded, each with its sources. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { idsOf, prod, propertiesOf, sourcesOf, text } from './template.ts';

const functions = propertiesOf('AWS::Lambda::Function');
const logs = propertiesOf('AWS::Logs::LogGroup');

test.each(Object.entries(functions))('%s is an ES module on Node 24 and arm64 with bounded time and logs', (_, fn) => {
  expect(fn).toMatchObject({ Runtime: 'nodejs24.x', Architectures: ['arm64'], Handler: 'index.handler' });
  expect(fn.Timeout).toBeLessThanOrEqual(240);
  const { LogGroup, ...format } = fn.LoggingConfig as { LogGroup: unknown };
  // Alarms hear lines of the text format; the JSON one would put each inside a string (infra/alarms.ts).
  expect(format).toEqual({});
  expect(logs[text(LogGroup)]).toEqual({ RetentionInDays: 30 });
});

test('functions share one environment, so that all of them can share one process', () => {
  const [first, ...rest] = Object.values(functions).map(({ Environment }) => Environment);
  for (const environment of rest) expect(environment).toEqual(first);
  expect(Object.keys((first as { Variables: object }).Variables).sort()).toEqual([
    'ASK_QUEUE_URL',
    'AUDIT_BUCKET',
    'DEVICES_TABLE',
    'ERASURE_QUEUE_URL',
    'EVENTS_TABLE',
    'EXPIRY_QUEUE_URL',
    'EXPORTS_BUCKET',
    'EXPORT_QUEUE_URL',
    'INBOX_TABLE',
    'NODE_OPTIONS',
    'PARKED_BUCKET',
    'PUSH_QUEUE_URL',
    'SOCKETS_ENDPOINT',
    'STAGE',
    'TENANTS_DIR',
    'TRAIL_TABLE',
    'TRANSACTIONS_TABLE',
    'VIEWS_TABLE',
  ]);
});

test('functions that answer a request end before API Gateway gives up', () => {
  for (const [id, fn] of Object.entries(functions)) {
    if (/(Http|Ws)$/.test(id)) expect(fn.Timeout).toBeLessThanOrEqual(29);
    if (/Authorizer$/.test(id)) expect(fn.Timeout).toBeLessThanOrEqual(10);
  }
});

test.each(sourcesOf())('%s has its source %s', (_, file) =>
  expect(existsSync(join(import.meta.dirname, '../..', file))).toBe(true),
);

test('functions name no source twice', () => {
  const files = sourcesOf().map(([, file]) => file);
  expect(files).toEqual([...new Set(files)]);
});

test('stages differ in what they keep, not in what they are', () =>
  expect(idsOf('AWS::Lambda::Function', prod)).toEqual(idsOf('AWS::Lambda::Function')));
