/** One push to the local APNs, from the tenant's key to the outcome. */
import { randomUUID } from 'node:crypto';
import { createServer, type ServerHttp2Session } from 'node:http2';
import { afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { Deps } from '../../core/deps.ts';
import { tenantOf } from '../../core/env.ts';
import { closeApns, sendToApns } from '../../functions/push/apns.ts';
import type { Push } from '../../functions/push/provider.ts';
import { listen } from '../../local/listen.ts';
import { providers } from '../local/stage.ts';
import { bindEnvironment } from '../memory.ts';
import { createLittle } from '../sim/law/little.ts';

const secret = vi.hoisted(() => ({ read: async (_name: string): Promise<string> => '' }));
vi.mock('../../core/secrets.ts', () => ({ readSecret: (name: string) => secret.read(name) }));

beforeAll(bindEnvironment);
afterEach(closeApns);

let deps: Deps;
beforeEach(() => {
  deps = { ...createLittle(() => 1).deps(), now: () => new Date() };
});

const pushTo = (token: string, to: Partial<Push['to']> = {}): Push => ({
  to: {
    kind: 'apns',
    value: token.padEnd(64, '0'),
    app: 'example.chorus.demo',
    environment: 'production',
    ...to,
  },
  content: { type: 'clear', stream: 'conversation/cnv_1', v: 1, badge: 0 },
  user: 'usr_ben',
  id: randomUUID(),
  collapseId: 'msg-1',
  expires: Math.floor(Date.now() / 1000) + 3600,
});

const start = async (origins: { sandbox?: string } = {}) => {
  const local = await providers();
  secret.read = async (name) => (await local.secret(name)) ?? '';
  const demo = tenantOf('demo');
  if (!demo.push.apns) throw new Error('demo has no APNs');
  const apns = { ...demo.push.apns, production: local.apns, sandbox: local.apns, ...origins };
  const tenant = { ...demo, push: { ...demo.push, apns } };
  return { ...local, tenant, send: (push: Push) => sendToApns(deps, tenant, push) };
};

/** An APNs that answers what it is told to, in turn, and then takes everything. */
const answering = async (...answers: [number, string][]): Promise<{ origin: string; asked: string[] }> => {
  const asked: string[] = [];
  const sessions: ServerHttp2Session[] = [];
  const server = createServer().on('session', (session) => sessions.push(session));
  server.on('stream', (stream, headers) => {
    asked.push(String(headers.authorization));
    const [status, reason] = answers.shift() ?? [200, ''];
    stream.respond({ ':status': status });
    stream.end(status === 200 ? '' : JSON.stringify({ reason }));
  });
  const port = await listen(server);
  onTestFinished(() => {
    for (const session of sessions) session.destroy();
    server.close();
  });
  return { origin: `http://127.0.0.1:${port}`, asked };
};

describe('a push to APNs', () => {
  test('is accepted under its own id, and reaches the phone', async () => {
    const { send, pushes } = await start();
    const push = pushTo('a1');
    expect(await send(push)).toEqual({ result: 'sent', id: push.id });
    expect(pushes()).toMatchObject([{ id: push.id, token: push.to.value }]);
  });

  test.each([
    ['dead400', { result: 'gone', reason: '400 BadDeviceToken' }],
    ['dead400a', { result: 'suspect' }],
    ['dead403', { result: 'held', scope: 'tenant' }],
    ['dead403e', { result: 'held', scope: 'tenant', reason: '403 ExpiredProviderToken' }],
    ['dead410', { result: 'gone', since: expect.any(Number) }],
    ['dead429', { result: 'later', patience: 'flooded', after: 2 }],
    ['dead429a', { result: 'later', patience: 'flooded', after: 1200 }],
    ['dead503', { result: 'later', patience: 'trouble', after: 2 }],
    ['dead503a', { result: 'later', patience: 'trouble' }],
    ['deadc105', { result: 'later', patience: 'unknown' }],
    ['deadf00d', { result: 'later', patience: 'unknown', reason: 'refused' }],
  ])('whose token begins with %s ends as %j, and the next one goes through', async (token, outcome) => {
    const { send } = await start();
    expect(await send(pushTo(token))).toMatchObject(outcome);
    expect(await send(pushTo('a1'))).toMatchObject({ result: 'sent' });
  });

  test('with an address of the other environment goes there, and says so', async () => {
    const { origin } = await answering();
    const { send } = await start({ sandbox: origin });
    expect(await send(pushTo('dead400'))).toMatchObject({ result: 'sent', environment: 'sandbox' });
  });

  test.each<[string, [number, string], object]>([
    ['takes it later', [503, 'ServiceUnavailable'], { result: 'later', patience: 'trouble' }],
    ['floods', [429, 'TooManyRequests'], { result: 'later', patience: 'flooded' }],
    ['does not take us', [403, 'Forbidden'], { result: 'suspect', reason: '400 BadDeviceToken' }],
    ['finds our message wrong', [400, 'BadPriority'], { result: 'refused' }],
    ['knows it no more', [410, 'Unregistered'], { result: 'gone', reason: '400 BadDeviceToken' }],
    ['knows it not', [400, 'BadDeviceToken'], { result: 'gone', reason: '400 BadDeviceToken' }],
    ['knows it for another app', [400, 'DeviceTokenNotForTopic'], { result: 'gone', reason: '400 BadDeviceToken' }],
  ])('that its own environment does not know, and the other %s, ends so', async (_, answer, outcome) => {
    const { origin } = await answering(answer);
    const { send } = await start({ sandbox: origin });
    expect(await send(pushTo('dead400'))).toMatchObject(outcome);
  });

  test.each<[string, string, [number, string][]]>([
    ['to the other environment', 'dead400', []],
    ['on another connection', 'a1', [[400, 'IdleTimeout']]],
  ])('of who logged out meanwhile is not sent again %s', async (_, token, answers) => {
    const { origin, asked } = await answering(...answers);
    const { send } = await start({ sandbox: origin });
    const environment = answers.length > 0 ? 'sandbox' : 'production';
    const push = { ...pushTo(token, { environment }), stillTheirs: async () => false };
    expect(await send(push)).toMatchObject({ result: 'later', patience: 'unknown' });
    expect(asked).toHaveLength(answers.length);
  });

  test('to a Live Activity does not', async () => {
    const { origin, asked } = await answering();
    const { send } = await start({ sandbox: origin });
    const push: Push = {
      ...pushTo('dead400', { kind: 'apns-live-activity' }),
      content: { type: 'activity', event: 'update', state: { eta: 3 } },
    };
    expect(await send(push)).toEqual({ result: 'gone', reason: '400 BadDeviceToken' });
    expect(asked).toEqual([]);
  });

  test('that the connection was too idle for goes over a new one', async () => {
    const { origin, asked } = await answering([400, 'IdleTimeout']);
    const { send } = await start({ sandbox: origin });
    expect(await send(pushTo('a1', { environment: 'sandbox' }))).toMatchObject({ result: 'sent' });
    expect(asked.length).toBe(2);
  });

  test('over a connection of another key goes over a new one', async () => {
    const { origin, asked } = await answering([403, 'UnrelatedKeyIdInToken']);
    const { send } = await start({ sandbox: origin });
    expect(await send(pushTo('a1', { environment: 'sandbox' }))).toMatchObject({ result: 'sent' });
    expect(asked.length).toBe(2);
  });

  test.each(['ExpiredProviderToken', 'InvalidProviderToken'])(
    'whose provider token is bad (%s) goes with a new one, if that may be minted',
    async (reason) => {
      const { origin, asked } = await answering([200, ''], [403, reason]);
      const { send } = await start({ sandbox: origin });
      const push = pushTo('a1', { environment: 'sandbox' });
      await send(push);
      deps = { ...deps, now: () => new Date(Date.now() + 21 * 60_000) };
      expect(await send(push)).toMatchObject({ result: 'sent' });
      expect([asked.length, new Set(asked).size]).toEqual([3, 2]);
    },
  );

  test('of a tenant without APNs, without a key or with a broken one ends no address', async () => {
    const { tenant } = await start();
    const push = pushTo('a1');
    const { apns: _, ...others } = tenant.push;
    expect(await sendToApns(deps, { ...tenant, push: others }, push)).toMatchObject({
      ...{ result: 'held', scope: 'tenant' },
    });
    const fails = async (read: () => Promise<string>) => {
      secret.read = read;
      return sendToApns(deps, tenant, push);
    };
    const named = (name: string) => () => Promise.reject(Object.assign(new Error('no'), { name }));
    expect(await fails(named('ParameterNotFound'))).toMatchObject({ result: 'held', scope: 'tenant' });
    expect(await fails(async () => 'no key')).toMatchObject({ result: 'held', scope: 'tenant' });
    expect(await fails(named('TimeoutError'))).toMatchObject({ result: 'later', patience: 'unknown' });
  });
});
