import { createHmac } from 'node:crypto';
import { Agent } from 'node:https';
import { connect } from 'node:net';
import { deleteApp, initializeApp } from 'firebase-admin/app';
import { type AndroidConfig, getMessaging, type Message } from 'firebase-admin/messaging';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Account, assertion, type Claims, grant } from './google.ts';
import { providers } from './stage.ts';

const start = async () => {
  const local = await providers();
  const account: Account = JSON.parse((await local.secret('/chorus/demo/fcm-account')) ?? '');
  const ask = async (claims?: Claims) => grant(account.token_uri, await assertion(account, claims));
  return { ...local, account, ask };
};

/** firebase-admin always asks https://fcm.googleapis.com; the agent decides where its bytes go. */
const agentTo = (origin: string): Agent => {
  const { hostname, port } = new URL(origin);
  const agent = new Agent({ keepAlive: true });
  agent.createConnection = () => connect(Number(port), hostname);
  return agent;
};

const messaging = async () => {
  const local = await start();
  const getAccessToken = async () => {
    const { access_token = '', expires_in } = (await local.ask()).body;
    return { access_token, expires_in };
  };
  const httpAgent = agentTo(local.fcm);
  const app = initializeApp(
    { projectId: local.account.project_id, credential: { getAccessToken }, httpAgent },
    local.fcm,
  );
  onTestFinished(async () => {
    await deleteApp(app);
    httpAgent.destroy();
  });
  return { ...local, send: (message: Message) => getMessaging(app).send(message) };
};

const failure = async (sending: Promise<string>): Promise<Error & { code?: string; httpResponse?: unknown }> =>
  sending.then(
    () => {
      throw new Error('it was sent');
    },
    (error: Error) => error,
  );

describe('a message sent by firebase-admin', () => {
  test('is taken and seen on the phone', async () => {
    const { send, pushes } = await messaging();
    const android: AndroidConfig = {
      priority: 'high',
      ttl: 60_000,
      collapseKey: 'key',
      restrictedPackageName: 'example.chorus.demo',
      notification: {
        titleLocKey: 'TITLE',
        bodyLocKey: 'BODY',
        bodyLocArgs: ['Ada'],
        tag: 'msg-1',
        notificationCount: 2,
      },
    };
    const name = await send({ token: 'phone-1', data: { v: '3' }, android });
    expect(name).toMatch(/^projects\/chorus-demo\/messages\/0:/);
    expect(pushes()).toMatchObject([
      {
        platform: 'android',
        token: 'phone-1',
        app: 'example.chorus.demo',
        id: name,
        collapseId: 'msg-1',
        visible: true,
        titleLocKey: 'TITLE',
        locKey: 'BODY',
        locArgs: ['Ada'],
        badge: 2,
        deliveries: 1,
        payload: { data: { v: '3' } },
      },
    ]);
  });

  test('takes the place of one with the same tag or collapse key; data alone is not seen', async () => {
    const { send, pushes } = await messaging();
    const tagged = { token: 't', android: { collapseKey: 'k', notification: { title: 'Ada', tag: 'a' } } };
    const keyed = { token: 't', notification: { body: 'Hello' }, android: { collapseKey: 'k' } };
    for (const message of [tagged, keyed, tagged, keyed]) await send(message);
    await send({ token: 't', data: { silent: 'yes' } });
    expect(pushes()).toMatchObject([
      { collapseId: 'a', title: 'Ada', deliveries: 2, visible: true },
      { collapseId: 'k', body: 'Hello', deliveries: 2, visible: true },
      { deliveries: 1, visible: false },
    ]);
  });

  test('to an installation id is taken', async () => {
    const { send, pushes } = await messaging();
    await send({ fid: 'installation-1', data: {} });
    expect(pushes('installation-1').length).toBe(1);
  });

  test.each([
    ['unregistered-1', 'messaging/registration-token-not-registered', 404],
    ['notfound-1', 'messaging/registration-token-not-registered', 404],
    ['invalid-1', 'messaging/invalid-argument', 400],
    ['mismatch-1', 'messaging/mismatched-credential', 403],
    ['denied-1', 'messaging/mismatched-credential', 403],
    ['thirdparty-1', 'messaging/third-party-auth-error', 401],
    ['quota-1', 'messaging/message-rate-exceeded', 429],
    ['internal-1', 'messaging/internal-error', 500],
    ['unavailable-1', 'messaging/server-unavailable', 503],
  ])('to %s fails with %s', async (token, code, status) => {
    const { send, pushes } = await messaging();
    const error = await failure(send({ token, data: {} }));
    expect(error).toMatchObject({ code, httpResponse: { status } });
    expect(pushes()).toEqual([]);
  });

  test('over a quota is told for how long', async () => {
    const { send } = await messaging();
    const { httpResponse } = await failure(send({ token: 'quota-1', data: {} }));
    expect(httpResponse).toMatchObject({ headers: { 'retry-after': '60' } });
  });

  test('of over 4 KB is refused', async () => {
    const { send } = await messaging();
    const error = await failure(send({ token: 't', data: { text: 'x'.repeat(4096) } }));
    expect(error).toMatchObject({ code: 'messaging/invalid-argument', message: 'Android message is too big' });
  });
});

describe('messages:send', () => {
  const post = async ({ fcm, ask }: Awaited<ReturnType<typeof start>>, body: unknown, project = 'chorus-demo') => {
    const headers = { authorization: `Bearer ${(await ask()).body.access_token}` };
    const sent = typeof body === 'string' ? body : JSON.stringify(body);
    const response = await fetch(`${fcm}/v1/projects/${project}/messages:send`, {
      method: 'POST',
      headers,
      body: sent,
    });
    return (await response.json()) as {
      error?: { code: number; status: string; message: string; details?: object[] };
      name?: string;
    };
  };

  test("answers errors in Google's words, with FcmError's code or without", async () => {
    const local = await start();
    const type = 'type.googleapis.com/google.firebase.fcm.v1.FcmError';
    expect((await post(local, { message: { token: 'unregistered-1' } })).error).toEqual({
      code: 404,
      status: 'NOT_FOUND',
      message: 'Requested entity was not found.',
      details: [{ '@type': type, errorCode: 'UNREGISTERED' }],
    });
    expect((await post(local, { message: { token: 'notfound-1' } })).error).not.toHaveProperty('details');
    expect((await post(local, { message: { token: 'invalid-1' } })).error?.message).toBe(
      'The registration token is not a valid FCM registration token',
    );
  });

  test.each([
    ['no JSON', '{'],
    ['no message', {}],
    ['no recipient', { message: {} }],
    ['two recipients', { message: { token: 'a', topic: 'b' } }],
    ['an unknown field', { message: { token: 'a', sound: 'x' } }],
    ['data that is not text', { message: { token: 'a', data: { v: 1 } } }],
    ['a reserved key of data', { message: { token: 'a', data: { 'google.x': '1' } } }],
    ['a ttl without its unit', { message: { token: 'a', android: { ttl: '60' } } }],
    ['a ttl of 29 days', { message: { token: 'a', android: { ttl: '2505600s' } } }],
  ])('refuses %s', async (_name, body) => {
    const local = await start();
    expect((await post(local, body)).error).toMatchObject({ code: 400, status: 'INVALID_ARGUMENT' });
    expect(local.pushes()).toEqual([]);
  });

  test('is for the own project, and for whoever has a token', async () => {
    const local = await start();
    const message = { message: { token: 'a' } };
    expect((await post(local, message, 'chorus-aurora')).error).toMatchObject({
      code: 403,
      status: 'PERMISSION_DENIED',
    });
    const anonymous = await fetch(`${local.fcm}/v1/projects/chorus-demo/messages:send`, {
      method: 'POST',
      body: JSON.stringify(message),
    });
    expect(anonymous.status).toBe(401);
  });

  test('with validate_only delivers nothing', async () => {
    const local = await start();
    expect((await post(local, { message: { token: 'a' }, validate_only: true })).name).toBe(
      'projects/chorus-demo/messages/fake_message_id',
    );
    expect(local.pushes()).toEqual([]);
  });
});

describe('the token endpoint', () => {
  test('grants an hour to a service account', async () => {
    const { ask } = await start();
    expect(await ask()).toMatchObject({ status: 200, body: { token_type: 'Bearer', expires_in: 3599 } });
  });

  test.each([
    ['another audience', { audience: 'https://oauth2.googleapis.com/token' }],
    ['another issuer', { issuer: 'stranger@chorus-demo.iam.gserviceaccount.com' }],
    ["another tenant's issuer", { issuer: 'chorus@chorus-aurora.iam.gserviceaccount.com' }],
    ['another scope', { scope: 'email' }],
    ['a life of two hours', { seconds: 7200 }],
    ['an end in the past', { seconds: -60 }],
  ])('refuses an assertion with %s', async (_name, claims) => {
    const { ask } = await start();
    expect(await ask(claims)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
  });

  test('refuses another grant, no assertion and one that is signed with a shared secret', async () => {
    const { account } = await start();
    expect((await grant(account.token_uri, undefined, 'password')).body.error).toBe('unsupported_grant_type');
    expect((await grant(account.token_uri)).body.error).toBe('invalid_grant');
    const [, payload] = (await assertion(account)).split('.');
    const forged = `${Buffer.from('{"alg":"HS256"}').toString('base64url')}.${payload}`;
    const signature = createHmac('sha256', account.client_email).update(forged).digest('base64url');
    const answer = await grant(account.token_uri, `${forged}.${signature}`);
    expect(answer.body.error).toBe('invalid_grant');
  });
});
