/** A credential fault parks an app's pushes, or all of a tenant's: for a quarter of an hour, then somebody tries again. */
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  EVERY_APP,
  endHolds,
  type HeldBy,
  HOLD_MS,
  hold,
  holdOf,
  PROBE_MS,
  type Probe,
} from '../../functions/push/holds.ts';
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
  expect(await holdOf(deps, demo, 'fcm', app)).toHaveProperty('probes');
  await hold(deps, demo, 'fcm', app, 'PERMISSION_DENIED');
  expect(await holdOf(deps, demo, 'fcm', app)).toEqual({ reason: 'PERMISSION_DENIED', seconds: QUARTER });
  expect(dynamo.items('memory-devices')).toMatchObject([
    { since: '2026-01-01T00:00:00.000Z', until: clock.ms + HOLD_MS, expires: (clock.ms + HOLD_MS) / 1000 + 86_400 },
  ]);
});

test.each([
  ['within a day is the same trouble, and keeps its `since`', 0, 0],
  ['after a day is a new one, though the row still lies there', 1, HOLD_MS + 86_400_001],
])('a hold that comes back %s', async (_, late, since) => {
  const { deps, dynamo, clock } = createRows();
  const start = clock.ms;
  await hold(deps, demo, 'fcm', app, reason);
  clock.ms += HOLD_MS + 86_400_000 + late;
  await hold(deps, demo, 'fcm', app, reason);
  expect(dynamo.items('memory-devices')).toMatchObject([
    { since: new Date(start + since).toISOString(), until: clock.ms + HOLD_MS },
  ]);
  expect(await holdOf(deps, demo, 'fcm', app)).toEqual({ reason, seconds: QUARTER });
});

test('two that hold at once hold, and one of them says since when', async () => {
  const { deps, dynamo, clock } = createRows();
  const other = { ...deps, now: () => new Date(clock.ms + 5) };
  await Promise.all([hold(deps, demo, 'apns', app, reason), hold(other, demo, 'apns', app, reason)]);
  expect(dynamo.items('memory-devices')).toMatchObject([
    { since: expect.stringMatching(/^2026-01-01T00:00:00.00[05]Z$/), reason },
  ]);
  expect(await holdOf(deps, demo, 'apns', app)).toMatchObject({ reason });
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
          const is = await holdOf(deps, demo, provider, each);
          if (seconds > 0) expect([seconds, PROBE_MS / 1000]).toContain(is && 'seconds' in is && is.seconds);
          // Over, or never there: one tries, whoever asks next waits for it.
          else expect(is === undefined || 'probes' in is || is.seconds <= PROBE_MS / 1000).toBe(true);
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
  await hold(deps, demo, 'apns', EVERY_APP, reason);
  expect(await holdOf(deps, demo, 'apns', other)).toEqual({ reason, seconds: QUARTER });
});

describe('when a hold is over', () => {
  const over = async (network?: Parameters<typeof createRows>[0]) => {
    const rows = createRows(network);
    await hold(rows.deps, demo, 'apns', app, reason);
    rows.clock.ms += HOLD_MS;
    const ask = () => holdOf(rows.deps, demo, 'apns', app);
    return { ...rows, ask };
  };
  const isProbe = (is: Awaited<ReturnType<typeof holdOf>>): is is Probe => is !== undefined && 'probes' in is;

  test('of a hundred at once one tries, and the others wait for it', async () => {
    const { ask } = await over();
    const all = await Promise.all(Array.from({ length: 100 }, ask));
    expect(all.filter(isProbe)).toHaveLength(1);
    expect(all.filter((is) => !isProbe(is))).toEqual(Array.from({ length: 99 }, () => ({ reason, seconds: 30 })));
  });
  test('and who tries is not heard of, another does after half a minute', async () => {
    const { ask, clock } = await over();
    expect(isProbe(await ask())).toBe(true);
    clock.ms += PROBE_MS - 1;
    expect(await ask()).toEqual({ reason, seconds: 1 });
    clock.ms += 1;
    expect(isProbe(await ask())).toBe(true);
  });
  test('and the push goes through, all go', async () => {
    const { ask, deps, clock } = await over();
    const is = await ask();
    if (!isProbe(is)) throw new Error('nobody tries');
    await endHolds(deps, demo, 'apns', is);
    for (const ms of [0, PROBE_MS, HOLD_MS]) {
      clock.ms += ms;
      expect(await ask()).toBe(undefined);
    }
  });
  test('and it is held anew meanwhile, who tried ends nothing', async () => {
    const { ask, deps } = await over();
    const is = await ask();
    if (!isProbe(is)) throw new Error('nobody tries');
    await hold(deps, demo, 'apns', app, reason);
    await endHolds(deps, demo, 'apns', is);
    expect(await ask()).toEqual({ reason, seconds: QUARTER });
  });
});
