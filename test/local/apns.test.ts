import { createPrivateKey } from 'node:crypto';
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { Notification, Provider, type ResponseFailure, type ResponseSent, type Responses } from '@parse/node-apn';
import { SignJWT } from 'jose';
import { describe, expect, onTestFinished, test } from 'vitest';
import { providers } from './stage.ts';

const TOKEN = 'a1'.repeat(32);
const ID = '123e4567-e89b-42d3-a456-426614174000';
const TOPIC = 'example.chorus.demo';
const KEY = { keyId: 'DEMOKEY001', teamId: 'CHORUSDEMO' };

/** node-apn speaks to a plain-text server when `createConnection` gives it a plain socket. */
const client = (origin: string, key: string, ids = KEY): Provider => {
  const { hostname, port } = new URL(origin);
  const options = {
    token: { key, ...ids },
    production: true,
    address: hostname,
    port: Number(port),
    connectionRetryLimit: 0,
    requestTimeout: 1000,
    peerMaxConcurrentStreams: 1,
    createConnection: () => connect(Number(port), hostname),
  };
  const provider = new Provider(options);
  onTestFinished(() => void provider.shutdown());
  return provider;
};

type Note = { headers?: Record<string, unknown>; payload?: unknown; json?: string };

/** node-apn asks a notification for these two; its own setters drop what they do not like without a word. */
const note = ({ headers, payload, json }: Note = {}): Notification =>
  Object.assign(new Notification(), {
    headers: () => ({ 'apns-topic': TOPIC, 'apns-push-type': 'alert', ...headers }),
    compile: () => json ?? JSON.stringify(payload ?? { aps: { alert: { title: 'Ada', body: 'Hello' }, badge: 2 } }),
  });

type Outcome = Responses<ResponseSent, ResponseFailure>;

const send = (provider: Provider, token: string, about?: Note): Promise<Outcome> => provider.send(note(about), token);

const start = async () => {
  const local = await providers();
  const key = (await local.secret('/chorus/demo/apns-key')) ?? '';
  return { ...local, key, provider: client(local.apns, key) };
};

const outcome = ({ sent, failed }: Outcome): unknown[] =>
  sent.length > 0 ? [200] : [failed[0]?.status, failed[0]?.response?.reason ?? failed[0]?.error?.message];

describe('a notification sent by node-apn', () => {
  test('is taken, under its own id, and seen on the phone', async () => {
    const { provider, pushes } = await start();
    const headers = {
      'apns-id': ID,
      'apns-collapse-id': 'msg-1',
      'apns-priority': 10,
      'apns-expiration': 1_900_000_000,
    };
    const { sent } = await send(provider, TOKEN, { headers });
    expect(sent[0]).toMatchObject({ device: TOKEN, 'apns-id': ID });
    expect(pushes()).toMatchObject([
      {
        platform: 'ios',
        token: TOKEN,
        app: TOPIC,
        id: ID,
        collapseId: 'msg-1',
        visible: true,
        deliveries: 1,
        title: 'Ada',
        body: 'Hello',
        badge: 2,
      },
    ]);
    expect(pushes('other')).toEqual([]);
  });

  test('takes the place of one with the same collapse id', async () => {
    const { provider, pushes } = await start();
    const headers = { 'apns-collapse-id': 'msg-1' };
    await send(provider, TOKEN, { headers });
    await send(provider, TOKEN, { headers });
    expect(pushes()).toMatchObject([{ deliveries: 2 }]);
  });

  test('with localization keys, or as plain text, is seen; in the background it is not', async () => {
    const { provider, pushes } = await start();
    await send(provider, TOKEN, { payload: { aps: { alert: { 'loc-key': 'MESSAGE', 'loc-args': ['Ada'] } } } });
    await send(provider, TOKEN, { payload: { aps: { alert: 'Hello' } } });
    const background = { 'apns-push-type': 'background', 'apns-priority': 5 };
    await send(provider, TOKEN, { headers: background, payload: { aps: { 'content-available': 1 } } });
    expect(pushes()).toMatchObject([
      { locKey: 'MESSAGE', locArgs: ['Ada'], visible: true },
      { body: 'Hello', visible: true },
      { visible: false },
    ]);
  });

  test.each([
    ['a malformed id', { headers: { 'apns-id': '1' } }, 400, 'BadMessageId'],
    ['no topic', { headers: { 'apns-topic': undefined } }, 400, 'MissingTopic'],
    ["another tenant's topic", { headers: { 'apns-topic': 'example.chorus.aurora' } }, 400, 'DeviceTokenNotForTopic'],
    ['an unknown push type', { headers: { 'apns-push-type': 'loud' } }, 400, 'InvalidPushType'],
    ['no push type', { headers: { 'apns-push-type': undefined } }, 400, 'InvalidPushType'],
    ['an unknown priority', { headers: { 'apns-priority': 7 } }, 400, 'BadPriority'],
    [
      'a background push in a hurry',
      { headers: { 'apns-push-type': 'background', 'apns-priority': 10 } },
      400,
      'BadPriority',
    ],
    ['a background push without priority', { headers: { 'apns-push-type': 'background' } }, 400, 'BadPriority'],
    ['a collapse id of 65 bytes', { headers: { 'apns-collapse-id': `${'x'.repeat(63)}ü` } }, 400, 'BadCollapseId'],
    ['a malformed expiration', { headers: { 'apns-expiration': 'soon' } }, 400, 'BadExpirationDate'],
    ['a payload of 4,097 bytes', { json: `{"a":"${'x'.repeat(4089)}"}` }, 413, 'PayloadTooLarge'],
    ['a payload that is no JSON', { json: 'hello' }, 400, 'PayloadEmpty'],
    ['a payload that is a list', { json: '[]' }, 400, 'PayloadEmpty'],
  ])('is refused for %s', async (_name, about: Note, status, reason) => {
    const { provider, pushes } = await start();
    expect(outcome(await send(provider, TOKEN, about))).toEqual([status, reason]);
    expect(pushes()).toEqual([]);
  });

  test('may have a payload of 4,096 bytes', async () => {
    const { provider } = await start();
    expect(outcome(await send(provider, TOKEN, { json: `{"a":"${'x'.repeat(4088)}"}` }))).toEqual([200]);
  });

  test.each([
    ['', 400, 'MissingDeviceToken'],
    ['abc', 400, 'BadDeviceToken'],
    ['zz'.repeat(32), 400, 'BadDeviceToken'],
    ['x/../../4', 404, 'BadPath'],
  ])('to the device token "%s" is refused', async (token, status, reason) => {
    const { provider } = await start();
    expect(outcome(await send(provider, token))).toEqual([status, reason]);
  });

  test.each([
    ['dead400a', 400, 'DeviceTokenNotForTopic'],
    ['dead400', 400, 'BadDeviceToken'],
    ['dead403', 403, 'Forbidden'],
    ['dead410', 410, 'Unregistered'],
    ['dead410e', 410, 'ExpiredToken'],
    ['dead413', 413, 'PayloadTooLarge'],
    ['dead429', 429, 'TooManyRequests'],
    ['dead429a', 429, 'TooManyProviderTokenUpdates'],
    ['dead503', 503, 'ServiceUnavailable'],
    ['dead503a', 503, 'Shutdown'],
  ])('to a token that begins with %s gets %i %s', async (begin, status, reason) => {
    const { provider, pushes } = await start();
    expect(outcome(await send(provider, begin.padEnd(64, '0')))).toEqual([status, reason]);
    expect(pushes()).toEqual([]);
  });

  test('to a token that has ended is told since when', async () => {
    const { provider } = await start();
    const since = async (token: string) =>
      Number((await send(provider, token.padEnd(64, '0'))).failed[0]?.response?.timestamp);
    expect(Math.abs((await since('dead410')) - Date.now())).toBeLessThan(60_000);
    expect(await since('dead410a')).toBe(Date.UTC(2020, 0));
  });

  test.each([['dead500'], ['deadc105'], ['deadf00d'], ['deadb1ac']])(
    'to a token that begins with %s fails without a reason, and the next one goes through',
    async (token) => {
      const { provider } = await start();
      const { failed } = await send(provider, token.padEnd(64, '0'));
      expect(failed[0]?.response?.reason).toBeUndefined();
      expect(failed[0]?.error).toBeDefined();
      await expect.poll(async () => outcome(await send(provider, TOKEN))).toEqual([200]);
    },
  );

  test('by a thousand at once all arrive', async () => {
    const { provider, pushes } = await start();
    const tokens = Array.from({ length: 1000 }, (_, index) => index.toString(16).padStart(64, '0'));
    const { sent } = await provider.send(note(), tokens);
    expect([sent.length, new Set(pushes().map(({ token }) => token)).size]).toEqual([1000, 1000]);
  });
});

describe('a provider token', () => {
  const outcomeWith = async (key: string, ids: typeof KEY) => {
    const { apns } = await start();
    return outcome(await send(client(apns, key, ids), TOKEN));
  };
  const foreign = async (): Promise<string> => {
    const { secret } = await providers();
    return (await secret('/chorus/demo/apns-key')) ?? '';
  };

  test('of another key, team or key id is refused', async () => {
    const { apns, key } = await start();
    const refused = [403, 'InvalidProviderToken'];
    expect(await outcomeWith(await foreign(), KEY)).toEqual(refused);
    const other = async (ids: Partial<typeof KEY>) => outcome(await send(client(apns, key, { ...KEY, ...ids }), TOKEN));
    expect(await other({ teamId: 'CHORUSAURO' })).toEqual(refused);
    expect(await other({ keyId: 'NOBODYSKEY' })).toEqual(refused);
  });

  /** A request with any `authorization`. */
  const raw = (origin: string, authorization?: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const session = connectHttp2(origin);
      const headers = {
        ':method': 'POST',
        ':path': `/3/device/${TOKEN}`,
        'apns-topic': TOPIC,
        'apns-push-type': 'alert',
      };
      const stream = session.request({ ...headers, ...(authorization !== undefined && { authorization }) });
      let body = '';
      stream.on('data', (chunk) => {
        body += chunk;
      });
      stream.on('end', () => {
        session.close();
        resolve(JSON.parse(body || '{}').reason);
      });
      stream.on('error', reject);
      stream.end('{"aps":{}}');
    });

  test('of more than an hour has expired, one without iat is none', async () => {
    const { apns, key } = await start();
    const sign = (claims: object) =>
      new SignJWT({ iss: KEY.teamId, ...claims })
        .setProtectedHeader({ alg: 'ES256', kid: KEY.keyId })
        .sign(createPrivateKey(key));
    const now = Math.floor(Date.now() / 1000);
    expect(await raw(apns)).toBe('MissingProviderToken');
    expect(await raw(apns, 'bearer x')).toBe('InvalidProviderToken');
    expect(await raw(apns, `bearer ${await sign({ iat: now - 3700 })}`)).toBe('ExpiredProviderToken');
    expect(await raw(apns, `bearer ${await sign({})}`)).toBe('InvalidProviderToken');
    expect(await raw(apns, `bearer ${await sign({ iat: now - 3500 })}`)).toBeUndefined();
  });
});

test('a token that begins with deadc105 gets a GOAWAY that says why', async () => {
  const { apns, key } = await start();
  const claims = new SignJWT({ iss: KEY.teamId }).setIssuedAt().setProtectedHeader({ alg: 'ES256', kid: KEY.keyId });
  const authorization = `bearer ${await claims.sign(createPrivateKey(key))}`;
  const session = connectHttp2(apns);
  const path = `/3/device/${'deadc105'.padEnd(64, '0')}`;
  const asked = { ':method': 'POST', ':path': path, authorization, 'apns-topic': TOPIC, 'apns-push-type': 'alert' };
  session
    .request(asked)
    .on('error', () => undefined)
    .end('{"aps":{}}');
  const [code, words] = await new Promise<[number, string]>((resolve) =>
    session.once('goaway', (errorCode, _last, data) => resolve([errorCode, String(data)])),
  );
  expect([code, words]).toEqual([0, '{"reason":"Shutdown"}']);
});
