/** When somebody was there: by all of their devices, in whole minutes, for a week. */
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { ACTIVE_SECONDS, absent, presenceOf, raiseActive, SHOWN_SECONDS, SILENT_SECONDS } from '../../core/active.ts';
import { CONNECTION_SECONDS, Device } from '../../core/devices.ts';
import { bindEnvironment } from '../memory.ts';
import { ada, demo, phone } from '../people.ts';
import { createRows } from '../push/rows.ts';

beforeAll(bindEnvironment);

const NOW = Math.floor(Date.parse('2026-01-08T12:34:56Z') / 1000);
const device = (more: object): Device => Device.parse({ device: 'phone', person: ada, ...more });
const connected = (activeAt: number, lease = NOW + 100) =>
  device({ activeAt, connection: { id: 'c', expires: NOW + CONNECTION_SECONDS, lease } });

test('who has no device, or none that was ever heard of, looks like who does not exist', () => {
  expect(presenceOf([], NOW)).toEqual(absent);
  expect(presenceOf([device({})], NOW)).toEqual(absent);
  expect(JSON.stringify(absent)).toBe('{"online":false}');
});

test('online is who is connected and was heard of within ten minutes', () => {
  expect(presenceOf([connected(NOW - SILENT_SECONDS)], NOW).online).toBe(true);
  expect(presenceOf([connected(NOW - SILENT_SECONDS - 1)], NOW).online).toBe(false);
  expect(presenceOf([connected(NOW, NOW)], NOW).online).toBe(false);
  expect(presenceOf([device({ activeAt: NOW })], NOW).online).toBe(false);
  expect(presenceOf([device({ activeAt: NOW }), connected(NOW - 60)], NOW).online).toBe(true);
});

test('last active is the newest of all devices, a whole minute, and nothing after a week', () =>
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: SHOWN_SECONDS + 100 }), { minLength: 1 }), (ages) => {
      const presence = presenceOf(
        ages.map((age) => device({ activeAt: NOW - age })),
        NOW,
      );
      const newest = NOW - Math.min(...ages);
      if (NOW - newest > SHOWN_SECONDS) return void expect(presence).toEqual(absent);
      expect(presence.lastActive).toBe(newest - (newest % 60));
    }),
  ));

test('the register rises once a minute, for the connection that there is, and never falls', async () => {
  const { deps, dynamo } = createRows();
  const key = { pk: 'demo#person#usr_ada', sk: 'device#phone' };
  dynamo.force('memory-devices', key, { ...key, connection: { id: 'new' }, activeAt: NOW });
  const raise = async (connectionId: string, at: number) => {
    await raiseActive(deps, { tenant: demo, person: ada, device: phone, connectionId }, at);
    return dynamo.items('memory-devices')[0]?.activeAt;
  };
  expect(await raise('new', NOW + ACTIVE_SECONDS - 1)).toBe(NOW);
  expect(await raise('old', NOW + ACTIVE_SECONDS)).toBe(NOW);
  expect(await raise('new', NOW + ACTIVE_SECONDS)).toBe(NOW + ACTIVE_SECONDS);
  expect(await raise('new', NOW)).toBe(NOW + ACTIVE_SECONDS);
});

test('a device that is gone is not made again by a ping that comes late', async () => {
  const { deps, dynamo } = createRows();
  await raiseActive(deps, { tenant: demo, person: ada, device: phone, connectionId: 'old' }, NOW);
  expect(dynamo.items('memory-devices')).toEqual([]);
});
