import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { Deps } from '../../core/deps.ts';
import type { Tenant } from '../../core/tenants.ts';
import { createFcm } from '../../functions/push/fcm.ts';
import type { Push } from '../../functions/push/provider.ts';
import { providers, tenants } from '../local/stage.ts';
import { pushOf, show } from './pushes.ts';

const secret = vi.hoisted(() => ({ read: async (_name: string): Promise<string> => '' }));
vi.mock('../../core/secrets.ts', () => ({ readSecret: (name: string) => secret.read(name) }));

/** For tests that wait for it; the others have time, whatever else the machine does. */
const DEADLINE_MS = 500;
const wall = () => new Date();
let now = wall;
beforeEach(() => {
  now = wall;
});
const deps = { now: () => now() } as Deps;

const demo = (): Tenant => {
  const tenant = tenants.find(({ push }) => push.fcm?.projectId === 'chorus-demo');
  if (!tenant) throw new Error('there is no such tenant');
  return tenant;
};
const tenantAt = (origin: string): Tenant => {
  const { push, ...rest } = demo();
  return { ...rest, push: { ...push, ...(push.fcm && { fcm: { ...push.fcm, origin } }) } };
};
const pushTo = (value: string, kind: Push['to']['kind'] = 'fcm-token'): Push =>
  pushOf(show(), { kind, value, app: 'example.chorus.demo' }, Math.floor(Date.now() / 1000) + 60);

const local = async (deadlineMs?: number) => {
  const started = await providers();
  secret.read = async (name) => (await started.secret(name)) ?? '';
  const send = createFcm(deadlineMs === undefined ? {} : { deadlineMs });
  const to = (value: string, kind?: Push['to']['kind']) => send(deps, tenantAt(started.fcm), pushTo(value, kind));
  return { ...started, to };
};

describe('the local FCM', () => {
  test('takes a message, which gets a name', async () => {
    const { to, pushes } = await local();
    expect(await to('phone')).toEqual({
      result: 'sent',
      id: expect.stringMatching(/^projects\/chorus-demo\/messages\/0:/),
    });
    expect(await to('installation', 'fcm-fid')).toMatchObject({ result: 'sent' });
    expect(pushes()).toMatchObject([
      {
        token: 'phone',
        visible: true,
        collapseId: 'chat-1@7',
        locKey: 'message.body',
        locArgs: ['Ada', 'Hello'],
      },
      { token: 'installation' },
    ]);
  });

  test.each([
    ['unregistered-1', { result: 'gone' }],
    ['lostfid-1', { result: 'gone' }],
    ['notfound-1', { result: 'held', scope: 'tenant' }],
    ['invalid-1', { result: 'gone' }],
    ['mismatch-1', { result: 'suspect' }],
    ['denied-1', { result: 'held', scope: 'tenant' }],
    ['thirdparty-1', { result: 'suspect', reason: '401 THIRD_PARTY_AUTH_ERROR' }],
    ['quota-1', { result: 'later', patience: 'flooded', after: 60 }],
    ['internal-1', { result: 'later', patience: 'trouble' }],
    ['unavailable-1', { result: 'later', patience: 'trouble', after: 120 }],
    ['silent-1', { result: 'later', patience: 'unknown' }],
    ['reset-1', { result: 'later', patience: 'unknown' }],
  ])('answers %s', async (token, outcome) => {
    const { to } = await local(token === 'silent-1' ? DEADLINE_MS : undefined);
    expect(await to(token)).toMatchObject(outcome);
    expect(await to(token, 'fcm-fid')).toMatchObject(outcome);
  });

  test('has nothing for an Apple address', async () => {
    const { to } = await local();
    expect(await to('phone', 'apns')).toMatchObject({ result: 'refused' });
  });

  test("does not take another account's signature", async () => {
    const { to, secret: read } = await local();
    secret.read = async () => (await read('/chorus/demo/fcm-account'))?.replace('chorus@', 'other@') ?? '';
    expect(await to('phone')).toMatchObject({
      result: 'held',
      scope: 'tenant',
      reason: expect.stringContaining('invalid_grant'),
    });
  });
});

type Answer = (request: IncomingMessage, response: ServerResponse) => void;
const json =
  (status: number, body: object, headers: Record<string, string> = {}): Answer =>
  (_, response) =>
    void response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
const accepted = json(200, { name: 'projects/p/messages/1' });
const granted = (value = 'token', seconds = 3600) => json(200, { access_token: value, expires_in: seconds });
const silence: Answer = () => undefined;
const reset: Answer = (request) => void request.socket.resetAndDestroy();

/** An FCM that says what the test wants, and counts. */
const scripted = async (message: Answer, token = granted(), deadlineMs?: number) => {
  const answers = { message, token };
  const seen: { tokens: number; messages: (string | undefined)[]; sockets: Set<Socket> } = {
    tokens: 0,
    messages: [],
    /** Open ones that brought a message. */
    sockets: new Set(),
  };
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      if (request.url === '/token') {
        seen.tokens += 1;
        return answers.token(request, response);
      }
      seen.messages.push(request.headers.authorization);
      seen.sockets.add(request.socket);
      request.socket.once('close', () => seen.sockets.delete(request.socket));
      return answers.message(request, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const real = await account();
  secret.read = async () => JSON.stringify({ ...JSON.parse(real), token_uri: `${origin}/token` });
  const send = createFcm(deadlineMs === undefined ? {} : { deadlineMs });
  const to = (value: string, more: Partial<Push> = {}) => send(deps, tenantAt(origin), { ...pushTo(value), ...more });
  return { answers, seen, to };
};
let known: string | undefined;
const account = async (): Promise<string> => {
  known ??= (await (await providers()).secret('/chorus/demo/fcm-account')) ?? '';
  return known;
};

describe('one attempt is one request', () => {
  test.each<[string, Answer, object]>([
    ['503', json(503, { error: { status: 'UNAVAILABLE' } }), { patience: 'trouble' }],
    [
      '503 that asks for a moment',
      json(503, { error: { status: 'UNAVAILABLE' } }, { 'retry-after': '0' }),
      { patience: 'trouble', after: 0 },
    ],
    ['a reset', reset, { patience: 'unknown' }],
    ['429', json(429, { error: { status: 'RESOURCE_EXHAUSTED' } }), { patience: 'flooded', after: 60 }],
    ['500', json(500, { error: { status: 'INTERNAL' } }), { patience: 'trouble' }],
    ['no JSON', (_, response) => void response.end('<html>'), { patience: 'unknown' }],
  ])('at %s', async (_, answer, outcome) => {
    const { to, seen } = await scripted(answer);
    expect(await to('phone')).toMatchObject({ result: 'later', ...outcome });
    // The library answers only when it has asked for the last time.
    expect(seen.messages.length).toBe(1);
  });

  test('at silence, which ends with the deadline and with its connection', async () => {
    const { to, seen, answers } = await scripted(silence, granted(), DEADLINE_MS);
    const began = performance.now();
    expect(await to('phone')).toMatchObject({
      result: 'later',
      patience: 'unknown',
      reason: expect.stringMatching('deadline'),
    });
    expect(performance.now() - began).toBeLessThan(2 * DEADLINE_MS);
    await vi.waitFor(() => expect(seen.sockets.size).toBe(0));
    answers.message = accepted;
    expect(await to('phone')).toMatchObject({ result: 'sent' });
    expect(seen.messages.length).toBe(2);
  });

  test('a pool that is full of silence serves again after the deadline', async () => {
    const { to, seen, answers } = await scripted(silence, granted(), DEADLINE_MS);
    const outcomes = await Promise.all(Array.from({ length: 50 }, () => to('phone')));
    expect(outcomes.every((outcome) => outcome.result === 'later' && outcome.patience === 'unknown')).toBe(true);
    expect(seen.messages.length).toBe(50);
    answers.message = accepted;
    await vi.waitFor(async () => expect(await to('phone')).toMatchObject({ result: 'sent' }));
  });

  test('a connection is used again', async () => {
    const { to, seen } = await scripted(accepted);
    const ports = new Set<number | undefined>();
    for (let i = 0; i < 5; i++) {
      await to('phone');
      for (const { remotePort } of seen.sockets) ports.add(remotePort);
    }
    expect(ports.size).toBe(1);
  });
});

describe('the access token', () => {
  test('is asked for once by twenty at once, and kept', async () => {
    const { to, seen } = await scripted(accepted);
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => to('phone')));
    expect(outcomes.every(({ result }) => result === 'sent')).toBe(true);
    await to('phone');
    expect(seen.tokens).toBe(1);
    expect(new Set(seen.messages)).toEqual(new Set(['Bearer token']));
    expect(seen.messages.length).toBe(21);
  });

  test('is not used near its end', async () => {
    const { to, seen } = await scripted(accepted, granted('short', 200));
    await to('phone');
    await to('phone');
    expect(seen.tokens).toBeGreaterThanOrEqual(2);
  });

  const unauthenticated = json(401, { error: { status: 'UNAUTHENTICATED' } });
  /** Takes the newer token alone. */
  const picky: Answer = (request, response) =>
    (request.headers.authorization === 'Bearer newer' ? accepted : unauthenticated)(request, response);

  test('that FCM does not take is replaced at once, and nothing is held', async () => {
    const { to, seen, answers } = await scripted(picky);
    answers.token = (request, response) => granted(seen.tokens === 1 ? 'token' : 'newer')(request, response);
    expect(await to('phone')).toMatchObject({ result: 'sent' });
    expect(seen.messages).toEqual(['Bearer token', 'Bearer newer']);
  });

  test('that is no better holds what is sent, after two requests', async () => {
    const { to, seen } = await scripted(unauthenticated);
    expect(await to('phone')).toMatchObject({ result: 'held', scope: 'tenant' });
    expect([seen.tokens, seen.messages.length]).toEqual([2, 2]);
  });

  test('is not replaced for who logged out meanwhile', async () => {
    const { to, seen } = await scripted(unauthenticated);
    expect(await to('phone', { stillTheirs: async () => false })).toMatchObject({ result: 'later' });
    expect(seen.messages).toHaveLength(1);
  });

  test('ends by the clock on the wall, also where another one stood still', async () => {
    const { to, seen } = await scripted(accepted);
    await to('phone');
    now = () => new Date(Date.now() + 3_400_000);
    await to('phone');
    expect(seen.tokens).toBe(2);
  });

  test.each<[string, Answer, object]>([
    ['refused', json(400, { error: 'invalid_grant' }), { result: 'held', scope: 'tenant' }],
    ['in trouble', json(503, {}), { result: 'later', patience: 'trouble' }],
    ['reset', reset, { result: 'later', patience: 'unknown' }],
    ['silent', silence, { result: 'later', patience: 'unknown' }],
    ['answered with no token', json(200, {}), { result: 'later', patience: 'unknown' }],
  ])('is %s: nothing is sent', async (_, token, outcome) => {
    const { to, seen } = await scripted(accepted, token, token === silence ? DEADLINE_MS : undefined);
    expect(await to('phone')).toMatchObject(outcome);
    expect(seen.messages).toEqual([]);
  });

  test('that comes too late sends nothing any more', async () => {
    const over = Promise.withResolvers<void>();
    const granting = Promise.withResolvers<void>();
    const late: Answer = (request, response) => {
      response.once('finish', granting.resolve);
      void over.promise.then(() => granted()(request, response));
    };
    const { to, seen } = await scripted(accepted, late, DEADLINE_MS);
    expect(await to('phone')).toMatchObject({ result: 'later', patience: 'unknown' });
    over.resolve();
    await granting.promise;
    expect(await to('tablet')).toMatchObject({ result: 'sent' });
    expect(seen.messages).toHaveLength(1);
    expect(seen.tokens).toBe(1);
  });

  test.each([
    ['no JSON', '{'],
    ['no account', '{}'],
    ['no key', JSON.stringify({ client_email: 'a@b.c', private_key: 'no key', token_uri: 'https://example.com' })],
  ])('of an account that is %s is nobody to ask for', async (_, value) => {
    const { to } = await scripted(accepted);
    secret.read = async () => value;
    expect(await to('phone')).toEqual({ result: 'held', scope: 'tenant', reason: 'the service account is unreadable' });
  });

  test('of an account that is not there, or can not be read just now', async () => {
    const { to } = await scripted(accepted);
    const fails = (name: string) => async () => {
      throw Object.assign(new Error('words'), { name });
    };
    secret.read = fails('ParameterNotFound');
    expect(await to('phone')).toMatchObject({ result: 'held', scope: 'tenant' });
    secret.read = fails('TimeoutError');
    expect(await to('phone')).toMatchObject({ result: 'later', patience: 'unknown' });
  });
});

test('a tenant without FCM is held', async () => {
  const { push, ...rest } = demo();
  const { fcm: _, ...others } = push;
  expect(await createFcm()(deps, { ...rest, push: others }, pushTo('phone'))).toMatchObject({ result: 'held' });
});
