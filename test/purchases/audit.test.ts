/** The audit's append, where calls are lost, land late or meet: on tables in memory, so that a test can stand between calls. */
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { type Command, isThrottle, type Send } from '../../core/ddb.ts';
import { type Deps, makeDeps, ports } from '../../core/deps.ts';
import { chainKey, payloadKey } from '../../core/keys.ts';
import { append, type Entry, genesisOf, hashOf, RAW_BYTES, readChain } from '../../functions/purchases/audit.ts';
import { bindEnvironment, specs, transactions } from '../memory.ts';
import { at, aurora, demo } from '../people.ts';
import { createDynamo, type Dynamo } from '../sim/dynamo/dynamo.ts';
import { cancelledByConflict, throttled, timeout } from '../sim/errors.ts';

bindEnvironment();
let memory: Dynamo;
beforeEach(() => {
  memory = createDynamo(specs);
});

const toMemory: Send = async (command) => memory.send(command);
const using = (send: Send = toMemory): Deps =>
  makeDeps(
    { read: 0, write: 0 },
    { ...ports, send, sleep: async () => undefined, now: () => new Date(at), log: () => undefined },
  );
const isInsert = (command: Command): boolean => command.constructor.name === 'ExecuteTransactionCommand';
const chain = 'appstore-sandbox-2000000012';
const payload = (id: string) => ({ chain, id, source: 'notification', store: 'appstore', raw: `raw ${id}` });
const put = (id: string, deps = using()) => append(deps, demo, payload(id));

/** What must hold whatever happened. */
const expectSound = (entries: readonly Entry[]): void => {
  let prev = genesisOf(demo, chain);
  entries.forEach(({ hash, ...rest }, i) => {
    expect(rest).toMatchObject({ n: i + 1, prev });
    expect(hashOf(rest)).toBe(hash);
    prev = hash;
  });
  expect(new Set(entries.map(({ id }) => id)).size).toBe(entries.length);
  const known = memory.items(transactions.name).filter(({ sk }) => String(sk).startsWith('id#'));
  expect(known).toEqual(
    expect.arrayContaining(
      entries.map(({ id, n, hash }) => expect.objectContaining({ ...payloadKey(demo, chain, id), n, hash })),
    ),
  );
  expect(known).toHaveLength(entries.length);
  expect(memory.writes.every(({ before }) => before === undefined)).toBe(true);
};
const kept = async (): Promise<string[]> => {
  const entries = await readChain(using(), demo, chain);
  expectSound(entries);
  return entries.map(({ id }) => id);
};

describe('an append', () => {
  test('keeps a payload to the byte, behind the one before', async () => {
    const first = await put('a');
    const second = await put('b');
    expect([first, second]).toMatchObject([
      { n: 1, fresh: true },
      { n: 2, fresh: true },
    ]);
    expect(await readChain(using(), demo, chain)).toEqual([
      { ...payload('a'), n: 1, received: at, prev: genesisOf(demo, chain), hash: first.hash },
      { ...payload('b'), n: 2, received: at, prev: first.hash, hash: second.hash },
    ]);
    expect(await kept()).toEqual(['a', 'b']);
  });
  test('of what is there answers with where it stands, whatever came since', async () => {
    const first = await put('a');
    await put('b');
    expect(await put('a')).toEqual({ ...first, fresh: false });
    expect(await kept()).toEqual(['a', 'b']);
  });
  test('of one payload to two chains is two', async () => {
    await put('a');
    const other = await append(using(), demo, { ...payload('a'), chain: 'appstore-sandbox-3' });
    expect(other).toMatchObject({ n: 1, fresh: true });
  });
  test('hangs a chain on its own name, so that no chain passes for another’s or another tenant’s', async () => {
    const [ours, theirs] = [await put('a'), await append(using(), aurora, payload('a'))];
    expect(theirs.hash).not.toBe(ours.hash);
    expect(genesisOf(demo, chain)).not.toBe(genesisOf(demo, 'appstore-sandbox-3'));
  });
  test('of 200 KB is one item; of more it is a fault of the verifier', async () => {
    const large = { ...payload('a'), raw: 'x'.repeat(RAW_BYTES) };
    expect(await append(using(), demo, large)).toMatchObject({ n: 1 });
    await expect(append(using(), demo, { ...large, raw: `${large.raw}x`, id: 'b' })).rejects.toThrow('assertion');
    expect(await kept()).toEqual(['a']);
  });
});

/** The calls of one append, in order. */
const CALLS = ['GetCommand', 'QueryCommand', 'ExecuteTransactionCommand'];

describe('a call of an append', () => {
  test.each(CALLS.flatMap((name) => ['before', 'after'].map((when) => [name, when])))(
    '%s that is lost %s it is done leaves the payload there once',
    async (name, when) => {
      await put('a');
      let lost = false;
      const losing = using(async (command) => {
        if (lost || command.constructor.name !== name) return toMemory(command);
        lost = true;
        if (when === 'after') await toMemory(command);
        throw timeout();
      });
      expect(await put('b', losing)).toMatchObject({ n: 2, fresh: true });
      expect(lost).toBe(true);
      expect(await kept()).toEqual(['a', 'b']);
    },
  );

  test('after which the process dies leaves what the next delivery finds', async () => {
    const dying = using(async (command) => {
      const answer = await toMemory(command);
      if (isInsert(command)) return new Promise<never>(() => undefined);
      return answer;
    });
    void put('a', dying);
    await expect.poll(() => memory.writes.length).toBe(2);
    expect(await put('a')).toMatchObject({ n: 1, fresh: false });
  });

  test('that lands late, behind its own repetition, changes nothing', async () => {
    const late: Command[] = [];
    const slow = using(async (command) => {
      if (!isInsert(command) || late.length > 0) return toMemory(command);
      late.push(command);
      throw timeout();
    });
    await put('a', slow);
    await put('b');
    for (const command of late) await expect(toMemory(command)).rejects.toThrow('DuplicateItem');
    expect(await kept()).toEqual(['a', 'b']);
  });

  test('that lands late, before its own repetition, is taken for it', async () => {
    const slow = using(async (command) => {
      if (isInsert(command)) {
        await toMemory(command);
        throw timeout();
      }
      return toMemory(command);
    });
    expect(await put('a', slow)).toMatchObject({ n: 1, fresh: true });
    expect(await kept()).toEqual(['a']);
  });

  test.each([
    ['throttled', throttled],
    ['cancelled by a conflict', () => cancelledByConflict(2)],
    ['lost', timeout],
  ])('that is %s for ever ends in patience, and in nothing written', async (_how, error) => {
    const never = using(async (command) => {
      if (isInsert(command)) throw error();
      return toMemory(command);
    });
    const refused = await put('a', never).catch((thrown: unknown) => thrown);
    expect(isThrottle(refused)).toBe(true);
    expect(await kept()).toEqual([]);
  });

  test('that the database refuses for good ends at once', async () => {
    let calls = 0;
    const denied = using(async (command) => {
      if (!isInsert(command)) return toMemory(command);
      calls++;
      throw Object.assign(new Error('no'), { name: 'AccessDeniedException' });
    });
    await expect(put('a', denied)).rejects.toThrow('no');
    expect(calls).toBe(1);
  });
});

describe('an insertion', () => {
  const rows = ['a', 'b'].map((id) => ({ ...payloadKey(demo, chain, id), n: 1 }));
  const [one, other] = rows as [(typeof rows)[0], (typeof rows)[0]];
  const insert = (items: object[], deps = using()) => deps.ddb.insert(transactions.name, items as typeof rows);

  test('is of all or of none, and says which are there', async () => {
    expect(await insert([one])).toBeUndefined();
    expect(await insert([other, one])).toEqual([1]);
    expect(memory.items(transactions.name)).toEqual([one]);
  });
  test('that the database cancelled for another reason says of none that it is there', async () => {
    const busy = using(async () => {
      throw cancelledByConflict(2);
    });
    await expect(insert(rows, busy)).rejects.toThrow('injected');
  });
  test.each([`x'`, '', 'a b', '1'])('never has %j for a name in its statement', async (name) => {
    await expect(insert([{ ...one, [name]: 1 }])).rejects.toThrow('can not stand in a statement');
  });
});

describe('two writers', () => {
  /** Both have read before one writes. */
  const atOnce = async (...ids: string[]) => {
    let waiting = 0;
    const { promise: all, resolve: go } = Promise.withResolvers<void>();
    const together = using(async (command) => {
      if (!isInsert(command)) return toMemory(command);
      if (++waiting === ids.length) go();
      await all;
      return toMemory(command);
    });
    return Promise.all(ids.map((id) => put(id, together)));
  };

  test('who saw the same head can’t fork the chain: one of them comes after the other', async () => {
    await put('a');
    const done = await atOnce('b', 'c');
    expect(done.map(({ n }) => n).sort()).toEqual([2, 3]);
    expect((await kept()).sort()).toEqual(['a', 'b', 'c']);
  });
  test('of one payload leave it once, and one of them knows that it was first', async () => {
    const moments = [at, '2026-01-01T00:00:00.001Z'];
    const { promise: both, resolve: go } = Promise.withResolvers<void>();
    let waiting = 0;
    const writer = (moment: string): Deps => ({
      ...using(async (command) => {
        if (isInsert(command) && ++waiting === 2) go();
        if (isInsert(command)) await both;
        return toMemory(command);
      }),
      now: () => new Date(moment),
    });
    const done = await Promise.all(moments.map((moment) => put('a', writer(moment))));
    expect(done.map(({ n }) => n)).toEqual([1, 1]);
    expect(done.filter(({ fresh }) => fresh)).toHaveLength(1);
    expect(await kept()).toEqual(['a']);
  });
  test('by no other way than these insertions: an entry that stands is never written again', async () => {
    await put('a');
    const [entry] = await readChain(using(), demo, chain);
    const forged = { ...chainKey(demo, chain, 1), ...entry, raw: 'forged' };
    expect(await using().ddb.insert(transactions.name, [forged])).toEqual([0]);
    expect(await kept()).toEqual(['a']);
  });
});

test('whatever is lost, late, throttled or repeated, each payload is there once and the chain is sound', async () => {
  const fates = fc.array(fc.constantFrom('done', 'done', 'before', 'after', 'late', 'throttled', 'conflict'), {
    maxLength: 60,
  });
  const ids = fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { minLength: 1, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(ids, fates, fc.scheduler(), async (wanted, rest, scheduler) => {
      memory = createDynamo(specs);
      const late: Command[] = [];
      const fate = [...rest];
      const deps = using(async (command) => {
        await scheduler.schedule(Promise.resolve());
        const now = isInsert(command) ? fate.shift() : 'done';
        if (now === 'throttled') throw throttled();
        if (now === 'conflict') throw cancelledByConflict(2);
        if (now === 'late') late.push(command);
        if (now === 'before' || now === 'late') throw timeout();
        const [other] = late.splice(0, 1);
        if (other) await toMemory(other).catch(() => undefined);
        const answer = await toMemory(command);
        if (now === 'after') throw timeout();
        return answer;
      });
      const done = wanted.map((id) => put(id, deps));
      await scheduler.waitFor(Promise.all(done));
      for (const command of late) await toMemory(command).catch(() => undefined);
      expect((await kept()).sort()).toEqual([...new Set(wanted)].sort());
    }),
    { numRuns: 150 },
  );
});
