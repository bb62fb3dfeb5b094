/** What one device may be sent: never more than its budget, whoever sends, and never nothing for ever. */
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Deps } from '../../core/deps.ts';
import { DeviceId } from '../../core/ids.ts';
import {
  BACKGROUND_PER_HOUR,
  HOUR_MS,
  spendBackground,
  spendVisible,
  VISIBLE_BURST,
  VISIBLE_EVERY_MS,
  type Who,
} from '../../functions/push/budget.ts';
import { bindEnvironment } from '../memory.ts';
import { ada, aurora, ben, demo, phone } from '../people.ts';
import { createRows, losing, type Rows } from './rows.ts';

beforeAll(bindEnvironment);

const who: Who = { tenant: demo, person: ben, device: phone };
type Budget = {
  spend: (deps: Deps, who: Who) => Promise<number>;
  atOnce: number;
  /** Does who waits have its part already? */
  reserves: boolean;
  /** No more than this many from one instant to another so much later, both included. */
  most: (ms: number) => number;
  /** One in so much time is always within it. */
  pace: number;
  steps: number[];
};
const background: Budget = {
  spend: spendBackground,
  reserves: false,
  atOnce: BACKGROUND_PER_HOUR,
  most: (ms) => BACKGROUND_PER_HOUR * (Math.floor(ms / HOUR_MS) + 1),
  pace: HOUR_MS / BACKGROUND_PER_HOUR,
  steps: [0, 1, 1000, HOUR_MS / 3, HOUR_MS / 2, HOUR_MS - 1, HOUR_MS, 3 * HOUR_MS],
};
/** Another one each time: of one stream only the newest goes. */
let streams = 0;
const budgets: [string, Budget][] = [
  [
    'visible',
    {
      spend: async (deps, who) => (await spendVisible(deps, who, `conversation/${streams++}`)).seconds,
      reserves: true,
      atOnce: VISIBLE_BURST,
      most: (ms) => VISIBLE_BURST + Math.floor(ms / VISIBLE_EVERY_MS),
      pace: VISIBLE_EVERY_MS,
      steps: [0, 1, 1000, VISIBLE_EVERY_MS - 1, VISIBLE_EVERY_MS, 90_000, 10 * VISIBLE_EVERY_MS],
    },
  ],
  ['background', background],
];

const expectWithin = (granted: number[], { most }: Budget): void => {
  const times = granted.toSorted((a, b) => a - b);
  times.forEach((from, i) => {
    times.slice(i).forEach((to, more) => {
      expect(more + 1, `${from} to ${to}`).toBeLessThanOrEqual(most(to - from));
    });
  });
};

/** So many spend at each step of the clock. @returns when each goes */
const play = async (
  { deps, clock }: Rows,
  { spend, reserves }: Budget,
  steps: [number, number][],
): Promise<number[]> => {
  const granted: number[] = [];
  for (const [step, spenders] of steps) {
    clock.ms += step;
    const waits = await Promise.all(Array.from({ length: spenders }, () => spend(deps, who).catch(() => -1)));
    const go = waits.filter((wait) => (reserves ? wait >= 0 : wait === 0));
    granted.push(...go.map((wait) => clock.ms + wait * 1000));
  }
  return granted;
};

describe.each(budgets)('%s pushes', (_what, budget) => {
  const { spend, atOnce, pace, steps } = budget;
  const anyway = fc.array(
    fc.tuple(
      fc.tuple(fc.constantFrom(...steps, 7), fc.constantFrom(1, 1, -1)).map(([step, sign]) => step * sign),
      fc.integer({ min: 1, max: 3 }),
    ),
    { maxLength: 60 },
  );

  test('stay within it at any times, also on a clock that runs back, also when answers are lost', () =>
    fc.assert(
      fc.asyncProperty(anyway, fc.array(fc.boolean(), { maxLength: 60 }), async (times, lost) => {
        expectWithin(await play(createRows(losing(lost)), budget, times), budget);
      }),
    ));

  test('stay within it in any order of many senders’ calls, and all of it is used', () =>
    fc.assert(
      fc.asyncProperty(fc.scheduler(), async (scheduler) => {
        const { deps } = createRows((send, command) => scheduler.schedule(Promise.resolve()).then(() => send(command)));
        const all = Promise.all(Array.from({ length: 2 * atOnce }, () => spend(deps, who)));
        const waits = await scheduler.waitFor(all);
        expect(waits.filter((wait) => wait === 0)).toHaveLength(atOnce);
      }),
      { numRuns: 50 },
    ));

  test('go on for ever at its pace', async () => {
    const { deps, clock } = createRows();
    for (let i = 0; i < 50; i++) {
      expect(await spend(deps, who)).toBe(0);
      clock.ms += pace;
    }
  });

  test('are as many as at first after a long silence', async () => {
    const { deps, clock } = createRows();
    for (const _day of [1, 2]) {
      clock.ms += 24 * HOUR_MS;
      for (let i = 0; i < atOnce; i++) expect(await spend(deps, who)).toBe(0);
      expect(await spend(deps, who)).toBeGreaterThan(0);
    }
  });

  test('are counted for each device of each person of each tenant by itself', async () => {
    const { deps } = createRows();
    for (let i = 0; i < atOnce; i++) await spend(deps, who);
    const others: Partial<Who>[] = [{ tenant: aurora }, { person: ada }, { device: DeviceId.parse('tablet') }];
    expect(await Promise.all(others.map((other) => spend(deps, { ...who, ...other })))).toEqual([0, 0, 0]);
    expect(await spend(deps, who)).toBeGreaterThan(0);
  });

  test('cost one write unit, and their row expires only when it says nothing any more', async () => {
    const { deps, dynamo, clock, meter } = createRows();
    await spend(deps, who);
    expect(meter.write).toBe(1);
    expect(Number(dynamo.items('memory-devices')[0]?.expires) * 1000).toBeGreaterThan(clock.ms + HOUR_MS);
  });
});

test('background pushes never starve: after the seconds that it says one is granted, and not a second before', () => {
  const { spend, steps } = background;
  const times = fc.array(
    fc.tuple(fc.oneof(fc.constantFrom(...steps), fc.nat(HOUR_MS)), fc.integer({ min: 1, max: 4 })),
  );
  return fc.assert(
    fc.asyncProperty(times, async (spent) => {
      const rows = createRows();
      await play(rows, background, spent);
      const { deps, clock } = rows;
      const now = clock.ms;
      let wait = await spend(deps, who);
      while (wait === 0) wait = await spend(deps, who);
      clock.ms = now + (wait - 1) * 1000;
      expect(await spend(deps, who)).toBe(1);
      clock.ms = now + wait * 1000;
      expect(await spend(deps, who)).toBe(0);
    }),
  );
});

test('the two kinds share nothing', async () => {
  const { deps } = createRows();
  for (let i = 0; i < VISIBLE_BURST; i++) await spendVisible(deps, who, `conversation/${i}`);
  expect(await spendBackground(deps, who)).toBe(0);
});

test('a bucket that expires between two calls is tried again a second later', async () => {
  const { deps, dynamo } = createRows(async (send, command) => {
    try {
      return await send(command);
    } finally {
      for (const { pk, sk } of dynamo.items('memory-devices'))
        dynamo.force('memory-devices', { pk: String(pk), sk: String(sk) }, undefined);
    }
  });
  const row = { tat: Date.parse('2026-01-01T00:00:01.000Z'), slots: {} };
  dynamo.force('memory-devices', { pk: 'demo#budget#usr_ben#phone', sk: 'visible' }, row);
  expect(await spendVisible(deps, who, 'conversation/a')).toEqual({ seconds: 1, isPaid: false });
  expect(await spendVisible(deps, who, 'conversation/a')).toEqual({ seconds: 0, isPaid: true });
});

describe('a visible push that finds nothing', () => {
  const spent = async () => {
    const rows = createRows();
    for (let i = 0; i < VISIBLE_BURST; i++) await spendVisible(rows.deps, who, `conversation/${i}`);
    const of = (stream: number) => spendVisible(rows.deps, who, `conversation/${stream}`);
    return { ...rows, of };
  };

  test('has the next to come, and needs to ask no more', async () => {
    const { of } = await spent();
    const all = [];
    for (let i = 0; i < 300; i++) all.push(await of(100 + i));
    expect(all).toEqual(all.map((_, i) => ({ seconds: (i + 1) * 20, isPaid: true })));
  });
  test('shares it with all of its stream until then', async () => {
    const { of, clock } = await spent();
    expect((await of(0)).seconds).toBe(20);
    expect((await of(1)).seconds).toBe(40);
    clock.ms += 19_500;
    expect([(await of(0)).seconds, (await of(1)).seconds, (await of(2)).seconds]).toEqual([1, 21, 41]);
    clock.ms += 500;
    // What came after it went has one of its own.
    expect((await of(0)).seconds).toBe(60);
  });
  test('asks again where too many wait, and finds room then', async () => {
    const { of, clock, dynamo } = await spent();
    const waiting = 2 * (HOUR_MS / VISIBLE_EVERY_MS);
    for (let i = 0; i < waiting; i++) await of(100 + i);
    const { seconds, isPaid } = await of(1000);
    expect([seconds > 0, isPaid]).toEqual([true, false]);
    clock.ms += seconds * 1000;
    expect((await of(1000)).isPaid).toBe(true);
    expect(Buffer.byteLength(JSON.stringify(dynamo.items('memory-devices')))).toBeLessThan(20_000);
  });
  test('leaves nothing behind once the device was left alone', async () => {
    const { of, clock, dynamo } = await spent();
    for (let i = 0; i < 10; i++) await of(100 + i);
    clock.ms += 24 * HOUR_MS;
    expect((await of(1)).seconds).toBe(0);
    expect(dynamo.items('memory-devices')).toMatchObject([{ slots: {} }]);
  });
});
