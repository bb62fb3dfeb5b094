/** The local App Store Server API: who may ask, what it answers, and the errors that Apple documents. */
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { SignJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import { type Json, request } from '../world.ts';
import { openStore } from './appstore-stage.ts';

const DAY = 24 * 3_600_000;
const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const now = (): number => Math.floor(Date.now() / 1000);

const stage = async () => {
  const local = await openStore();
  const { issuerId: iss, bundleId: bid, keyId } = local.config;
  const good = { iss, bid, aud: 'appstoreconnect-v1', iat: now() - 5, exp: now() + 600 };
  const tokenOf = (claims: Record<string, unknown> = {}, { kid = keyId, key = createPrivateKey(local.pem) } = {}) =>
    new SignJWT({ ...good, ...claims }).setProtectedHeader({ alg: 'ES256', kid, typ: 'JWT' }).sign(key);
  const call = async (method: string, path: string, body?: Json, token?: string) =>
    local.ask(method, path, { token: token ?? (await tokenOf()), ...(body === undefined ? {} : { body }) });
  return { ...local, good, tokenOf, call };
};
const codeOf = ({ status, body }: { status: number; body: Json }) => [status, body.errorCode];

describe('a token', () => {
  test('of the app’s own key is taken', async () => {
    const { call } = await stage();
    expect((await call('POST', '/inApps/v1/notifications/test')).status).toBe(200);
  });
  test.each<[string, Record<string, unknown>, { kid?: string; key?: typeof other }?]>([
    ['of another key', {}, { key: other }],
    ['with another key’s id', {}, { kid: 'AUROIAP001' }],
    ['of another issuer', { iss: '69a6de7f-0000-47e3-e053-5b8c7c11a4d1' }],
    ['of another app', { bid: 'example.chorus.aurora' }],
    ['for another audience', { aud: 'appstoreconnect' }],
    ['that has ended', { iat: now() - 700, exp: now() - 1 }],
    ['of the future', { iat: now() + 30 }],
    ['for longer than an hour', { exp: now() + 3600 }],
    ['without an end', { exp: undefined }],
    ['without an app', { bid: undefined }],
  ])('%s is answered 401, with no reason', async (_, claims, by) => {
    const { call, tokenOf } = await stage();
    const answer = await call('POST', '/inApps/v1/notifications/test', undefined, await tokenOf(claims, by));
    expect(answer.status).toBe(401);
    expect(answer.body).toMatch(/^Unauthenticated/);
  });
  test('is needed', async () => {
    const { ask } = await stage();
    expect((await ask('POST', '/inApps/v1/notifications/test')).status).toBe(401);
  });
});

describe('what is asked wrongly', () => {
  const history = '/inApps/v1/notifications/history';
  test.each<[string, string, Json, [number, number]]>([
    ['GET', '/inApps/v1/subscriptions/abc', undefined, [400, 4000006]],
    ['GET', '/inApps/v1/subscriptions/99', undefined, [404, 4040010]],
    ['GET', '/inApps/v2/history/99', undefined, [404, 4040010]],
    ['GET', '/inApps/v2/history/2000000000001?revision=x', undefined, [400, 4000005]],
    ['GET', '/inApps/v2/history/2000000000001?sort=UP', undefined, [400, 4000021]],
    ['GET', '/inApps/v1/transactions/99', undefined, [404, 4040010]],
    ['POST', history, {}, [400, 4000015]],
    ['POST', history, { startDate: Date.now() - DAY }, [400, 4000016]],
    ['POST', history, { startDate: Date.now() - 181 * DAY, endDate: Date.now() }, [400, 4000012]],
    ['POST', history, { startDate: Date.now(), endDate: Date.now() - DAY }, [400, 4000013]],
    ['POST', history, { startDate: 'yesterday' }, [400, 4000000]],
    [
      'POST',
      history,
      { startDate: Date.now() - DAY, endDate: Date.now(), notificationType: 'TEST', transactionId: '1' },
      [400, 4000019],
    ],
    ['POST', `${history}?paginationToken=x`, { startDate: Date.now() - DAY, endDate: Date.now() }, [400, 4000014]],
    ['GET', '/inApps/v1/notifications/test/x', undefined, [400, 4000020]],
    ['GET', '/inApps/v1/notifications/test/x_1', undefined, [404, 4040008]],
  ])('%s %s %j is refused as %j', async (method, path, body, code) => {
    const { act, call } = await stage();
    act('buy', { product: 'gold.monthly' });
    expect(codeOf(await call(method, path, body))).toEqual(code);
  });
  const consumption = { customerConsented: true, deliveryStatus: 'DELIVERED', sampleContentProvided: true };
  test.each<[Json, number]>([
    [{ ...consumption, customerConsented: false }, 4000035],
    [{ ...consumption, deliveryStatus: 0 }, 4000036],
    [{ ...consumption, sampleContentProvided: undefined }, 4000041],
    [{ ...consumption, refundPreference: 3 }, 4000000],
    [{ ...consumption, refundPreference: 'GRANT_PRORATED' }, 4000000],
    [{ ...consumption, deliveryStatus: 'UNDELIVERED_OTHER', consumptionPercentage: 5 }, 4000000],
    [undefined, 4000000],
  ])('consumption %j is refused as %i', async (body, code) => {
    const { act, call, store } = await stage();
    act('buy', { product: 'coins.100' });
    const answer = await call('PUT', '/inApps/v2/transactions/consumption/2000000000001', body);
    expect(codeOf(answer)).toEqual([400, code]);
    expect(store.told).toEqual([]);
  });
  test('a percentage of a subscription is refused', async () => {
    const { act, call } = await stage();
    act('buy', { product: 'gold.monthly' });
    const body = { ...consumption, consumptionPercentage: 50_000 };
    expect((await call('PUT', '/inApps/v2/transactions/consumption/2000000000001', body)).status).toBe(400);
  });
  test('another path is nowhere', async () => {
    const { call } = await stage();
    expect((await call('GET', '/inApps/v1/lookup/1')).status).toBe(404);
  });
});

describe('the notification history', () => {
  const all = { from: Date.now() - DAY, to: Date.now() + DAY };
  test('comes in pages of twenty, each once', async () => {
    const { act, api } = await stage();
    for (let i = 0; i < 45; i++) act('test');
    const client = await api();
    const pages: string[][] = [];
    let token: string | undefined;
    do {
      const page = await client.notifications(all, token);
      pages.push(page.signed);
      token = page.next;
    } while (token);
    expect(pages.map(({ length }) => length)).toEqual([20, 20, 5]);
    expect(new Set(pages.flat()).size).toBe(45);
  });
  test('does not take a token with another span', async () => {
    const { act, api } = await stage();
    for (let i = 0; i < 21; i++) act('test');
    const client = await api();
    const { next } = await client.notifications(all);
    await expect(client.notifications({ ...all, from: all.from + 1 }, next)).rejects.toMatchObject({ code: 4000017 });
  });
  test('of failures forgets what was delivered in the end', async () => {
    const { act, call, came, store } = await openFailing();
    act('test');
    act('test', { environment: 'sandbox' });
    await came(3);
    await expect.poll(() => store.idle()).toBe(true);
    const span = { startDate: Date.now() - DAY, endDate: Date.now() + DAY };
    const answer = await call(store.production, span);
    expect(answer.notificationHistory).toHaveLength(1);
    expect(answer.notificationHistory[0].sendAttempts.at(-1).sendAttemptResult).toBe('SUCCESS');
    expect((await call(store.production, { ...span, onlyFailures: true })).notificationHistory).toEqual([]);
    expect((await call(store.sandbox, { ...span, onlyFailures: true })).notificationHistory).toHaveLength(1);
  });
  const openFailing = async () => {
    const local = await openStore({ said: [500, 500, 200], hourMs: 50 });
    const { issuerId: iss, bundleId: bid, keyId: kid } = local.config;
    const token = await new SignJWT({ iss, bid, aud: 'appstoreconnect-v1', iat: now() - 5, exp: now() + 600 })
      .setProtectedHeader({ alg: 'ES256', kid })
      .sign(createPrivateKey(local.pem));
    const call = async (origin: string, body: Json): Promise<Json> =>
      (await request(origin, 'POST', '/inApps/v1/notifications/history', { token, body })).body;
    return { ...local, call };
  };
});

describe('a customer', () => {
  test('has statuses of all subscriptions and a history of all transactions, by any of them', async () => {
    const { act, api } = await stage();
    act('buy', { product: 'silver.monthly' });
    act('upgrade', { product: 'gold.yearly' });
    act('buy', { product: 'coins.100' });
    act('buy', { product: 'theme.dark', customer: 'ben' });
    const client = await api();
    for (const id of ['2000000000001', '2000000000002', '2000000000003']) {
      expect(await client.statuses(id)).toMatchObject([{ originalTransactionId: '2000000000001', status: 1 }]);
      expect((await client.history(id)).signed).toHaveLength(3);
    }
    expect(await client.statuses('2000000000004')).toEqual([]);
  });
  test('is another one in the sandbox', async () => {
    const { act, api } = await stage();
    act('buy', { product: 'gold.monthly' });
    await expect((await api('Sandbox')).statuses('2000000000001')).rejects.toMatchObject({
      trouble: { kind: 'notFound' },
    });
  });
});

describe('a fault', () => {
  test.each([
    ['429', { kind: 'later', afterMs: expect.any(Number) }],
    ['500', { kind: 'later' }],
    ['404', { kind: 'later' }],
    ['html', { kind: 'later' }],
    ['half', { kind: 'later' }],
  ])('%s is met once, and our client knows it as %j', async (fault, trouble) => {
    const { act, api, store } = await stage();
    act('buy', { product: 'gold.monthly' });
    store.faults.add({ of: 'api', fault, times: 1, ms: 1500 });
    const client = await api();
    await expect(client.statuses('2000000000001')).rejects.toMatchObject({ trouble });
    expect(await client.statuses('2000000000001')).toHaveLength(1);
  });
  test('a 429 says when it ends, in Unix milliseconds', async () => {
    const { call, store } = await stage();
    store.faults.add({ of: 'api', fault: '429', times: 1, ms: 60_000 });
    const { headers } = await call('POST', '/inApps/v1/notifications/test');
    expect(Number(headers.get('retry-after')) - Date.now()).toBeGreaterThan(50_000);
    expect(Number(headers.get('retry-after')) - Date.now()).toBeLessThanOrEqual(60_000);
  });
  test('one 401 is not even noticed', async () => {
    const { api, store } = await stage();
    store.faults.add({ of: 'api', fault: '401', times: 1, ms: 0 });
    expect(await (await api()).requestTest()).toMatch(/_\d+$/);
  });
});
