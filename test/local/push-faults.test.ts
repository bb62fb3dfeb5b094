import { describe, expect, onTestFinished, test } from 'vitest';
import { startPublic } from '../../local/gateway/gateway.ts';
import { pushRoutes } from '../../local/providers/push-routes.ts';
import { assertion, grant } from './google.ts';
import { invokes, modelOf } from './stage.ts';
import { apple, device, dial } from './wire.ts';

type Problem = { status: number; detail: string; known?: string[] };

/** The providers and their routes on a public port. */
const start = async () => {
  const local = await apple();
  const face = await startPublic({ port: 0, model: modelOf([]), invoke: invokes({}), dev: pushRoutes(local) });
  onTestFinished(() => face.close());
  const at = `http://127.0.0.1:${face.port}`;
  const call = async (method: string, path: string, body?: unknown) => {
    const given = body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) };
    const response = await fetch(`${at}${path}`, { method, ...given });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  const ask = (body: unknown) => call('POST', '/dev/push-faults', body);
  const account = JSON.parse((await local.secret('/chorus/demo/fcm-account')) ?? '');
  const access = (await grant(account.token_uri, await assertion(account))).body.access_token;
  const message = async (token: string, signal?: AbortSignal) => {
    const response = await fetch(`${local.fcm}/v1/projects/chorus-demo/messages:send`, {
      method: 'POST',
      headers: { authorization: `Bearer ${access}` },
      body: JSON.stringify({ message: { token, data: { v: '1' } } }),
      ...(signal && { signal }),
    });
    const { error } = (await response.json()) as { error?: { status: string; details?: { errorCode?: string }[] } };
    return { status: response.status, name: error?.status, code: error?.details?.[0]?.errorCode };
  };
  return { ...local, call, ask, message };
};

/** As in Apple's table. */
const reasons: [number, string[]][] = [
  [400, ['BadCollapseId', 'BadDeviceToken', 'BadExpirationDate', 'BadMessageId', 'BadPriority', 'BadTopic']],
  [400, ['DeviceTokenNotForTopic', 'DuplicateHeaders', 'IdleTimeout', 'InvalidPushType', 'MissingDeviceToken']],
  [400, ['MissingTopic', 'PayloadEmpty', 'TopicDisallowed']],
  [403, ['BadCertificate', 'BadCertificateEnvironment', 'BadEnvironmentKeyIdInToken', 'ExpiredProviderToken']],
  [403, ['Forbidden', 'InvalidProviderToken', 'MissingProviderToken', 'UnrelatedKeyIdInToken']],
  [404, ['BadPath']],
  [405, ['MethodNotAllowed']],
  [410, ['ExpiredToken', 'Unregistered']],
  [413, ['PayloadTooLarge']],
  [429, ['TooManyProviderTokenUpdates', 'TooManyRequests']],
  [500, ['InternalServerError']],
  [503, ['ServiceUnavailable', 'Shutdown']],
];

describe('faults that were asked for', () => {
  test('are listed, met, counted, and cleared', async () => {
    const { ask, call, dial: connect } = await start();
    const fault = { provider: 'apns', fault: 'TooManyRequests', token: device('A1'), times: 2 };
    const listed = { ...fault, token: device('a1') };
    expect(await ask(fault)).toEqual({ status: 200, body: { faults: [listed] } });
    const peer = await connect();
    const refused = await peer.post();
    expect(refused).toMatchObject({ status: 429, reason: 'TooManyRequests', headers: { 'retry-after': '2' } });
    expect((await call('GET', '/dev/push-faults')).body).toEqual({ faults: [{ ...listed, times: 1 }] });
    expect(await peer.post({ token: device('a2') })).toMatchObject({ status: 200 });
    expect(await peer.post()).toMatchObject({ status: 429 });
    expect(await peer.post()).toMatchObject({ status: 200 });
    await ask({ provider: 'apns', fault: 'Shutdown' });
    expect(await peer.post()).toMatchObject({ status: 503 });
    expect((await call('DELETE', '/dev/push-faults')).body).toEqual({ faults: [] });
    expect(await peer.post()).toMatchObject({ status: 200 });
  });

  test('for one token come before those for all, each in their order', async () => {
    const { ask, dial: connect } = await start();
    await ask({ provider: 'apns', fault: 'Shutdown', times: 1 });
    await ask({ provider: 'apns', fault: 'ServiceUnavailable', token: device('a1'), times: 1 });
    await ask({ provider: 'apns', fault: 'Unregistered', token: device('a1'), times: 1, timestamp: 1234 });
    const peer = await connect();
    const first = await peer.post();
    expect(first).toMatchObject({ reason: 'ServiceUnavailable', headers: { 'retry-after': '2' } });
    expect(await peer.post()).toMatchObject({ status: 410, reason: 'Unregistered', timestamp: 1234 });
    expect(await peer.post()).toMatchObject({ reason: 'Shutdown' });
    expect(await peer.post()).toMatchObject({ status: 200 });
  });

  test("have the name of every reason of Apple's, with its status", async () => {
    const local = await start();
    const peer = await local.dial();
    for (const [status, names] of reasons)
      for (const fault of names) {
        expect((await local.ask({ provider: 'apns', fault, times: 1 })).status).toBe(200);
        expect(await peer.post()).toMatchObject({ status, reason: fault });
      }
    expect(local.pushes()).toEqual([]);
  });

  test('about the provider token leave a connection at one stream', async () => {
    const { ask, dial: connect } = await start();
    await ask({ provider: 'apns', fault: 'ExpiredProviderToken', times: 1 });
    const peer = await connect();
    expect(await peer.post()).toMatchObject({ status: 403 });
    expect(peer.limits).toEqual([1]);
  });

  test.each(['refused', 'reset', 'goaway'])('break the wire of APNs: %s', async (fault) => {
    const local = await start();
    await local.ask({ provider: 'apns', fault, times: 1 });
    expect(await (await local.dial()).post()).toHaveProperty('error');
    expect(await (await local.dial()).post()).toMatchObject({ status: 200 });
    expect(local.pushes().length).toBe(1);
  });

  test('are met at both hosts of APNs, not at FCM', async () => {
    const { ask, apnsSandbox, bearer, message } = await start();
    await ask({ provider: 'apns', fault: 'Shutdown', times: 1 });
    expect(await message('phone')).toMatchObject({ status: 200 });
    expect(await (await dial(apnsSandbox, bearer)).post()).toMatchObject({ status: 503 });
  });
});

describe('faults of FCM', () => {
  test.each([
    ['UNREGISTERED', 404, 'NOT_FOUND', 'UNREGISTERED'],
    ['UNREGISTERED_FID', 404, 'NOT_FOUND', 'UNREGISTERED_FID'],
    ['wrong-project', 404, 'NOT_FOUND', undefined],
    ['INVALID_ARGUMENT', 400, 'INVALID_ARGUMENT', 'INVALID_ARGUMENT'],
    ['SENDER_ID_MISMATCH', 403, 'PERMISSION_DENIED', 'SENDER_ID_MISMATCH'],
    ['denied', 403, 'PERMISSION_DENIED', undefined],
    ['THIRD_PARTY_AUTH_ERROR', 401, 'UNAUTHENTICATED', 'THIRD_PARTY_AUTH_ERROR'],
    ['QUOTA_EXCEEDED', 429, 'RESOURCE_EXHAUSTED', 'QUOTA_EXCEEDED'],
    ['INTERNAL', 500, 'INTERNAL', 'INTERNAL'],
    ['UNAVAILABLE', 503, 'UNAVAILABLE', 'UNAVAILABLE'],
  ])('answer %s with %i', async (fault, status, name, code) => {
    const { ask, message, pushes } = await start();
    await ask({ provider: 'fcm', fault, token: 'phone', times: 1 });
    expect(await message('other')).toMatchObject({ status: 200 });
    expect(await message('phone')).toEqual({ status, name, code });
    expect(await message('phone')).toMatchObject({ status: 200 });
    expect(pushes().length).toBe(2);
  });

  test('are slow, silent, or break the connection', async () => {
    const { ask, message, pushes } = await start();
    await ask({ provider: 'fcm', fault: 'slow', ms: 150, times: 1 });
    const before = performance.now();
    expect(await message('phone')).toMatchObject({ status: 200 });
    expect(performance.now() - before).toBeGreaterThan(140);
    await ask({ provider: 'fcm', fault: 'reset', times: 1 });
    await expect(message('phone')).rejects.toThrow();
    await ask({ provider: 'fcm', fault: 'silence', times: 1 });
    await expect(message('phone', AbortSignal.timeout(200))).rejects.toThrow('timeout');
    expect(pushes().length).toBe(1);
  });
});

describe('a fault that cannot be', () => {
  test('is refused with the names of those that can', async () => {
    const { ask } = await start();
    const { status, body } = await ask({ provider: 'apns', fault: 'UNREGISTERED' });
    const { known, ...problem } = body as Problem;
    expect(status).toBe(400);
    expect(known).toEqual(
      expect.arrayContaining(['Unregistered', 'silence', 'goaway', 'refused', 'reset', 'slow', 'idle-close', 'mute']),
    );
    expect(known?.length).toBe(reasons.flatMap(([, names]) => names).length + 7);
    expect(problem).toEqual({
      type: 'about:blank',
      title: 'Bad Request',
      status: 400,
      detail: `fault: must be one of ${known?.join(', ')}`,
    });
  });

  test.each([
    ['{', 'the body: '],
    ['', 'the body: '],
    [[], 'the body: '],
    [{ fault: 'reset' }, 'provider: '],
    [{ provider: 'wns', fault: 'reset' }, 'provider: '],
    [{ provider: 'apns' }, 'fault: '],
    [{ provider: 'fcm', fault: 'goaway' }, 'fault: must be one of'],
    [{ provider: 'fcm', fault: 'reset', token: '' }, 'token: '],
    [{ provider: 'fcm', fault: 'reset', times: 0 }, 'times: '],
    [{ provider: 'fcm', fault: 'slow', ms: -1 }, 'ms: '],
    [{ provider: 'fcm', fault: 'reset', ms: 10 }, 'ms: '],
    [{ provider: 'apns', fault: 'Shutdown', timestamp: 10 }, 'timestamp: '],
    [{ provider: 'apns', fault: 'reset', retries: 1 }, 'the body: '],
  ])('as %j changes nothing', async (body, begin) => {
    const { ask, call, message } = await start();
    const refused = await ask(body);
    expect([refused.status, String(refused.body.detail).slice(0, begin.length)]).toEqual([400, begin]);
    expect((await call('GET', '/dev/push-faults')).body).toEqual({ faults: [] });
    expect(await message('phone')).toMatchObject({ status: 200 });
  });
});

describe('what phones show', () => {
  test('is told beside the pushes, for all tokens or one', async () => {
    const { call, dial: connect, message } = await start();
    const peer = await connect();
    const place = { stream: 'conversation/c', v: 3 };
    const shown = (v: number) => ({
      aps: { alert: { 'loc-key': 'm' }, badge: 2 },
      chorus: { type: 'show', ...place, v },
    });
    for (const v of [3, 4]) await peer.post({ payload: shown(v), headers: { 'apns-collapse-id': `c${v}` } });
    const clear = { aps: { 'content-available': 1 }, chorus: { type: 'clear', ...place, v: '3', badge: '1' } };
    await peer.post({ payload: clear, headers: { 'apns-push-type': 'background', 'apns-priority': '5' } });
    await message('droid');
    const { pushes, phones } = (await call('GET', `/dev/pushes?token=${device('a1')}`)).body;
    expect(pushes).toMatchObject([{ locKey: 'm' }, { locKey: 'm' }, { visible: false }]);
    const iphone = { platform: 'ios', token: device('a1'), app: 'example.chorus.demo', badge: 1 };
    expect(phones).toEqual([
      {
        ...iphone,
        shown: [
          { collapseId: 'c4', locKey: 'm', stream: 'conversation/c', v: 4, deliveries: 1, at: expect.any(String) },
        ],
      },
    ]);
    expect((await call('GET', '/dev/pushes')).body.phones).toMatchObject([{ token: device('a1') }, { token: 'droid' }]);
    expect((await call('DELETE', '/dev/pushes')).body).toEqual({ pushes: [], phones: [] });
  });
});
