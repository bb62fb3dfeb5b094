/** What a person may ask for: never more than the limit, whatever is lost, repeated or at once; and what an outage does. */
import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Command } from '../../core/ddb.ts';
import type { Deps } from '../../core/deps.ts';
import { type LimitName, limitNames, limits } from '../../core/limit-table.ts';
import { keepLimit, limitOf, spend } from '../../core/limits.ts';
import { forgetAll } from '../../core/lru.ts';
import { bindEnvironment } from '../memory.ts';
import { ada, aurora, ben, demo } from '../people.ts';
import { type Answer, createRows, type Network, type Rows } from '../push/rows.ts';

beforeAll(bindEnvironment);
/** Every test is a new process. */
beforeEach(forgetAll);

const actor = { tenant: demo, user: ada };
/** As sent, or as something goes wrong with it. */
const fates = ['done', 'done', 'lost before', 'lost after', 'doubled', 'throttled', 'late'] as const;
type Fate = (typeof fates)[number];
const throttled = (): Error => Object.assign(new Error('patience'), { name: 'ThrottlingException' });

/** What comes late lands before the next call but one. */
const faulty = (plan: Fate[]): Network => {
  const late: { calls: number; run: () => Promise<unknown> }[] = [];
  return async (send, command: Command): Promise<Answer> => {
    for (const each of late.splice(0)) {
      if (each.calls-- > 0) late.push(each);
      else await each.run().catch(() => undefined);
    }
    switch (plan.shift()) {
      case 'lost before':
        throw new Error('socket hang up');
      case 'lost after':
        await send(command).catch(() => undefined);
        throw new Error('socket hang up');
      case 'doubled':
        await send(command).catch(() => undefined);
        return send(command);
      case 'throttled':
        throw throttled();
      case 'late':
        late.push({ calls: 1, run: () => send(command) });
        throw new Error('socket hang up');
      default:
        return send(command);
    }
  };
};

type Stage = Rows & { deps: Deps };
const stage = (network?: Network): Stage => {
  const rows = createRows(network);
  let ids = 0;
  return { ...rows, deps: { ...rows.deps, random: { id: () => `spend-${++ids}`, unit: () => 0 } } };
};

type Spent = 'granted' | 'unknown' | 'closed' | number;
const ask = async ({ deps, log }: Stage, name: LimitName, cost = 1): Promise<Spent> => {
  const before = log.length;
  const wait = await spend(deps, actor, name, cost).catch(() => 'closed' as const);
  if (wait === 'closed') return wait;
  if (wait) return wait.retryAfter;
  return log.length > before ? 'unknown' : 'granted';
};

const mostOf = (name: LimitName, ms: number): number =>
  limits[name].burst + Math.floor(ms / (limits[name].everySeconds * 1000));

/** From each moment to each later one. */
const expectWithin = (name: LimitName, times: number[]): void => {
  const sorted = times.toSorted((a, b) => a - b);
  sorted.forEach((from, i) => {
    sorted.slice(i).forEach((to, more) => {
      expect(more + 1, `${from} to ${to}`).toBeLessThanOrEqual(mostOf(name, to - from));
    });
  });
};

describe.each(['exports', 'tickets', 'messages'] as const)('%s', (name) => {
  const { burst, everySeconds } = limits[name];
  const every = everySeconds * 1000;
  const step = fc.record({
    ms: fc.constantFrom(0, 0, 0, 1, every - 1, every, -every, 3 * every, burst * every),
    at: fc.integer({ min: 1, max: burst }),
    other: fc.boolean(),
  });

  test('are never granted beyond the limit, at any times and on any clock, whatever becomes of the calls', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 25 }),
        fc.array(fc.constantFrom(...fates), { maxLength: 120 }),
        async (steps, plan) => {
          forgetAll();
          const on = stage(faulty(plan));
          const granted: number[] = [];
          for (const { ms, at, other } of steps) {
            on.clock.ms += ms;
            if (other) forgetAll();
            const spent = await Promise.all(Array.from({ length: at }, () => ask(on, name)));
            granted.push(...spent.filter((each) => each === 'granted').map(() => on.clock.ms));
          }
          expectWithin(name, granted);
        },
      ),
      { numRuns: Math.ceil(600 / burst) },
    ));

  test('are granted in full, once, to many at once in any order', () =>
    fc.assert(
      fc.asyncProperty(fc.scheduler(), async (scheduler) => {
        forgetAll();
        const on = stage((send, command) => scheduler.schedule(Promise.resolve()).then(() => send(command)));
        const all = Promise.all(Array.from({ length: burst + 3 }, () => ask(on, name)));
        expect((await scheduler.waitFor(all)).filter((each) => each === 'granted')).toHaveLength(burst);
      }),
      { numRuns: 30 },
    ));

  test('are granted after the seconds that are said, and not a second before', async () => {
    const on = stage();
    for (let i = 0; i < burst; i++) expect(await ask(on, name)).toBe('granted');
    const wait = await ask(on, name);
    expect(wait).toBe(everySeconds);
    on.clock.ms += (Number(wait) - 1) * 1000;
    expect(await ask(on, name)).toBe(1);
    on.clock.ms += 1000;
    expect(await ask(on, name)).toBe('granted');
    expect(await ask(on, name)).toBe(everySeconds);
  });

  test('cost one write each in one process, and nothing once they are refused', async () => {
    const on = stage();
    for (let i = 0; i < burst; i++) await ask(on, name);
    expect(on.meter.write).toBe(burst);
    for (let i = 0; i < 1000; i++) await ask(on, name);
    expect(on.meter.write).toBe(burst);
  });

  test('cost two writes at most where another process has used the bucket', async () => {
    const on = stage();
    await ask(on, name);
    forgetAll();
    await ask(on, name);
    expect(on.meter.write).toBeLessThanOrEqual(3);
  });
});

test.each([
  ['of a full bucket', []],
  ['of one in use', ['done']],
] as const)('a lost answer spends one token, however often it is asked for again: %s', async (_, before) => {
  const on = stage(faulty([...before, 'lost after', 'lost after', 'doubled']));
  const { burst } = limits.erasure;
  for (let i = 0; i < burst; i++) expect(await ask(on, 'erasure')).toBe('granted');
  expect(await ask(on, 'erasure')).toBeGreaterThan(1);
});

test('what costs more takes more', async () => {
  const on = stage();
  expect(await ask(on, 'messages', 59)).toBe('granted');
  expect(await ask(on, 'messages', 2)).toBe(1);
  expect(await ask(on, 'messages')).toBe('granted');
  await expect(spend(on.deps, actor, 'messages', 61)).rejects.toThrow('never granted');
});

test('people, tenants, names and parts are counted by themselves', async () => {
  const on = stage();
  for (let i = 0; i < 2; i++) await ask(on, 'exports');
  expect(await ask(on, 'exports')).not.toBe('granted');
  for (const other of [
    { ...actor, user: ben },
    { ...actor, tenant: aurora },
  ])
    expect(await spend(on.deps, other, 'exports')).toBeUndefined();
  expect(await spend(on.deps, actor, 'exports', 1, 'phone')).toBeUndefined();
  expect(await ask(on, 'messages')).toBe('granted');
});

describe('what is free', () => {
  test('costs no write, and is no more than is said for each process', async () => {
    const on = stage();
    const { free, burst } = limits.reads;
    for (let i = 0; i < free; i++) expect(await ask(on, 'reads')).toBe('granted');
    expect(on.meter.write).toBe(0);
    for (let i = 0; i < burst; i++) expect(await ask(on, 'reads')).toBe('granted');
    expect(await ask(on, 'reads')).toBe(1);
    // Who was refused gets nothing for free either.
    on.clock.ms += 400;
    expect(await ask(on, 'reads')).toBe(1);
  });
  test('comes back within ten seconds', async () => {
    const on = stage();
    for (const _ten of [1, 2, 3]) {
      for (let i = 0; i < limits.reads.free; i++) expect(await ask(on, 'reads')).toBe('granted');
      on.clock.ms += 10_000;
    }
    expect(on.meter.write).toBe(0);
  });
});

describe('when the database does not answer', () => {
  const out = (): Stage =>
    stage(async () => {
      throw new Error('socket hang up');
    });
  const open = limitNames.filter((name) => limits[name].fails === 'open');
  const closed = limitNames.filter((name) => limits[name].fails === 'closed');

  test('these are refused, and nothing else', () =>
    expect(closed).toEqual(['lookups', 'media', 'exports', 'purchases']));
  test.each(open)('%s pass, and it is logged', async (name) => {
    const on = out();
    const asked = 1 + ('free' in limits[name] ? Number(limits[name].free) : 0);
    for (let i = 0; i < asked; i++) await keepLimit(on.deps, actor, name);
    expect(on.log).toMatchObject([{ level: 'error', msg: 'limit unknown', fails: 'open', limit: name }]);
  });
  test.each(closed)('%s are refused with 503 busy, and it is logged', async (name) => {
    const on = out();
    await expect(keepLimit(on.deps, actor, name)).rejects.toMatchObject({
      init: { status: 503, code: 'busy', retryAfter: 1 },
    });
    expect(on.log).toMatchObject([{ level: 'error', msg: 'limit unknown', fails: 'closed', limit: name }]);
  });
});

test('a row says nothing any more long before it expires, and holds no more than its bucket', async () => {
  const on = stage();
  for (let i = 0; i < limits.messages.burst; i++) await ask(on, 'messages');
  const [row] = on.dynamo.items('memory-trail');
  expect(Object.keys(row ?? {}).sort()).toEqual(['by', 'expires', 'pk', 'sk', 'tat']);
  expect(row).toMatchObject({ pk: 'demo#limit#usr_ada', sk: 'messages' });
  expect(Number(row?.expires) * 1000 - Number(row?.tat)).toBeGreaterThanOrEqual(3_600_000);
});

test('a tenant changes the numbers that it names, and no other', () => {
  expect(limitOf({ tenant: demo }, 'presence')).toEqual(limits.presence);
  const changed = limitNames.filter(
    (name) => JSON.stringify(limitOf({ tenant: aurora }, name)) !== JSON.stringify(limits[name]),
  );
  expect(changed).toEqual(['messages']);
});

test('docs/api.md says all of them', () => {
  const rows = readFileSync('docs/api.md', 'utf8').matchAll(
    /^\| `(\w+)` \| [^|]+ \| (\d+) \| ([\d.]+) (s|h) \| (open|closed) \| (\d*) \|$/gm,
  );
  const said = [...rows].map(([, name = '', burst, every, unit, fails, free]) => [
    name,
    {
      ...{ burst: Number(burst), everySeconds: Number(every) * (unit === 'h' ? 3600 : 1), fails },
      ...(free ? { free: Number(free) } : {}),
    },
  ]);
  expect(Object.fromEntries(said)).toEqual(limits);
});

test('every route names its limit', () => {
  const files = readdirSync('functions', { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.http.ts'),
  );
  const unlimited = files.filter((name) => {
    const text = readFileSync(`functions/${name}`, 'utf8');
    return /= http\(/.test(text) && !/\blimit: '/.test(text);
  });
  expect(unlimited).toEqual([]);
});
