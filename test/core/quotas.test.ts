/** What a person may do on one day: counted once, whatever is lost, repeated or at once. */
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Command } from '../../core/ddb.ts';
import { QUOTA_MAX, spendQuota } from '../../core/quotas.ts';
import { bindEnvironment } from '../memory.ts';
import { ada, aurora, ben, demo } from '../people.ts';
import { createRows, losing, type Rows } from '../push/rows.ts';

beforeAll(bindEnvironment);

const actor = { tenant: demo, user: ada };
const like = ({ deps }: Rows, about: string, perDay = 3) => spendQuota(deps, actor, 'likes', perDay, about);
const DAY_MS = 86_400_000;

test('so many a day, each named once, and again on the next day', async () => {
  const on = createRows();
  on.clock.ms += DAY_MS - 90_000;
  expect([await like(on, 'a'), await like(on, 'b'), await like(on, 'a'), await like(on, 'c')]).toEqual(
    [2, 1, 1, 0].map((left) => ({ left })),
  );
  expect(await like(on, 'd')).toEqual({ retryAfter: 90 });
  // What was counted stays so, also when nothing is left.
  expect(await like(on, 'b')).toEqual({ left: 0 });
  on.clock.ms += 90_000;
  expect(await like(on, 'd')).toEqual({ left: 2 });
});

test('what may be done more often by now is, and less often too', async () => {
  const on = createRows();
  for (const about of ['a', 'b', 'c']) await like(on, about);
  expect(await like(on, 'd', 5)).toEqual({ left: 1 });
  expect(await like(on, 'e', 3)).toMatchObject({ retryAfter: expect.any(Number) });
  expect(await like(on, 'a', 3)).toEqual({ left: 0 });
});

test('nothing at all costs no write, and more than a row can hold is a mistake', async () => {
  const on = createRows();
  expect(await like(on, 'a', 0)).toEqual({ retryAfter: DAY_MS / 1000 });
  expect(on.meter.write).toBe(0);
  await expect(like(on, 'a', QUOTA_MAX + 1)).rejects.toThrow('is no quota');
  await expect(like(on, 'a', 0.5)).rejects.toThrow('is no quota');
});

test('people, tenants and names are counted by themselves', async () => {
  const on = createRows();
  for (const about of ['a', 'b', 'c']) await like(on, about);
  for (const other of [
    { ...actor, user: ben },
    { ...actor, tenant: aurora },
  ])
    expect(await spendQuota(on.deps, other, 'likes', 3, 'a')).toEqual({ left: 2 });
  expect(await spendQuota(on.deps, actor, 'super-likes', 1, 'a')).toEqual({ left: 0 });
});

describe('whatever happens', () => {
  const names = fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'), { maxLength: 30 });

  test('no more than the quota are granted, and a name that was granted is granted again', () =>
    fc.assert(
      fc.asyncProperty(names, fc.array(fc.boolean(), { maxLength: 60 }), async (said, lost) => {
        const on = createRows(losing(lost));
        const granted = new Set<string>();
        for (const about of said) {
          const answer = await like(on, about).catch(() => undefined);
          if (answer && 'left' in answer) granted.add(about);
          else if (answer) void expect(granted.has(about)).toBe(false);
        }
        expect(granted.size).toBeLessThanOrEqual(3);
        const rows = on.dynamo.items('memory-trail');
        for (const { used, keys } of rows) expect(used).toBe(Object.keys(Object(keys)).length);
      }),
    ));

  test('two devices at once count each name once', () =>
    fc.assert(
      fc.asyncProperty(fc.scheduler(), names, async (scheduler, said) => {
        const send = (each: (command: Command) => Promise<Record<string, unknown>>, command: Command) =>
          scheduler.schedule(Promise.resolve()).then(() => each(command));
        const on = createRows(send);
        const all = Promise.all([...said, ...said].map(async (about) => ({ about, answer: await like(on, about) })));
        const granted = (await scheduler.waitFor(all)).filter(({ answer }) => 'left' in answer);
        expect(new Set(granted.map(({ about }) => about)).size).toBe(Math.min(3, new Set(said).size));
      }),
      { numRuns: 50 },
    ));
});

test('fails closed, and it is logged', async () => {
  const on = createRows(async () => {
    throw new Error('socket hang up');
  });
  await expect(like(on, 'a')).rejects.toMatchObject({ init: { status: 503, code: 'busy' } });
  expect(on.log).toMatchObject([{ level: 'error', msg: 'quota unknown', quota: 'likes' }]);
});

test('costs two writes for the first of a day and one for each other, and its row expires a day after', async () => {
  const on = createRows();
  await like(on, 'a');
  await like(on, 'b');
  expect(on.meter.write).toBe(3);
  expect(on.dynamo.items('memory-trail')).toMatchObject([
    { pk: 'demo#limit#usr_ada', sk: 'quota#likes#2026-01-01', used: 2, expires: Date.parse('2026-01-03') / 1000 },
  ]);
});
