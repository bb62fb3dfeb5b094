/** The audit on the whole system: what is appended is anchored, what is tampered with is told at once and found for ever. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { DeleteCommand, DynamoDBDocumentClient, PutCommand } from '@aws-sdk/lib-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Deps, makeDeps, ports } from '../../core/deps.ts';
import { chainKey, payloadKey } from '../../core/keys.ts';
import { append, type Entry, genesisOf, hashOf, readChain } from '../../functions/purchases/audit.ts';
import { leafKey, readDigest } from '../../functions/purchases/digests.ts';
import { createPki } from '../../local/providers/appstore-pki.ts';
import { functionArn } from '../../local/template/interpret.ts';
import { type Proof, verifyAudit } from '../../ops/audit.ts';
import { readKeys } from '../../ops/audit-digests.ts';
import { walkOf } from '../ops/damage.ts';
import { ops, opsJson } from '../ops/ops.ts';
import { aurora, demo } from '../people.ts';
import { useWorld } from '../world.ts';

const world = useWorld();
const chain = 'appstore-sandbox-2000000012';
const two = 'appstore-production-7';
const table = (): string => world().env.TRANSACTIONS_TABLE ?? '';
const payload = (id: string, of = chain) => ({
  chain: of,
  id,
  source: 'notification',
  store: 'other',
  raw: `raw ${id}`,
});
const deps = (more: Partial<Deps> = {}): Deps => ({
  ...makeDeps({ read: 0, write: 0 }, { ...ports, log: () => undefined }),
  ...more,
});
const invoke = async (name: string): Promise<void> => {
  const Payload = Buffer.from(JSON.stringify({ time: new Date().toISOString() }));
  const { FunctionError, Payload: said } = await new LambdaClient({}).send(
    new InvokeCommand({ FunctionName: functionArn(name), Payload }),
  );
  expect([FunctionError, said?.transformToString()]).toEqual([undefined, 'null']);
};
const anchored = async (): Promise<void> => {
  await world().drain();
  await invoke('PurchasesAnchorSchedule');
};
const digests = async (): Promise<string[]> =>
  (await ports.archive.list('digests/', { limit: 100 })).objects.map(({ key }) => key);
/** Three hours from now, by when everything must be anchored. */
const verified = async (only?: string): Promise<Proof> => {
  const walk = walkOf(world(), { hurry: true });
  const later = { ...walk, deps: { ...walk.deps, now: () => new Date(Date.now() + 3 * 3600_000) } };
  return (await verifyAudit(later, { keys: await readKeys(undefined), ...(only ? { only } : {}) })).proof;
};

beforeAll(async () => {
  await append(deps(), demo, payload('first'));
  await anchored();
  for (const id of ['second', 'third']) await append(deps(), demo, payload(id));
  await append(deps(), aurora, payload('first'));
  await append(deps(), demo, payload('other', two));
  await anchored();
});

describe('the audit', () => {
  test('of twenty writers at once to one chain on the engine is dense, each once', async () => {
    const ids = Array.from({ length: 20 }, (_, i) => `many-${i % 10}`);
    const many = 'appstore-sandbox-20';
    const done = await Promise.all(ids.map((id) => append(deps(), demo, payload(id, many))));
    // Two who say the same in the same millisecond can not be told apart.
    expect(new Set(done.flatMap(({ fresh, n }) => (fresh ? [n] : []))).size).toBe(10);
    const entries = await readChain(deps(), demo, many);
    expect(entries.map(({ n }) => n)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    await anchored();
  });

  test('of a large payload comes over the engine’s pages in order', async () => {
    const raw = 'x'.repeat(200 * 1024);
    const large = 'appstore-sandbox-21';
    for (let i = 0; i < 7; i++) await append(deps(), demo, { ...payload(`large-${i}`, large), raw });
    expect((await readChain(deps(), demo, large)).map(({ n }) => n)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    await anchored();
  });

  test('is anchored in digests, each behind the one before, and none when nothing is new', async () => {
    const keys = await digests();
    const [first, second] = await Promise.all(
      keys.map(async (key) => readDigest((await ports.archive.get(key)) ?? '')),
    );
    const [entry, ...more] = await readChain(deps(), demo, chain);
    expect(first?.hashes).toEqual([entry?.hash]);
    expect(second?.hashes).toEqual(expect.arrayContaining(more.map(({ hash }) => hash)));
    expect(first?.previous).toBeUndefined();
    expect(second?.previous).toMatch(/^[0-9a-f]{64}$/);
    await anchored();
    expect(await digests()).toEqual(keys);
    expect((await ports.archive.list('leaves/', { limit: 100 })).objects).toEqual([]);
  });

  test('is proved by a command, which prints its head', async () => {
    const { status, out, err } = await ops(world(), 'audit', 'verify');
    expect([status, err]).toEqual([0, '']);
    expect(out).toMatch(/^\d+ entries in \d+ chains, \d+ digests; head [0-9a-f]{64}\nNothing is wrong\.\n$/);
    const { json } = await opsJson(world(), 'audit', 'verify');
    expect(json).toMatchObject({ findings: [], head: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(await verified()).toEqual({ ...json, findings: [] });
  });

  test('of one chain is proved alone', async () => {
    const { status, json } = await opsJson(world(), 'audit', 'verify', '--chain', `demo/${chain}`);
    const newest = (await readChain(deps(), demo, chain)).at(-1);
    expect([status, json]).toMatchObject([0, { chains: 1, entries: 3, head: newest?.hash }]);
  });

  test.each([
    [['audit'], /^audit has verify and leave, and nothing else\n$/],
    [['audit', 'mend'], /^audit has verify/],
    [['audit', 'verify', '--chain', 'demo'], /^--chain is <tenant>\/<chain>/],
    [['audit', 'verify', '--chain', '/x'], /^--chain is <tenant>\/<chain>/],
    [['audit', 'leave', '--chain', 'demo/x'], /^--chain is for audit verify/],
  ])('does not understand %j', async (argv, sentence) => {
    const { status, err } = await ops(world(), ...argv);
    expect([status, err]).toEqual([2, expect.stringMatching(sentence)]);
  });
  test('is not proved by keys that cannot be read', async () => {
    const { status, err } = await ops(world(), 'audit', 'verify', '--key', '/nowhere');
    expect([status, err]).toEqual([1, expect.stringMatching(/^\/nowhere can not be read .*say --key <file>/)]);
  });
});

test('a batch that the watcher gave up on is given to it again, and leaves its leaf', async () => {
  const again = 'appstore-sandbox-23';
  await append(deps(), demo, payload('again', again));
  await world().drain();
  const [entry] = await readChain(deps(), demo, again);
  if (!entry) throw new Error('nothing was appended');
  const leaf = leafKey(entry);
  await ports.archive.hide(leaf);
  const Keys = marshall(chainKey(demo, again, 1));
  const NewImage = { ...Keys, ...marshall(entry) };
  const Records = [{ eventName: 'INSERT', dynamodb: { SequenceNumber: '1', Keys, NewImage } }];
  const requestContext = { functionArn: functionArn('PurchasesWatchStream') };
  await ports.bucket.put('aws/lambda/test/watch.json', JSON.stringify({ requestContext, payload: { Records } }));
  await invoke('RedriveSchedule');
  expect((await ports.archive.list(leaf, { limit: 1 })).objects).toHaveLength(1);
  await anchored();
});

test('an entry that nobody could read is parked, and taken out when it can be read', async () => {
  const poison = 'appstore-sandbox-24';
  const said = {
    ...payload('poison', poison),
    n: 1,
    received: new Date().toISOString(),
    prev: genesisOf(demo, poison),
  };
  const entry: Entry = { ...said, hash: hashOf(said) };
  const client = DynamoDBDocumentClient.from(new DynamoDBClient({}));
  const put = (Item: object) => client.send(new PutCommand({ TableName: table(), Item: { ...Item } }));
  await put({ ...payloadKey(demo, poison, entry.id), n: 1, hash: entry.hash });
  await put({ ...chainKey(demo, poison, 1), ...entry, source: '' });
  await world().logged(({ msg, from }) => msg === 'parked' && from === 'purchases/watch');
  await put({ ...chainKey(demo, poison, 1), ...entry });
  await world().drain();
  const { status, json } = await opsJson(world(), 'parked', 'retry', '--all');
  expect([status, json.retried.length]).toEqual([0, 2]);
  expect((await ports.archive.list(leafKey(entry), { limit: 1 })).objects).toHaveLength(1);
  await anchored();
});

test('an entry whose stream was silent is found, and left for the next digest', async () => {
  const silent = 'appstore-sandbox-22';
  const early = deps({ now: () => new Date(Date.now() - 5 * 3600_000) });
  await append(early, demo, payload('silent', silent));
  await world().drain();
  for (const { key } of (await ports.archive.list('leaves/', { limit: 10 })).objects) await ports.archive.hide(key);
  const { findings } = await verified(chainKey(demo, silent, 1).pk);
  expect(findings).toMatchObject([{ kind: 'not anchored', about: `demo/${silent}` }]);
  const { status, out } = await ops(world(), 'audit', 'leave');
  expect([status, out]).toEqual([0, expect.stringContaining('1 leaves wait for the next digest')]);
  await anchored();
  expect((await verified()).findings).toEqual([]);
});

describe('tampering', () => {
  const client = () => DynamoDBDocumentClient.from(new DynamoDBClient({}));
  const undo: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const back of undo.splice(0).reverse()) await back();
    await world().drain();
    expect((await verified()).findings).toEqual([]);
  });

  type Key = { pk: string; sk: string };
  type Row = Key & Record<string, unknown>;
  const put = (Item: Row) => client().send(new PutCommand({ TableName: table(), Item }));
  const remove = ({ pk, sk }: Key) => client().send(new DeleteCommand({ TableName: table(), Key: { pk, sk } }));
  const change = async (rows: Row[], changed: (Row | undefined)[]): Promise<void> => {
    for (const [i, row] of rows.entries()) {
      const next = changed[i];
      undo.push(() => put(row));
      await (next ? put(next) : remove(row));
    }
  };
  const rowOf = (entry: Entry): Row => ({ ...chainKey(demo, chain, entry.n), ...entry });
  const knownOf = ({ id, n, hash }: Entry): Row => ({ ...payloadKey(demo, chain, id), n, hash });
  const entries = async (): Promise<[Entry, Entry, Entry]> => {
    const [a, b, c] = await readChain(deps(), demo, chain);
    if (!a || !b || !c) throw new Error('the chain is gone');
    return [a, b, c];
  };
  const kinds = async (only?: string): Promise<string[]> => {
    const { findings } = await verified(only);
    return [...new Set(findings.map(({ kind }) => kind))].sort();
  };
  const told = (key: Key, how: string) =>
    world().logged((line) => line.msg === 'audit tampered' && line.key === `${key.pk}|${key.sk}` && line.how === how);

  test('with what was received is told at once, and found', async () => {
    const [, second] = await entries();
    await change([rowOf(second)], [{ ...rowOf(second), raw: 'forged' }]);
    await told(rowOf(second), 'changed');
    expect(await kinds()).toEqual(['entry']);
    expect(await kinds(chainKey(demo, chain, 1).pk)).toEqual(['entry']);
    const { status, out } = await ops(world(), 'audit', 'verify', '--chain', `demo/${chain}`);
    expect([status, out]).toEqual([1, expect.stringContaining('n#12: is not what was hashed')]);
  });

  test('with a whole rest of a chain, all hashes made anew, is found by the digests', async () => {
    const [first, second, third] = await entries();
    const { hash: _second, ...forged } = { ...second, raw: 'forged', prev: first.hash };
    const two: Entry = { ...forged, hash: hashOf(forged) };
    const { hash: _third, ...after } = { ...third, prev: two.hash };
    const three: Entry = { ...after, hash: hashOf(after) };
    const all = [second, third].flatMap((entry) => [rowOf(entry), knownOf(entry)]);
    await change(
      all,
      [two, three].flatMap((entry) => [rowOf(entry), knownOf(entry)]),
    );
    expect(await kinds()).toEqual(['entry missing', 'not anchored']);
    const { status, json } = await opsJson(world(), 'audit', 'leave');
    expect([status, json.done]).toEqual([1, false]);
    await told(rowOf(third), 'changed');
  });

  test('by removing the newest is told at once, and found by the digests', async () => {
    const [, , third] = await entries();
    await change([rowOf(third), knownOf(third)], [undefined, undefined]);
    await told(rowOf(third), 'removed');
    expect(await kinds()).toEqual(['entry missing']);
  });

  test('by removing one in the middle, or only its payload’s row, is found', async () => {
    const [, second] = await entries();
    await change([knownOf(second)], [undefined]);
    expect(await kinds()).toEqual(['entry']);
    await change([rowOf(second)], [undefined]);
    expect(await kinds()).toEqual(['entry', 'entry missing', 'gap']);
  });

  test('with a field that no entry has, or with a row that is none, is found', async () => {
    const [, second] = await entries();
    await change([rowOf(second)], [{ ...rowOf(second), note: 'x' }]);
    expect(await kinds()).toContain('undecodable');
  });

  test('by moving an entry, or by a row of a payload that has none, is found', async () => {
    const [, , third] = await entries();
    const moved = { ...rowOf(third), sk: chainKey(demo, chain, 4).sk };
    await change([rowOf(third)], [undefined]);
    await put(moved);
    expect((await verified()).findings.map(({ detail }) => detail)).toEqual([`n#14: says that it is ${chain} 3`]);
    await remove(moved);
    await put(rowOf(third));
    const ghost = { ...knownOf(third), sk: 'id#ghost' };
    undo.push(() => remove(ghost));
    await put(ghost);
    expect((await verified()).findings.map(({ detail }) => detail)).toEqual([
      'id#ghost: there is no entry of this payload',
    ]);
  });

  test('by passing a chain off as another tenant’s is found', async () => {
    const pk = chainKey(demo, 'appstore-sandbox-99', 1).pk;
    const [first] = await entries();
    const rows = [rowOf(first), knownOf(first)].map((row) => ({ ...row, pk }));
    for (const row of rows) {
      await put(row);
      undo.push(() => remove(row));
    }
    expect(await kinds()).toEqual(['entry']);
  });

  test('by inserting what was not hashed is told at once', async () => {
    const forged = { ...payload('forged', 'appstore-sandbox-98'), n: 1, received: new Date().toISOString() };
    const row = {
      ...{ ...chainKey(demo, forged.chain, 1), ...forged },
      ...{ prev: genesisOf(demo, forged.chain), hash: '0'.repeat(64) },
    };
    await put(row);
    undo.push(() => remove(row));
    await told(row, 'inserted with another hash');
    expect(await kinds()).toContain('entry');
  });

  test('with digests is found: another’s signature, another’s words, one that is gone', async () => {
    const [first, second] = await digests();
    if (!first || !second) throw new Error('there are no two digests');
    const [one, other] = [(await ports.archive.get(first)) ?? '', (await ports.archive.get(second)) ?? ''];
    // fauxqs locks nothing, and lets the Parked bucket's own port write anywhere.
    const { S3Client, PutObjectCommand, DeleteObjectCommand } = await import('@aws-sdk/client-s3');
    const s3 = new S3Client({ forcePathStyle: true });
    const Bucket = world().env.AUDIT_BUCKET ?? '';
    const write = (Key: string, Body: string) => s3.send(new PutObjectCommand({ Bucket, Key, Body }));
    undo.push(() => write(first, one));
    const [head, body, signature] = one.split('.');
    const { part: _part, ...said } = readDigest(one);
    const forged = Buffer.from(JSON.stringify({ ...said, part: 1, hashes: readDigest(other).hashes })).toString(
      'base64url',
    );
    await write(first, `${head}.${forged}.${signature}`);
    const wrong = (await verified()).findings.filter(({ kind }) => kind === 'digest').map(({ detail }) => detail);
    expect(wrong).toEqual([
      'is signed by none of the keys',
      'has another root than its hashes',
      'does not hold the hash of the one before',
    ]);
    await write(first, `${head}.${body}`);
    expect(await kinds()).toEqual(['digest']);
    await s3.send(new DeleteObjectCommand({ Bucket, Key: first }));
    expect(await kinds()).toEqual(['digest', 'not anchored']);
  });
});

test('what was appended and no store signed is found, though its chain is whole', async () => {
  const forged = 'appstore-production-99';
  const raw = createPki().sign({ transactionId: '99', environment: 'Production', bundleId: 'nobody' });
  await append(deps(), demo, { ...payload('forged', forged), store: 'appstore', source: 'transaction', raw });
  await anchored();
  const { findings } = await verified(chainKey(demo, forged, 1).pk);
  expect(findings).toMatchObject([{ kind: 'entry', tenant: 'demo', detail: '1: no store signed it' }]);
});
