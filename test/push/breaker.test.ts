/** Too many dead addresses at once are more likely a wrong configuration of ours: then none is forgotten. */
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Deps } from '../../core/deps.ts';
import { countSent, FREE_DEAD, type Line, mayForget, WINDOW_MS } from '../../functions/push/breaker.ts';
import { bindEnvironment } from '../memory.ts';
import { aurora, demo } from '../people.ts';
import { createRows, losing, type Rows } from './rows.ts';

beforeAll(bindEnvironment);

const line: Line = { tenant: demo, provider: 'apns', app: 'example.chorus.demo' };
/** So many addresses die at once. @returns how many of them may be forgotten */
const die = async (deps: Deps, dead: number, of: Line = line): Promise<number> =>
  (await Promise.all(Array.from({ length: dead }, () => mayForget(deps, of)))).filter((may) => may).length;
/** Numbers as dice would give them, the same every time. */
const dice = () => {
  let state = 1;
  return (): number => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
};
const countsIn = ({ dynamo }: Rows) => dynamo.items('memory-devices').map(({ dead, sent }) => ({ dead, sent }));

describe('when a wrong configuration makes 10,000 addresses look dead', () => {
  test('at most 20 are forgotten, and while it lasts not one more', async () => {
    const { deps, clock, log } = createRows();
    expect(await die(deps, 10_000)).toBe(FREE_DEAD);
    expect(log).toHaveLength(10_000 - FREE_DEAD);
    expect(log[0]).toEqual({ level: 'error', msg: 'push breaker open', ...line, dead: 21, sent: 0 });
    for (let window = 0; window < 3; window++) {
      clock.ms += WINDOW_MS;
      expect(await die(deps, 100)).toBe(0);
    }
  });

  test('at most 20 more are forgotten in each window between which nobody asked', async () => {
    const { deps, clock } = createRows();
    for (let window = 0; window < 3; window++) {
      clock.ms += 2 * WINDOW_MS;
      expect(await die(deps, 100)).toBe(FREE_DEAD);
    }
  });

  test('not one more in any order of many senders’ calls, also when answers are lost', () =>
    fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.array(fc.boolean(), { maxLength: 60 }), async (scheduler, lost) => {
        const lose = losing(lost);
        const { deps } = createRows((send, command) =>
          scheduler.schedule(Promise.resolve()).then(() => lose(send, command)),
        );
        expect(await scheduler.waitFor(die(deps, 3 * FREE_DEAD))).toBeLessThanOrEqual(FREE_DEAD);
      }),
      { numRuns: 50 },
    ));

  test('others are not touched: another app, provider or tenant', async () => {
    const { deps } = createRows();
    await die(deps, 100);
    const others: Partial<Line>[] = [{ app: 'other' }, { provider: 'fcm' }, { tenant: aurora }];
    for (const other of others) expect(await die(deps, 1, { ...line, ...other })).toBe(1);
  });
});

test('in ordinary times, 2 of 100 dead, all are forgotten, and one sent costs a sixteenth of a write unit', async () => {
  const { deps, meter } = createRows();
  const ordinary: Deps = { ...deps, random: { ...deps.random, unit: dice() } };
  let forgotten = 0;
  let sending = 0;
  for (let i = 0; i < 10_000; i++) {
    const before = meter.write;
    await countSent(ordinary, line);
    sending += meter.write - before;
    if (i % 50 === 0) forgotten += await die(ordinary, 1);
  }
  expect(forgotten).toBe(200);
  expect(sending).toBeGreaterThan(10_000 / 16 / 1.2);
  expect(sending).toBeLessThan((10_000 / 16) * 1.2);
});

test('for any sequence: forgotten while 20 or fewer, or no more than a quarter, are dead in two windows', () => {
  const step = fc.tuple(
    fc.constantFrom(...[0, 0, 0, 1], WINDOW_MS / 3, WINDOW_MS, 2 * WINDOW_MS),
    fc.nat(12),
    fc.integer({ min: 1, max: 25 }),
  );
  return fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
      const { deps, clock } = createRows();
      const windows = new Map<number, { dead: number; sent: number }>();
      const at = (window: number) => windows.get(window) ?? { dead: 0, sent: 0 };
      const isNormal = (dead: number, sent: number) => dead <= 20 || dead / (dead + sent) <= 0.25;
      for (const [ms, sent, dead] of steps) {
        clock.ms += ms;
        const window = Math.floor(clock.ms / WINDOW_MS);
        for (let i = 0; i < sent; i++) await countSent(deps, line);
        windows.set(window, { dead: at(window).dead, sent: at(window).sent + 16 * sent });
        for (let i = 0; i < dead; i++) {
          const [here, before] = [at(window), at(window - 1)];
          here.dead += 1;
          const both = [here.dead + before.dead, here.sent + before.sent] as const;
          expect(await mayForget(deps, line)).toBe(isNormal(here.dead, here.sent) && isNormal(...both));
        }
      }
    }),
  );
});

describe('when the table does not answer', () => {
  test('what was sent is not counted twice, and sending goes on', async () => {
    const rows = createRows(losing([true]));
    await countSent(rows.deps, line);
    expect(countsIn(rows)).toEqual([{ sent: 16 }]);
    expect(rows.log).toEqual([{ level: 'warn', msg: 'push count lost', ...line, error: 'Error: socket hang up' }]);
  });

  test('a dead address is rather counted twice', async () => {
    const rows = createRows(losing([true]));
    expect(await mayForget(rows.deps, line)).toBe(true);
    expect(countsIn(rows)).toEqual([{ dead: 2 }]);
  });

  test('a dead address is kept', async () => {
    const { deps, log } = createRows(losing([true, true, true, true]));
    expect(await mayForget(deps, line)).toBe(false);
    expect(log).toEqual([{ level: 'error', msg: 'push breaker unknown', ...line, error: 'Error: socket hang up' }]);
  });
});
