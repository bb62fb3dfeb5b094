/** What the App Store Server API is asked, and what is made of its answers, by a server that says what the test wants. */
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AppStoreServerAPI } from 'app-store-server-api';
import { decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type ConsumptionBody, createAppStoreApi } from '../../functions/purchases/appstore-api.ts';
import type { AppStore } from '../../functions/purchases/appstore-token.ts';
import { StoreError } from '../../functions/purchases/store-error.ts';

const START = Date.parse('2026-01-01T00:00:00.000Z');
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

type Asked = { method: string; url: string; headers: IncomingMessage['headers']; body: unknown };
type Say = (response: ServerResponse, asked: Asked) => void;

const json =
  (status: number, body: unknown, headers: Record<string, string> = {}): Say =>
  (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(body));
  };
const text =
  (status: number, body: string): Say =>
  (response) => {
    response.writeHead(status, { 'content-type': 'text/html' });
    response.end(body);
  };
const apple = (status: number, errorCode: number, headers?: Record<string, string>): Say =>
  json(status, { errorCode, errorMessage: 'as documented' }, headers);

let apps = 0;

/** An app of its own for each test, since tokens are kept by app. */
const stage = async (answers: Say[], { environment = 'Sandbox', deadlineMs = 5000, key = pem }: Options = {}) => {
  const asked: Asked[] = [];
  const server = createServer(async (request, response) => {
    const chunks = await request.toArray();
    const body = Buffer.concat(chunks).toString('utf8');
    const { method = '', url = '', headers } = request;
    asked.push({ method, url, headers, body: body === '' ? undefined : JSON.parse(body) });
    (answers[Math.min(asked.length, answers.length) - 1] ?? json(200, {}))(response, asked.at(-1) ?? fail());
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const clock = { ms: START };
  const slept: number[] = [];
  const sleep = async (ms: number) => {
    slept.push(ms);
    clock.ms += ms;
  };
  const config: AppStore = {
    ...{ bundleId: `example.app${++apps}`, appAppleId: 1, environments: ['Production', 'Sandbox'] },
    ...{ issuerId: '57246542-96fe-1a63-e053-0824d011072a', keyId: 'DEMOIAP001', key: '/chorus/demo/appstore-key' },
    production: environment === 'Production' ? origin : 'http://127.0.0.1:9',
    sandbox: environment === 'Sandbox' ? `${origin}/` : 'http://127.0.0.1:9',
  };
  const deps = { now: () => new Date(clock.ms), sleep };
  const api = await createAppStoreApi(deps, config, environment, { deadlineMs, readKey: async () => key });
  return { api, asked, clock, slept, config, deps };
};
type Options = { environment?: 'Production' | 'Sandbox'; deadlineMs?: number; key?: string };

const fail = (): never => {
  throw new Error('nothing was asked');
};
const bearer = ({ headers }: Asked): string => String(headers.authorization).replace('Bearer ', '');
const troubleOf = async (asking: Promise<unknown>) =>
  asking.then(
    () => 'none',
    (error: unknown) => (error instanceof StoreError ? error.trouble : error),
  );

describe('the library', () => {
  test('calls our transport, whatever it is asked', async () => {
    const api = new AppStoreServerAPI(pem, 'key', 'issuer', 'bundle');
    const calls: unknown[][] = [];
    Object.defineProperty(api, 'makeRequest', { value: async (...call: unknown[]) => void calls.push(call) });
    await api.getTransactionHistory('1', { revision: 'r' });
    await api.getSubscriptionStatuses('2');
    await api.getNotificationHistory({ startDate: 1, endDate: 2 }, { paginationToken: 'p' });
    await api.sendConsumptionInformation('3', {} as never);
    await api.requestTestNotification();
    expect(calls).toEqual([
      ['GET', '/inApps/v2/history/1?revision=r'],
      ['GET', '/inApps/v1/subscriptions/2'],
      ['POST', '/inApps/v1/notifications/history?paginationToken=p', { startDate: 1, endDate: 2 }],
      ['PUT', '/inApps/v2/transactions/consumption/3', {}],
      ['POST', '/inApps/v1/notifications/test'],
    ]);
  });
});

describe('the App Store Server API', () => {
  test('is asked at the address of the environment, with a token that Apple would take', async () => {
    const { api, asked, config } = await stage([json(200, { data: [] })], { environment: 'Production' });
    await api.statuses('2000000001');
    const [request = fail()] = asked;
    expect(request).toMatchObject({ method: 'GET', url: '/inApps/v1/subscriptions/2000000001' });
    const demands = { audience: 'appstoreconnect-v1', issuer: config.issuerId, algorithms: ['ES256'] };
    const { payload, protectedHeader } = await jwtVerify(bearer(request), publicKey, {
      ...demands,
      currentDate: new Date(START),
    });
    expect(protectedHeader).toEqual({ alg: 'ES256', kid: config.keyId, typ: 'JWT' });
    expect(payload).toMatchObject({ bid: config.bundleId, iss: config.issuerId });
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(15 * 60);
    expect(payload.iat, 'not of the future, where a clock is slow').toBeLessThan(START / SECOND);
  });
  test('is asked with one token until ten minutes before its end, then with another', async () => {
    const { api, asked, clock } = await stage([json(200, { data: [] })]);
    await api.statuses('1');
    clock.ms = START + 5 * MINUTE - SECOND;
    await api.statuses('1');
    clock.ms = START + 5 * MINUTE;
    await api.statuses('1');
    const [first, second, third] = asked.map(bearer);
    expect(second).toBe(first);
    expect(third).not.toBe(first);
    expect((decodeJwt(first ?? '').exp ?? 0) * SECOND - clock.ms).toBeGreaterThanOrEqual(9 * MINUTE);
    expect(decodeProtectedHeader(third ?? '').kid).toBe('DEMOIAP001');
  });
  test('is asked once more, with a new token, after a 401', async () => {
    const { api, asked, clock } = await stage([
      json(200, { data: [] }),
      text(401, 'Unauthenticated'),
      json(200, { data: [] }),
    ]);
    await api.statuses('1');
    clock.ms += 2 * MINUTE;
    await api.statuses('1');
    expect(asked).toHaveLength(3);
    expect(asked.map(bearer)[2]).not.toBe(asked.map(bearer)[1]);
  });
  test('says denied where every token is refused, after two of them', async () => {
    const { api, asked } = await stage([text(401, 'Unauthenticated')]);
    expect(await troubleOf(api.statuses('1'))).toEqual({ kind: 'denied' });
    expect(asked).toHaveLength(2);
  });
  test('is not asked faster than the sandbox allows', async () => {
    const { api, slept } = await stage([json(200, { data: [] })]);
    await api.statuses('1');
    await api.statuses('1');
    expect(slept).toEqual([200]);
  });
});

describe('an answer', () => {
  const twenty = Array.from({ length: 20 }, (_, i) => ({ signedPayload: `jws-${i}`, sendAttempts: [] }));
  test('of notifications is a page of signed texts and where the next one begins', async () => {
    const { api, asked } = await stage([
      json(200, { notificationHistory: twenty, hasMore: true, paginationToken: 'next' }),
      json(200, { notificationHistory: [], hasMore: false, paginationToken: 'never' }),
    ]);
    const span = { from: 1, to: 2 };
    const page = await api.notifications(span);
    expect(page).toEqual({ signed: twenty.map(({ signedPayload }) => signedPayload), next: 'next' });
    expect(await api.notifications(span, page.next)).toEqual({ signed: [] });
    expect(asked.map(({ url, body }) => ({ url, body }))).toEqual([
      { url: '/inApps/v1/notifications/history', body: { startDate: 1, endDate: 2 } },
      { url: '/inApps/v1/notifications/history?paginationToken=next', body: { startDate: 1, endDate: 2 } },
    ]);
  });
  test('of transactions is a page by revision', async () => {
    const { api, asked } = await stage([
      json(200, { signedTransactions: ['a'], hasMore: true, revision: 'r1' }),
      json(200, { signedTransactions: ['b'], hasMore: false, revision: 'r2' }),
    ]);
    expect(await api.history('7')).toEqual({ signed: ['a'], next: 'r1' });
    expect(await api.history('7', 'r1')).toEqual({ signed: ['b'] });
    expect(asked[1]?.url).toBe('/inApps/v2/history/7?sort=DESCENDING&revision=r1');
  });
  test('of statuses is one list over all groups', async () => {
    const item = { originalTransactionId: '1', status: 1, signedTransactionInfo: 't', signedRenewalInfo: 'r' };
    const { api } = await stage([
      json(200, { data: [{ lastTransactions: [item] }, { lastTransactions: [{ ...item, status: 2 }] }] }),
    ]);
    expect(await api.statuses('1')).toEqual([item, { ...item, status: 2 }]);
  });
  test('to consumption is empty, and the body that Apple gets is that of its second version', async () => {
    const { api, asked } = await stage([(response) => response.writeHead(202).end()]);
    const body: ConsumptionBody = {
      customerConsented: true,
      deliveryStatus: 'DELIVERED',
      sampleContentProvided: false,
      refundPreference: 'DECLINE',
    };
    await api.sendConsumption('9', body);
    expect(asked[0]).toMatchObject({ method: 'PUT', url: '/inApps/v2/transactions/consumption/9', body });
  });
  test.each<[string, Say, object]>([
    ['429, Retry-After in Unix ms', apple(429, 4290000, { 'retry-after': String(START + 90_000) }), later(90_000)],
    ['429, Retry-After of the past', apple(429, 4290000, { 'retry-after': String(START - 1) }), later(0)],
    ['429, Retry-After of next year', apple(429, 4290000, { 'retry-after': String(START * 1.02) }), later(3_600_000)],
    ['429, Retry-After in seconds', apple(429, 4290000, { 'retry-after': '30' }), later(30_000)],
    ['429, Retry-After that is no number', apple(429, 4290000, { 'retry-after': 'soon' }), later(60_000)],
    ['429 with a page of HTML', text(429, '<html>'), later(60_000)],
    ['404 that Apple calls retryable: account', apple(404, 4040002), { kind: 'later' }],
    ['404 that Apple calls retryable: app', apple(404, 4040004), { kind: 'later' }],
    ['404 that Apple calls retryable: transaction', apple(404, 4040006), { kind: 'later' }],
    ['500 that Apple calls retryable', apple(500, 5000001), { kind: 'later' }],
    ['500 that Apple does not', apple(500, 5000000), { kind: 'later' }],
    ['502 in HTML', text(502, '<html>Bad Gateway</html>'), { kind: 'later' }],
    ['503, empty', text(503, ''), { kind: 'later' }],
    ['404: no such account', apple(404, 4040001), { kind: 'notFound' }],
    ['404: no such transaction', apple(404, 4040010), { kind: 'notFound' }],
    ['404 in HTML', text(404, '<html>'), { kind: 'bug' }],
    ['403', apple(403, 4030000), { kind: 'denied' }],
    ['400', apple(400, 4000006), { kind: 'bug' }],
    ['302', (response) => response.writeHead(302, { location: '/elsewhere' }).end(), { kind: 'bug' }],
    ['200 in HTML', text(200, '<html>Maintenance</html>'), { kind: 'later' }],
    ['200, half of a JSON text', text(200, '{"data":[{"lastTransactions":'), { kind: 'later' }],
    ['200 with other JSON', json(200, { data: 'none' }), { kind: 'bug' }],
    ['nothing, and the connection closed', (response) => response.destroy(), { kind: 'later' }],
    [
      'half of its bytes',
      (response) => response.writeHead(200, { 'content-length': '9' }).write('{', () => response.destroy()),
      { kind: 'later' },
    ],
    ['nothing within the deadline', () => undefined, { kind: 'later' }],
    ['a body that never ends within the deadline', (response) => response.writeHead(200).write('{'), { kind: 'later' }],
    ['more than 8 MB', text(200, ' '.repeat(9 * 1024 * 1024)), { kind: 'bug' }],
  ])('%s is sorted', async (_, say, trouble) => {
    const { api } = await stage([say], { deadlineMs: 1000 });
    expect(await troubleOf(api.statuses('1'))).toEqual(trouble);
  });
  test('that says more is to come, but not where, is not believed', async () => {
    const { api } = await stage([json(200, { notificationHistory: [], hasMore: true })]);
    expect(await troubleOf(api.notifications({ from: 1, to: 2 }))).toEqual({ kind: 'bug' });
  });
  test('to an id that would change the path is never asked for', async () => {
    const { api, asked } = await stage([json(200, {})]);
    expect(await troubleOf(api.statuses('../../notifications/test'))).toEqual({ kind: 'bug' });
    expect(asked).toEqual([]);
  });
});

describe('a key', () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' });
  const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey.export({ type: 'pkcs8', format: 'pem' });
  test.each([
    ['that is no PEM', 'hello'],
    ['of RSA', rsa.toString()],
    ['of another curve', p384.toString()],
  ])('%s is denied, and ends no process', async (_, key) => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown) => void unhandled.push(reason);
    process.on('unhandledRejection', note);
    onTestFinished(() => void process.off('unhandledRejection', note));
    expect(await troubleOf(stage([], { key }))).toEqual({ kind: 'denied' });
    await new Promise(setImmediate);
    expect(unhandled).toEqual([]);
  });
});

function later(afterMs: number) {
  return { kind: 'later', afterMs };
}
