/** Digests of the audit: their tree, their signatures, their chain; made by runs that may die at any call. */
import { createHash, generateKeyPairSync } from 'node:crypto';
import { CompactSign } from 'jose';
import { describe, expect, test } from 'vitest';
import type { Archive } from '../../core/bucket.ts';
import type { Entry } from '../../core/log.ts';
import { anchor } from '../../functions/purchases/anchor.ts';
import {
  DIGESTS,
  digestHash,
  digestKey,
  isSigned,
  keyName,
  LEAVES,
  LEAVES_LIMIT,
  leafKey,
  merkleRoot,
  readDigest,
  signDigest,
} from '../../functions/purchases/digests.ts';
import { readDigests } from '../../ops/audit-digests.ts';

const pair = () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { publicKey, pem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
};
const own = pair();
const keys = new Map([[await keyName(own.publicKey), own.publicKey]]);
const readKey = async () => own.pem;
const hash = (of: string): string => createHash('sha256').update(of).digest('hex');

const createStage = () => {
  const objects = new Map<string, string>();
  const clock = { ms: Date.parse('2026-11-23T22:10:00.000Z') };
  const log: Entry[] = [];
  /** Dies before (-n) or after (n) its nth call. */
  const death = { at: 0 };
  let calls = 0;
  const call = async <T>(work: () => T): Promise<T> => {
    calls++;
    if (death.at === -calls) throw new Error('died');
    const result = work();
    if (death.at === calls) throw new Error('died');
    return result;
  };
  const archive: Archive = {
    get: (key) => call(() => objects.get(key)),
    hide: (key) => call(() => void objects.delete(key)),
    add: (key, text) =>
      call(() => {
        if (objects.has(key)) return false;
        objects.set(key, text);
        return true;
      }),
    list: (prefix, { after = '', limit }) =>
      call(() => {
        const all = [...objects.keys()].filter((key) => key.startsWith(prefix) && key > after).sort();
        return { objects: all.slice(0, limit).map((key) => ({ key, modified: undefined })), more: all.length > limit };
      }),
  };
  const deps = { archive, now: () => new Date(clock.ms), log: (entry: Entry) => void log.push(entry) };
  const leave = (...names: string[]): void => {
    for (const name of names) objects.set(leafKey({ received: deps.now().toISOString(), hash: hash(name) }), '{}');
  };
  const under = (prefix: string): string[] => [...objects.keys()].filter((key) => key.startsWith(prefix)).sort();
  const digests = () => under(DIGESTS).map((key) => readDigest(objects.get(key) ?? ''));
  const run = async (at = 0): Promise<number | 'died'> => {
    calls = 0;
    death.at = at;
    try {
      return await anchor(deps, readKey);
    } catch (error) {
      if (error instanceof Error && error.message === 'died') return 'died';
      throw error;
    }
  };
  /** Every digest is well, and together they hold just these. */
  const expectAnchored = async (...names: string[]): Promise<void> => {
    death.at = 0;
    const { findings, hashes } = await readDigests(deps, keys);
    expect(findings).toEqual([]);
    expect([...hashes.keys()].sort()).toEqual(names.map(hash).sort());
    expect(under(LEAVES)).toEqual([]);
  };
  return { objects, clock, log, deps, leave, under, digests, run, expectAnchored, calls: () => calls };
};

describe('the tree', () => {
  /** Those of Certificate Transparency's own tests. */
  const leaves = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'];
  test.each([
    [0, 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
    [1, '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d'],
    [2, 'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125'],
    [3, 'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77'],
    [7, 'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c'],
    [8, '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328'],
  ])('of %d leaves has the root that RFC 9162 says', (n, root) => {
    expect(merkleRoot(leaves.slice(0, n))).toBe(root);
  });
});

describe('a signature', () => {
  const digest = {
    hour: '2026-11-23T22',
    part: 1,
    at: '2026-11-23T22:10:00.000Z',
    root: hash('r'),
    hashes: [hash('a')],
  };
  test('is known by its key, and by nothing else', async () => {
    const other = pair();
    const jws = await signDigest(digest, own.pem);
    const [head, body, signature] = jws.split('.');
    const none = Buffer.from('{"alg":"none"}').toString('base64url');
    const wrongType = await new CompactSign(Buffer.from(JSON.stringify(digest)))
      .setProtectedHeader({ alg: 'ES256', typ: 'JWT', kid: await keyName(own.publicKey) })
      .sign((await import('node:crypto')).createPrivateKey(own.pem));
    expect(await isSigned(jws, keys)).toBe(true);
    for (const forged of [
      await signDigest(digest, other.pem),
      `${none}.${body}.`,
      `${head}.${Buffer.from('{}').toString('base64url')}.${signature}`,
      wrongType,
      'x',
      '',
    ])
      expect([forged, await isSigned(forged, keys)]).toEqual([forged, false]);
    expect(readDigest(jws)).toEqual(digest);
  });
});

describe('a run', () => {
  test('makes one digest of what waits, behind the one before, and nothing of nothing', async () => {
    const { leave, run, digests, clock, objects, expectAnchored } = createStage();
    expect(await run()).toBe(0);
    leave('b', 'a');
    expect(await run()).toBe(1);
    expect(await run()).toBe(0);
    clock.ms += 3600_000;
    leave('c');
    expect(await run()).toBe(1);
    const [first, second] = digests();
    expect(first).toMatchObject({ hour: '2026-11-23T22', part: 1, hashes: [hash('a'), hash('b')].sort() });
    expect(first?.root).toBe(merkleRoot([hash('a'), hash('b')].sort()));
    expect(second).toMatchObject({ hour: '2026-11-23T23', part: 1, hashes: [hash('c')] });
    expect(second?.previous).toBe(digestHash(objects.get(digestKey({ hour: '2026-11-23T22', part: 1 })) ?? ''));
    await expectAnchored('a', 'b', 'c');
  });

  test('takes late leaves, and a second one within the hour, into the next digest', async () => {
    const { leave, run, clock, digests, expectAnchored } = createStage();
    clock.ms += 3600_000;
    leave('on time');
    await run();
    clock.ms -= 3600_000;
    leave('late');
    clock.ms += 3600_000;
    await run();
    expect(digests().map(({ hour, part }) => [hour, part])).toEqual([
      ['2026-11-23T23', 1],
      ['2026-11-23T23', 2],
    ]);
    await expectAnchored('on time', 'late');
  });

  test('goes on in order when the clock goes back', async () => {
    const { leave, run, clock, digests, expectAnchored } = createStage();
    leave('a');
    await run();
    clock.ms -= 2 * 3600_000;
    leave('b');
    await run();
    expect(digests().map(({ hour, part }) => [hour, part])).toEqual([
      ['2026-11-23T22', 1],
      ['2026-11-23T22', 2],
    ]);
    await expectAnchored('a', 'b');
  });

  test.each([400, 1200])('finds the newest digest after a silence of %d days', async (days) => {
    const { leave, run, clock, expectAnchored } = createStage();
    leave('a');
    await run();
    clock.ms += days * 24 * 3600_000;
    leave('b');
    await run();
    await expectAnchored('a', 'b');
  });

  test('divides a flood into digests of a bounded size', async () => {
    const { leave, run, digests, expectAnchored } = createStage();
    const names = Array.from({ length: 2 * LEAVES_LIMIT + 1 }, (_, i) => `flood ${i}`);
    leave(...names);
    expect(await run()).toBe(3);
    expect(digests().map(({ hashes }) => hashes.length)).toEqual([LEAVES_LIMIT, LEAVES_LIMIT, 1]);
    await expectAnchored(...names);
  });

  test('that dies before or after any of its calls is finished by the next', async () => {
    const whole = createStage();
    whole.leave('a', 'b', 'c');
    await whole.run();
    expect(whole.calls()).toBeGreaterThan(6);
    for (let n = 1; n <= whole.calls(); n++) {
      for (const at of [-n, n]) {
        const { leave, run, clock, digests, expectAnchored } = createStage();
        leave('z');
        await run();
        clock.ms += 3600_000;
        leave('a', 'b', 'c');
        await run(at);
        leave('d');
        await run();
        await run();
        await expectAnchored('a', 'b', 'c', 'd', 'z');
        expect(digests().flatMap(({ hashes }) => hashes)).toHaveLength(5);
      }
    }
  });

  test('at the same time as another makes one chain with it', async () => {
    const { leave, deps, run, log, expectAnchored } = createStage();
    leave('a', 'b');
    const made = await Promise.all([anchor(deps, readKey), anchor(deps, readKey)]);
    expect(made.sort()).toEqual([0, 1]);
    expect(log.filter(({ msg }) => msg === 'another anchors')).toHaveLength(1);
    await run();
    await expectAnchored('a', 'b');
  });

  test('says what was said before once more when its record comes again, which harms nobody', async () => {
    const { leave, run, clock, expectAnchored } = createStage();
    leave('a');
    await run();
    clock.ms += 3600_000;
    leave('b');
    await run();
    leave('a');
    await run();
    await expectAnchored('a', 'b');
  });

  test('does not hide what it could not sign', async () => {
    const { leave, deps, under } = createStage();
    leave('a');
    await expect(anchor(deps, async () => Promise.reject(new Error('no key')))).rejects.toThrow('no key');
    expect(under(LEAVES)).toHaveLength(1);
    expect(under(DIGESTS)).toEqual([]);
  });
});
