/** The App Store's word arrives: taken once, whatever is lost on the way; and nothing else is taken. */
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, test } from 'vitest';
import { makeDeps } from '../../core/deps.ts';
import { revocationKey } from '../../core/purchase-keys.ts';
import { issue, LEAF_MARK, type Link } from '../../local/providers/appstore-pki.ts';
import { changes, type Row, readAside, readTables } from '../api/tables.ts';
import { expectNoInternals, expectProblem, type Raw, wire } from '../api/wire.ts';
import { demo } from '../people.ts';
import { type Json, useWorld } from '../world.ts';
import { withFaults } from './faults.ts';
import { fresh, openShop, type Shop } from './shop.ts';

const world = useWorld();
const DAY = 24 * 3600_000;
let shop: Shop;
beforeAll(() => {
  shop = openShop(world(), { aurora: { appstore: { environments: ['Production'] } } });
});

const path = '/v1/appstore/notifications/demo';
const entriesOf = async (original: string): Promise<Row[]> =>
  (await readAside(world(), 'transactions')).filter(({ pk, sk }) => pk.endsWith(`-${original}`) && sk.startsWith('n#'));
const post = (body: string | Uint8Array, headers: Record<string, string> = {}, to = path): Promise<Raw> =>
  wire(world().http, 'POST', to, { headers: { 'content-type': 'application/json', ...headers }, body });

/** Does something; sees that the audit and every table of state stay as they were. */
const keepingNothing = async <T>(act: () => Promise<T>): Promise<T> => {
  await world().drain();
  const look = async () => ({ state: await readTables(world()), audit: await readAside(world(), 'transactions') });
  const before = await look();
  const result = await act();
  await world().drain();
  const after = await look();
  expect(changes(before.state, after.state)).toEqual([]);
  expect(after.audit).toEqual(before.audit);
  return result;
};

const expectRefused = (answer: Raw): void => {
  expectProblem(world(), answer, 401, 'untrusted');
  expect(answer.text, 'tells no rule').not.toMatch(/rule|chain|certificate|base64|environment|segments|duplicate/i);
};

describe('a notification', () => {
  test('is answered with nothing but 200, is in the audit as it came, and its person has what was bought', async () => {
    const ada = await world().person('w-ada');
    const phone = await ada.connect('phone');
    const { accountToken } = (await ada.call('GET', '/v1/purchases/account-token')).body;
    const bought = shop.transaction({ appAccountToken: accountToken });
    const signed = shop.notice('SUBSCRIBED', bought, { subtype: 'INITIAL_BUY', data: { status: 1 } });
    const answer = await shop.deliver(signed);
    expect([answer.status, answer.text]).toEqual([200, '']);
    const entries = await entriesOf(bought.originalTransactionId);
    expect(entries.map(({ n, raw, source, store }) => [n, raw, source, store])).toEqual([
      [1, signed, 'notification', 'appstore'],
    ]);
    const told = await phone.until(
      ({ type, events }) => type === 'events' && events.some((event: Json) => event.type === 'PurchaseChanged'),
    );
    expect(told.stream).toBe('person/w-ada');
    await world().drain();
    expect((await ada.call('GET', '/v1/entitlements')).body.entitlements).toMatchObject([
      { name: 'gold', active: true, source: { product: 'gold.monthly', environment: 'sandbox' } },
    ]);
  });
  test('that comes again is answered the same and kept once, however many come at once', async () => {
    const bought = shop.transaction();
    const signed = shop.notice('SUBSCRIBED', bought, { data: { status: 1 } });
    const answers = await Promise.all(Array.from({ length: 10 }, () => shop.deliver(signed)));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    expect((await shop.deliver(signed)).status).toBe(200);
    expect(await entriesOf(bought.originalTransactionId)).toHaveLength(1);
  });
  test('that is signed anew under its old UUID is kept once', async () => {
    const bought = shop.transaction();
    const outer = { notificationUUID: crypto.randomUUID(), data: { status: 1 } };
    for (const type of ['SUBSCRIBED', 'SUBSCRIBED'])
      expect((await shop.deliver(shop.notice(type, bought, outer))).status).toBe(200);
    expect(await entriesOf(bought.originalTransactionId)).toHaveLength(1);
  });
  test('of type TEST is kept among the notices of its month', async () => {
    const signed = shop.notice('TEST');
    expect((await shop.deliver(signed)).status).toBe(200);
    const kept = (await readAside(world(), 'transactions')).find(({ raw }) => raw === signed);
    expect(kept?.pk).toMatch(/^demo#appstore-sandbox-notices-\d{4}-\d\d$/);
  });
  test('of a type that nobody knows yet is kept, and what it says of the purchase holds', async () => {
    const bought = shop.transaction();
    const signed = shop.notice('SOMETHING_NEW', bought, { subtype: 'NEVER_SEEN', data: { status: 1 } });
    expect((await shop.deliver(signed)).status).toBe(200);
    await world().drain();
    const { events } = await readTables(world());
    const stream = events.filter(({ pk }) => pk === `demo#purchase#appstore-sandbox-${bought.originalTransactionId}`);
    expect(stream.map(({ events: [event] }) => event.type)).toEqual(['Assessed']);
  });
  test('comes with any content type, and with the body in base64 as API Gateway then has it', async () => {
    const bought = shop.transaction();
    const body = JSON.stringify({ signedPayload: shop.notice('SUBSCRIBED', bought, { data: { status: 1 } }) });
    expect((await post(body, { 'content-type': 'application/octet-stream' })).status).toBe(200);
    expect(await entriesOf(bought.originalTransactionId)).toHaveLength(1);
  });
  test('of two years ago that comes now is kept, and changes nothing that was signed since', async () => {
    const ada = await world().person('w-old');
    const { accountToken: appAccountToken } = (await ada.call('GET', '/v1/purchases/account-token')).body;
    const bought = shop.transaction({ appAccountToken });
    await shop.deliver(shop.notice('SUBSCRIBED', bought, { data: { status: 1 } }));
    const signedDate = Date.now() - 730 * DAY;
    const old = { ...bought, signedDate, purchaseDate: signedDate, expiresDate: signedDate + 30 * DAY };
    expect((await shop.deliver(shop.notice('EXPIRED', old, { data: { status: 1 } }))).status).toBe(200);
    await world().drain();
    expect(await entriesOf(bought.originalTransactionId)).toHaveLength(2);
    expect((await ada.call('GET', '/v1/entitlements')).body.entitlements).toMatchObject([{ active: true }]);
    const kept = await world().logged(({ msg, age }) => msg === 'notification kept' && age > 700 * 86_400);
    expect(kept.fresh).toBe(true);
  });
});

describe('when we fail ourselves', () => {
  const isAppend = (name: string): boolean => name === 'ExecuteTransactionCommand';
  const begin = () => {
    const bought = shop.transaction();
    return { bought, signed: shop.notice('SUBSCRIBED', bought, { data: { status: 1 } }) };
  };
  test.each<[string, Parameters<typeof withFaults>[0]]>([
    ['throttles everything', () => 'throttled'],
    ['never answers', () => 'lost before'],
    ['throttles what is written', (name: string) => (isAppend(name) ? 'throttled' : undefined)],
    ['loses every answer of what is written', (name: string) => (isAppend(name) ? 'lost before' : undefined)],
  ])('because the database %s, we say so with 5xx; sent again, it is kept once', async (_, decide) => {
    const { bought, signed } = begin();
    const failed = await withFaults(decide, () => shop.deliver(signed));
    expect(failed.status).toBeGreaterThanOrEqual(500);
    expectNoInternals(world(), failed.text);
    expect(await entriesOf(bought.originalTransactionId)).toEqual([]);
    for (let again = 0; again < 2; again++) expect((await shop.deliver(signed)).status).toBe(200);
    expect(await entriesOf(bought.originalTransactionId)).toHaveLength(1);
  });
  test('because the answer of the database was lost, it is kept once, and is answered all the same', async () => {
    const { bought, signed } = begin();
    let lost = 0;
    const decide = (name: string) => (isAppend(name) && lost++ === 0 ? 'lost after' : undefined);
    expect((await withFaults(decide, () => shop.deliver(signed))).status).toBe(200);
    expect(await entriesOf(bought.originalTransactionId)).toHaveLength(1);
  });
  test('after it was kept, sent again it is kept once', async () => {
    const { bought, signed } = begin();
    let appended = false;
    const decide = (name: string) => {
      if (appended) return 'lost before';
      appended = isAppend(name);
      return appended ? 'lost after' : undefined;
    };
    const failed = await withFaults(decide, () => shop.deliver(signed));
    expect(failed.status).toBeGreaterThanOrEqual(500);
    expect((await shop.deliver(signed)).status).toBe(200);
    expect(await entriesOf(bought.originalTransactionId)).toHaveLength(1);
  });
  test('to write down what was refused, it is refused all the same', async () => {
    const decide = (name: string) => (name === 'PutCommand' ? 'throttled' : undefined);
    expectRefused(await withFaults(decide, () => shop.deliver('a.b.c')));
  });
});

describe('what is not from the App Store, or not for this app', () => {
  const good = (): string => shop.notice('SUBSCRIBED', shop.transaction(), { data: { status: 1 } });
  test.each<[string, () => string]>([
    ['a word', () => 'signed'],
    ['three parts of nothing', () => 'a.b.c'],
    ['a space within', () => good().replace('.', '. ')],
    ['a space behind', () => `${good()} `],
    ['a line behind', () => `${good()}\n`],
    ['padding', () => `${good()}=`],
    ['padding of the header', () => good().replace('.', '==.')],
    ['a payload that was changed', () => good().replace(/\.(.)/, (_, first) => `.${first === 'e' ? 'f' : 'e'}`)],
    ['a signature that was changed', () => good().replace(/.{4}$/, 'AAAA')],
    ['a key that stands twice', () => shop.pki.sign('{"notificationType":"TEST","notificationType":"REFUND"}')],
    ['a prototype', () => shop.pki.sign('{"__proto__":{},"notificationType":"TEST"}')],
    ['nothing inside', () => shop.pki.sign({})],
    [
      'an inner payload that somebody else signed',
      () => {
        const [header, body] = good().split('.');
        return shop.pki.sign({
          ...JSON.parse(Buffer.from(body ?? '', 'base64url').toString()),
          data: {
            bundleId: 'example.chorus.demo',
            environment: 'Sandbox',
            signedTransactionInfo: `${header}.e30.AAAA`,
          },
        });
      },
    ],
    ['the future', () => shop.notice('TEST', undefined, { signedDate: Date.now() + DAY })],
    ['Xcode', () => shop.notice('TEST', undefined, { data: { environment: 'Xcode' } })],
    ['another app', () => shop.notice('TEST', undefined, { data: { bundleId: 'example.other' } })],
    ['another tenant', () => shop.notice('SUBSCRIBED', shop.transaction({}, 'aurora'), {}, 'aurora')],
  ])('%s is refused without a reason, counted, and only its digest is kept', async (_, make) => {
    const signed = make();
    expectRefused(await keepingNothing(() => shop.deliver(signed)));
    const digest = createHash('sha256').update(signed).digest('hex');
    const about = await world().logged((entry) => entry.msg === 'notification refused' && entry.digest === digest);
    expect(about).toMatchObject({ level: 'warn', tenant: 'demo', rule: expect.stringMatching(/^[a-z\d-]+$/) });
    const rows = (await readAside(world(), 'trail')).filter((row) => row.digest === digest);
    expect(rows).toMatchObject([{ digest, rule: about.rule, bytes: signed.length, at: expect.any(String) }]);
    const days = (rows[0]?.expires - Date.now() / 1000) / 86_400;
    expect(days).toBeGreaterThan(29);
    expect(days).toBeLessThan(31);
  });
  test('is counted by its rule as a metric', async () => {
    await shop.deliver('a.b');
    const measured = await world().logged(
      ({ NotificationsRefused, Rule }) => NotificationsRefused && Rule === 'segments',
    );
    expect(measured).toMatchObject({ Tenant: 'demo', NotificationsRefused: 1, _aws: expect.anything() });
  });
  test('the sandbox is refused by an app that is only in production', async () => {
    const make = (environment: string) => {
      const bought = shop.transaction({ productId: 'plus.monthly', environment }, 'aurora');
      return shop.notice('SUBSCRIBED', bought, { data: { status: 1 } }, 'aurora');
    };
    expectRefused(await keepingNothing(() => shop.deliver(make('Sandbox'), 'aurora')));
    expect((await shop.deliver(make('Production'), 'aurora')).status).toBe(200);
  });
  test('leaves at most 256 rows a day, whatever comes', async () => {
    await Promise.all(
      Array.from({ length: 40 }, async (_, i) => {
        for (let j = 0; j < 10; j++) expectRefused(await shop.deliver(`forged-${i}-${j}`));
      }),
    );
    const rows = (await readAside(world(), 'trail')).filter(({ pk }) => pk.startsWith('demo#quarantine#'));
    expect(rows.length).toBeGreaterThan(150);
    expect(rows.length).toBeLessThanOrEqual(256);
    expect(JSON.stringify(rows)).not.toContain('forged');
  });
});

describe('what is signed by a certificate', () => {
  const link = (more: object = {}): Link =>
    issue({ name: 'Local App Store', issuer: shop.pki.chain.intermediate, ca: false, marks: [LEAF_MARK], ...more });
  const by = (leaf: Link): string => {
    const { intermediate, root } = shop.pki.chain;
    const [, payload = ''] = shop.notice('TEST').split('.');
    return shop.pki.sign(Buffer.from(payload, 'base64url').toString(), { chain: [leaf, intermediate, root] });
  };
  test('that is good is taken', async () => expect((await shop.deliver(by(link()))).status).toBe(200));
  test('that ended since is refused', async () =>
    expectRefused(await shop.deliver(by(link({ until: new Date(Date.now() - 120_000) })))));
  test('that is known to be revoked is refused, also from devices', async () => {
    const leaf = link();
    const fingerprint = createHash('sha256').update(leaf.certificate).digest('hex');
    const Item = { ...revocationKey(demo, fingerprint), status: 'revoked', checked: Date.now() };
    await makeDeps({ read: 0, write: 0 }).ddb.put({ TableName: world().env.TRAIL_TABLE ?? '', Item });
    expectRefused(await shop.deliver(by(leaf)));
    const ada = await world().person('w-revoked');
    const { intermediate, root } = shop.pki.chain;
    const signedTransaction = shop.pki.sign(shop.transaction(), { chain: [leaf, intermediate, root] });
    expect((await ada.call('POST', '/v1/purchases', { signedTransaction })).status).toBe(422);
  });
});

describe('what the App Store signed for this app and we do not understand', () => {
  test.each([
    ['no transaction where there must be one', () => shop.notice('SUBSCRIBED', undefined)],
    ['a quantity of nothing', () => shop.notice('ONE_TIME_CHARGE', shop.transaction({ quantity: 0 }))],
    ['a name that is a number', () => shop.notice('TEST', undefined, { subtype: 5 })],
  ])('%s is not kept, and comes again: an alarm rings', async (_, make) => {
    const signed = make();
    const answer = await keepingNothing(() => shop.deliver(signed));
    expectProblem(world(), answer, 503, 'not-understood');
    expect(answer.headers['retry-after']).toBe('3600');
    const digest = createHash('sha256').update(signed).digest('hex');
    expect(
      await world().logged((entry) => entry.msg === 'notification not understood' && entry.digest === digest),
    ).toMatchObject({ level: 'error', tenant: 'demo' });
  });
  test('in a field that nobody reads is taken', async () => {
    const odd = shop.transaction({ offerIdentifier: 'x'.repeat(600) });
    expect((await shop.deliver(shop.notice('SUBSCRIBED', odd, { data: { status: 1 } }))).status).toBe(200);
  });
});

describe('a body', () => {
  const small = (): string => JSON.stringify({ signedPayload: shop.notice('TEST') });
  test.each<[string, () => [string | Uint8Array, Record<string, string>?], number, string, string?]>([
    ['of 10 MB', () => [JSON.stringify({ signedPayload: 'x'.repeat(10_000_000) })], 413, 'too-large', 'body'],
    ['of 257 KB', () => [JSON.stringify({ signedPayload: 'x'.repeat(257 * 1024) })], 413, 'too-large', 'body'],
    [
      'that is compressed',
      () => [gzipSync(small()), { 'content-encoding': 'gzip' }],
      415,
      'unsupported-media-type',
      'headers.content-encoding',
    ],
    [
      'that says it is compressed',
      () => [small(), { 'content-encoding': 'br' }],
      415,
      'unsupported-media-type',
      'headers.content-encoding',
    ],
    ['that is compressed and does not say so', () => [gzipSync(small())], 400, 'malformed-json', 'body'],
    ['of nothing', () => [''], 400, 'malformed-json', 'body'],
    ['of null', () => ['null'], 400, 'invalid', 'body'],
    ['of a list', () => ['[]'], 400, 'invalid', 'body'],
    ['that ends too early', () => [small().slice(0, -1)], 400, 'malformed-json', 'body'],
    ['with a key twice', () => [small().replace('{', '{"signedPayload":"a",')], 400, 'duplicate-key', 'body'],
    ['with a prototype', () => [small().replace('{', '{"__proto__":{},')], 400, 'invalid', 'body'],
    ['without a payload', () => ['{}'], 400, 'invalid', 'body.signedPayload'],
    ['with an empty payload', () => ['{"signedPayload":""}'], 400, 'invalid', 'body.signedPayload'],
    ['with a payload that is no text', () => ['{"signedPayload":{"a":1}}'], 400, 'invalid', 'body.signedPayload'],
    ['that is no UTF-8', () => [Buffer.from([0x7b, 0xff, 0x7d])], 400, 'malformed-json', 'body'],
  ])('%s is refused, and nothing is kept', async (_, make, status, code, field) => {
    const [body, headers] = make();
    expectProblem(world(), await keepingNothing(() => post(body, headers)), status, code, field);
  });
  test('that says more beside the payload is taken: Apple may add to it, and does not come again after a 400', async () => {
    expect((await post(small().replace('{', '{"more":1,'))).status).toBe(200);
  });
  test('that is almost too large is looked at', async () => {
    expectRefused(await post(JSON.stringify({ signedPayload: 'x'.repeat(255 * 1024) })));
  });
  test.each(['nobody', 'constructor', '__proto__', 'demo%23', '%00'])(
    'for the tenant %s finds nothing',
    async (tenant) => {
      const answer = await keepingNothing(() => post(small(), {}, `/v1/appstore/notifications/${tenant}`));
      expectProblem(world(), answer, 404, 'not-found');
    },
  );
  test('needs no token, and one is of no use', async () => {
    const { token } = await world().person('w-token');
    const answer = await post(JSON.stringify({ signedPayload: 'x.y.z' }), { authorization: `Bearer ${token}` });
    expectRefused(answer);
  });
});

test('before it is answered, it is looked for and appended, in three calls of the database', async () => {
  const calls: string[] = [];
  const signed = shop.notice('SUBSCRIBED', shop.transaction({ originalTransactionId: fresh() }), {
    data: { status: 1 },
  });
  await world().drain();
  const decide = (name: string, input: string) => {
    if (!input.includes('"PK"') && input.includes('ransactions')) calls.push(name);
    return undefined;
  };
  await withFaults(decide, () => shop.deliver(signed));
  expect(calls.slice(0, 3)).toEqual(['GetCommand', 'QueryCommand', 'ExecuteTransactionCommand']);
});
