/** Reading a store's history from a checkpoint: what moves it, what holds it, and what it never loses. */
import { describe, expect, test } from 'vitest';
import {
  isLost,
  type Reconciled,
  readCheckpoint,
  reconcile,
  type Source,
} from '../../functions/purchases/reconcile.ts';
import { StoreError, type StoreTrouble } from '../../functions/purchases/store-error.ts';
import { demo } from '../people.ts';
import { DAY, HOUR, openTables } from './stores.ts';

type Signed = { at: number; name: string };
type Asked = { from: number; to: number; token?: string | undefined };

const FOR_EVER = Number.MAX_SAFE_INTEGER;
const REACH = 180 * DAY;

/** A store whose history is a list; pages of two. */
const stage = (signed: Signed[] = []) => {
  const tables = openTables();
  const asked: Asked[] = [];
  const taken: string[] = [];
  const trouble: { page?: StoreTrouble; take?: (name: string) => void; expired?: Set<string> } = {};
  const known = new Set<string>();
  const source: Source = {
    ...{ tenant: demo, store: 'appstore', environment: 'production', reachMs: REACH },
    page: async ({ from, to }, token) => {
      asked.push({ from, to, token });
      if (trouble.page) throw new StoreError(trouble.page, 'no');
      if (token && trouble.expired?.has(token)) throw new StoreError({ kind: 'bug' }, '400 4000017');
      const all = signed.filter(({ at }) => at >= from && at <= to);
      const start = token ? Number(token.split('/')[1]) : 0;
      const page = all.slice(start, start + 2).map(({ name }) => name);
      return { signed: page, ...(start + 2 < all.length ? { next: `${from}-${to}/${start + 2}` } : {}) };
    },
    take: async (name) => {
      taken.push(name);
      trouble.take?.(name);
      if (name.startsWith('forged')) return { refused: 'signature' };
      const fresh = !known.has(name);
      known.add(name);
      return { fresh };
    },
  };
  const run = (deadline = FOR_EVER): Promise<Reconciled> => reconcile(tables.deps, source, deadline);
  const until = async () => (await readCheckpoint(tables.deps, source)).until;
  return { ...tables, source, asked, taken, known, trouble, signed, run, until };
};
const START = openTables().clock.ms;
const names = (count: number, at = START - HOUR): Signed[] =>
  Array.from({ length: count }, (_, i) => ({ at: at + i, name: `n${i}` }));

describe('a run', () => {
  test('reads all pages of all that the store keeps, the first time', async () => {
    const { run, asked, known, until } = stage([{ at: START - 179 * DAY, name: 'old' }, ...names(5)]);
    expect(await run()).toEqual({ read: 6, fresh: 6, refused: 0, parked: 0, until: START, behind: false });
    expect(asked[0]?.from).toBe(START - REACH + HOUR);
    expect(asked.at(-1)?.to).toBe(START);
    expect(known.size).toBe(6);
    expect(await until()).toBe(START);
  });
  test('begins an hour before the end of the last one, and takes again what it then finds', async () => {
    const { run, asked, clock, signed } = stage();
    await run();
    signed.push({ at: START - HOUR / 2, name: 'late' });
    asked.length = 0;
    clock.ms += HOUR;
    expect(await run()).toMatchObject({ read: 1, fresh: 1 });
    expect(asked).toEqual([{ from: START - HOUR, to: START + HOUR, token: undefined }]);
    clock.ms += HOUR / 4;
    expect(await run()).toMatchObject({ read: 0 });
  });
  test('reads on after weeks without one', async () => {
    const { run, clock, signed, known } = stage();
    await run();
    signed.push(...Array.from({ length: 90 }, (_, day) => ({ at: START + day * DAY, name: `day-${day}` })));
    clock.ms += 90 * DAY;
    expect(await run()).toMatchObject({ fresh: 90, behind: false });
    expect(known.size).toBe(90);
  });
  test('does nothing where the clock went back', async () => {
    const { run, clock, asked, until } = stage();
    await run();
    asked.length = 0;
    clock.ms -= 2 * HOUR;
    await run();
    expect(asked).toEqual([]);
    expect(await until()).toBe(START);
  });
});

describe('a run that is cut short', () => {
  const minutes = (count: number) => START + count * 60_000;
  test('is resumed at its page by the next', async () => {
    const { run, asked, taken, trouble, clock, until } = stage(names(7));
    trouble.take = () => {
      clock.ms += 60_000;
    };
    const first = await run(minutes(3));
    expect(first.behind).toBe(true);
    expect(first.read).toBe(4);
    const before = await until();
    expect(before, 'up to where all was read').toBeLessThan(START - HOUR);
    expect(await run()).toMatchObject({ behind: false });
    expect([...new Set(taken)]).toEqual(names(7).map(({ name }) => name));
    expect(taken.slice(0, 7), 'no page is read twice').toEqual(names(7).map(({ name }) => name));
    expect(asked.filter(({ token }) => token).length).toBeGreaterThanOrEqual(2);
    expect(await until()).toBeGreaterThan(START);
  });
  test('and whose token is no more known reads anew, in halves', async () => {
    const { run, asked, trouble, clock, known } = stage(names(9, START - 2 * DAY));
    trouble.take = () => {
      clock.ms += 60_000;
    };
    await run(minutes(3));
    const [token = ''] = asked.flatMap(({ token }) => token ?? []).slice(-1);
    trouble.expired = new Set(asked.map(({ from, to }) => `${from}-${to}/4`).concat(token));
    const span = asked.at(-1);
    asked.length = 0;
    expect(await run()).toMatchObject({ behind: false });
    expect(asked[0]?.token).toMatch(/\/4$/);
    expect(asked[1]).toEqual({ from: span?.from, to: expect.any(Number), token: undefined });
    expect((asked[1]?.to ?? 0) - (asked[1]?.from ?? 0)).toBeLessThanOrEqual(
      ((span?.to ?? 0) - (span?.from ?? 0)) / 2 + 1,
    );
    expect(known.size).toBe(9);
  });
  test('and finds the same page unreadable for ever reads all around it, and says so', async () => {
    const bad = START - HOUR;
    const { run, source, known, until } = stage([
      ...names(6, START - 3 * DAY),
      { at: bad, name: 'bad' },
      { at: bad, name: 'beside' },
      { at: bad, name: 'behind' },
    ]);
    const { page } = source;
    source.page = async (span, token) => {
      const found = await page(span, token);
      if (token !== undefined && span.from <= bad && bad <= span.to)
        throw new StoreError({ kind: 'bug' }, 'unreadable');
      return found;
    };
    await expect(run()).rejects.toThrow('unreadable');
    expect(known).toContain('n5');
    const reached = await until();
    expect(reached, 'nearly there').toBeGreaterThan(bad - 2 * 60_000);
    expect(reached).toBeLessThanOrEqual(bad);
    // The next one goes on from there, also from within the hour that it reads again, and ends as soon as it can be read.
    await expect(run()).rejects.toThrow('unreadable');
    source.page = page;
    expect(await run()).toMatchObject({ behind: false });
    expect(known).toContain('behind');
  });
  test('and was forgotten for longer than the store remembers begins anew', async () => {
    const { run, trouble, clock, asked, source, deps } = stage(names(5));
    trouble.take = () => {
      clock.ms += 60_000;
    };
    await run(minutes(3));
    expect((await readCheckpoint(deps, source)).open).toBeDefined();
    clock.ms += 200 * DAY;
    asked.length = 0;
    await run();
    expect(asked[0]).toMatchObject({ from: clock.ms - REACH + HOUR, token: undefined });
    expect(isLost(source, { until: START }, clock.ms)).toBe(true);
    expect(isLost(source, { until: clock.ms - DAY }, clock.ms)).toBe(false);
    expect(isLost(source, { until: 0 }, clock.ms), 'nothing was there to be lost').toBe(false);
  });
});

describe('the checkpoint', () => {
  test.each<StoreTrouble>([{ kind: 'later', afterMs: 60_000 }, { kind: 'denied' }, { kind: 'bug' }])(
    'stays where it is when the store says %j',
    async (said) => {
      const { run, trouble, until, signed, known } = stage();
      await run();
      signed.push(...names(3, START + 1));
      trouble.page = said;
      await expect(run()).rejects.toThrow(StoreError);
      expect(await until()).toBe(START);
      delete trouble.page;
      expect(known.size).toBe(0);
    },
  );
  test('stays before what could not be appended', async () => {
    const { run, trouble, until, clock, known, signed } = stage();
    await run();
    signed.push(...names(3, START + 1));
    clock.ms += HOUR;
    trouble.take = (name) => {
      if (name === 'n2') throw Object.assign(new Error('slow down'), { name: 'ThrottlingException' });
    };
    await expect(run()).rejects.toThrow('slow down');
    expect(await until()).toBe(START);
    delete trouble.take;
    expect(await run()).toMatchObject({ fresh: 1, behind: false });
    expect(known).toEqual(new Set(['n0', 'n1', 'n2']));
    expect(await until()).toBe(START + HOUR);
  });
  test('never goes back, whoever runs at once', async () => {
    const { run, deps, source, clock, until } = stage(names(6));
    await Promise.all([run(), run(), run()]);
    expect(await until()).toBe(START);
    const gate = Promise.withResolvers<void>();
    const page: Source['page'] = async (...asked) => {
      await gate.promise;
      return source.page(...asked);
    };
    const slow = reconcile({ ...deps, now: () => new Date(START + HOUR) }, { ...source, page }, FOR_EVER);
    clock.ms += 2 * HOUR;
    await run();
    gate.resolve();
    await slow;
    expect(await until()).toBe(START + 2 * HOUR);
  });
});

describe('what is refused', () => {
  test('is counted and logged by its rule, and stops nobody', async () => {
    const { run, signed, said, until } = stage();
    signed.push({ at: START - 2, name: 'forged' }, { at: START - 1, name: 'good' });
    expect(await run()).toMatchObject({ read: 2, fresh: 1, refused: 1 });
    expect(said('purchase refused')).toEqual([
      expect.objectContaining({ rule: 'signature', digest: expect.stringMatching(/^[0-9a-f]{64}$/) }),
    ]);
    expect(await until()).toBe(START);
  });
  test('by the database for good is parked, and stops nobody', async () => {
    const { run, trouble, signed, parked, until } = stage();
    signed.push(...names(2));
    trouble.take = (name) => {
      if (name === 'n0') throw Object.assign(new Error('too large'), { name: 'ValidationException' });
    };
    expect(await run()).toMatchObject({ read: 2, fresh: 1, parked: 1 });
    expect(parked).toEqual([expect.stringMatching(/^parked\/purchases\/reconcile\/[0-9a-f]{64}\.json$/)]);
    expect(await until()).toBe(START);
  });
});
