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
  /** No more than this many from one instant to another so much later, both included. */
  most: (ms: number) => number;
  /** One in so much time is always within it. */
  pace: number;
  steps: number[];
};
const budgets: [string, Budget][] = [
  [
    'visible',
    {
      spend: spendVisible,
      atOnce: VISIBLE_BURST,
      most: (ms) => VISIBLE_BURST + Math.floor(ms / VISIBLE_EVERY_MS),
      pace: VISIBLE_EVERY_MS,
      steps: [0, 1, 1000, VISIBLE_EVERY_MS - 1, VISIBLE_EVERY_MS, 90_000, 10 * VISIBLE_EVERY_MS],
    },
  ],
  [
    'background',
    {
      spend: spendBackground,
      atOnce: BACKGROUND_PER_HOUR,
      most: (ms) => BACKGROUND_PER_HOUR * (Math.floor(ms / HOUR_MS) + 1),
      pace: HOUR_MS / BACKGROUND_PER_HOUR,
      steps: [0, 1, 1000, HOUR_MS / 3, HOUR_MS / 2, HOUR_MS - 1, HOUR_MS, 3 * HOUR_MS],
    },
  ],
];

const expectWithin = (granted: number[], { most }: Budget): void => {
  const times = granted.toSorted((a, b) => a - b);
  times.forEach((from, i) => {
    times.slice(i).forEach((to, more) => {
      expect(more + 1, `${from} to ${to}`).toBeLessThanOrEqual(most(to - from));
    });
  });
};

/** So many spend at each step of the clock. @returns when each was granted */
const play = async ({ deps, clock }: Rows, { spend }: Budget, steps: [number, number][]): Promise<number[]> => {
  const granted: number[] = [];
  for (const [step, spenders] of steps) {
    clock.ms += step;
    const waits = await Promise.all(Array.from({ length: spenders }, () => spend(deps, who).catch(() => 1)));
    granted.push(...waits.filter((wait) => wait === 0).map(() => clock.ms));
  }
  return granted;
};

describe.each(budgets)('%s pushes', (_what, budget) => {
  const { spend, atOnce, pace, steps } = budget;
  const forward = fc.array(
    fc.tuple(fc.oneof(fc.constantFrom(...steps), fc.nat(HOUR_MS)), fc.integer({ min: 1, max: 4 })),
  );
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

  test('never starve: after the seconds that it says one is granted, and not a second before', () =>
    fc.assert(
      fc.asyncProperty(forward, async (times) => {
        const rows = createRows();
        await play(rows, budget, times);
        const { deps, clock } = rows;
        const now = clock.ms;
        let wait = await spend(deps, who);
        while (wait === 0) wait = await spend(deps, who);
        clock.ms = now + (wait - 1) * 1000;
        expect(await spend(deps, who)).toBe(1);
        clock.ms = now + wait * 1000;
        expect(await spend(deps, who)).toBe(0);
      }),
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

test('the two kinds share nothing', async () => {
  const { deps } = createRows();
  for (let i = 0; i < VISIBLE_BURST; i++) await spendVisible(deps, who);
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
  const row = { tat: Date.parse('2026-01-01T00:00:01.000Z') };
  dynamo.force('memory-devices', { pk: 'demo#budget#usr_ben#phone', sk: 'visible' }, row);
  expect(await spendVisible(deps, who)).toBe(1);
  expect(await spendVisible(deps, who)).toBe(0);
});
