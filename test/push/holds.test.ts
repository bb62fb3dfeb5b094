/** A credential fault parks an app's pushes, or all of a tenant's: for a quarter of an hour, then somebody tries again. */
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { EVERY_APP, type HeldBy, HOLD_MS, hold, holdOf } from '../../functions/push/holds.ts';
import { bindEnvironment } from '../memory.ts';
import { aurora, demo } from '../people.ts';
import { createRows, losing } from './rows.ts';

beforeAll(bindEnvironment);

const [app, other] = ['example.chorus.demo', 'example.chorus.other'];
const reason = 'InvalidProviderToken';
const QUARTER = HOLD_MS / 1000;

test('one app is held, and no other app, provider or tenant', async () => {
  const { deps, log } = createRows();
  await hold(deps, demo, 'apns', app, reason);
  expect(await holdOf(deps, demo, 'apns', app)).toEqual({ reason, seconds: QUARTER });
  expect(await holdOf(deps, demo, 'apns', other)).toBe(undefined);
  expect(await holdOf(deps, demo, 'fcm', app)).toBe(undefined);
  expect(await holdOf(deps, aurora, 'apns', app)).toBe(undefined);
  expect(log).toEqual([{ level: 'error', msg: 'push held', tenant: demo, provider: 'apns', app, reason }]);
});

test('a whole tenant is held for one provider', async () => {
  const { deps } = createRows();
  await hold(deps, demo, 'apns', EVERY_APP, reason);
  for (const each of [app, other]) expect(await holdOf(deps, demo, 'apns', each)).toEqual({ reason, seconds: QUARTER });
  expect(await holdOf(deps, demo, 'fcm', app)).toBe(undefined);
});

test('a failure after the hold renews it, and it remembers since when', async () => {
  const { deps, dynamo, clock } = createRows();
  await hold(deps, demo, 'fcm', app, reason);
  clock.ms += HOLD_MS;
  expect(await holdOf(deps, demo, 'fcm', app)).toBe(undefined);
  await hold(deps, demo, 'fcm', app, 'THIRD_PARTY_AUTH_ERROR');
  expect(await holdOf(deps, demo, 'fcm', app)).toEqual({ reason: 'THIRD_PARTY_AUTH_ERROR', seconds: QUARTER });
  expect(dynamo.items('memory-devices')).toMatchObject([
    { since: '2026-01-01T00:00:00.000Z', until: clock.ms + HOLD_MS, expires: (clock.ms + HOLD_MS) / 1000 + 86_400 },
  ]);
});

test('any holds in any order, also with answers that are lost: the longest that is not over counts', () => {
  const line = fc.tuple(fc.constantFrom<HeldBy>('apns', 'fcm'), fc.constantFrom(app, other, EVERY_APP));
  const step = fc.tuple(fc.nat(HOLD_MS), line, fc.array(fc.boolean(), { maxLength: 2 }));
  return fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), fc.nat(HOLD_MS), async (steps, last) => {
      const lost: boolean[] = [];
      const { deps, clock } = createRows(losing(lost));
      const until = new Map<string, number>();
      for (const [ms, [provider, held], losses] of steps) {
        clock.ms += ms;
        // What an earlier hold left over is not lost too: a call that never hears an answer is an error, and rightly so.
        lost.splice(0, lost.length, ...losses);
        await hold(deps, demo, provider, held, reason);
        until.set(`${provider} ${held}`, clock.ms + HOLD_MS);
      }
      clock.ms += last;
      for (const provider of ['apns', 'fcm'] as const)
        for (const each of [app, other]) {
          const ends = [each, EVERY_APP].map((of) => until.get(`${provider} ${of}`) ?? 0);
          const seconds = Math.ceil((Math.max(...ends) - clock.ms) / 1000);
          expect(await holdOf(deps, demo, provider, each)).toEqual(seconds > 0 ? { reason, seconds } : undefined);
        }
    }),
  );
});

test('a hold that nobody can read is told, and hides no other', async () => {
  const { deps, dynamo, log } = createRows();
  await hold(deps, demo, 'apns', app, reason);
  dynamo.force('memory-devices', { pk: 'demo#holds', sk: 'apns#*' }, { until: 'soon' });
  expect(await holdOf(deps, demo, 'apns', app)).toEqual({ reason, seconds: QUARTER });
  expect(log.at(-1)).toEqual({ level: 'error', msg: 'hold unreadable', tenant: demo, hold: 'apns#*' });
});
