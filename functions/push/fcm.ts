/** FCM v1 through firebase-admin's `send()`, which is loaded when the first Android device is written to. */
import { Agent } from 'node:https';
import { connect } from 'node:net';
import { type App, initializeApp } from 'firebase-admin/app';
import { getMessaging, type TokenMessage } from 'firebase-admin/messaging';
import { importPKCS8, SignJWT } from 'jose';
import { z } from 'zod';
import { readSecret } from '../../core/secrets.ts';
import type { Tenant } from '../../core/tenants.ts';
import { dataOf, type Outcome, type Push, TTL_SECONDS } from './provider.ts';

type Fcm = NonNullable<Tenant['push']['fcm']>;

const DEADLINE_MS = 8000;
const MINUTE = 60;
const SCOPE = 'https://www.googleapis.com/auth/firebase.messaging';

/** Goes to the host that the tenant names, whatever the library addresses; plain only where the origin is http (loopback). */
const agentTo = (origin: URL): Agent => {
  const agent = new Agent({ keepAlive: true, maxSockets: 50 });
  const host = origin.hostname;
  const createTls = agent.createConnection.bind(agent);
  agent.createConnection = (options, callback) =>
    origin.protocol === 'http:'
      ? connect(Number(origin.port), host)
      : createTls({ ...options, host, port: Number(origin.port || 443), servername: host }, callback);
  return agent;
};

const Account = z.object({ client_email: z.string(), private_key: z.string(), token_uri: z.url() });
const Granted = z.object({ access_token: z.string(), expires_in: z.number() });

/** OAuth 2.0 for service accounts (RFC 7523): our own, since the library's ignores the agent and warns at each start. */
const credential = (secretName: string) => ({
  getAccessToken: async () => {
    const account = Account.parse(JSON.parse(await readSecret(secretName)));
    const key = await importPKCS8(account.private_key, 'RS256');
    const assertion = await new SignJWT({ scope: SCOPE })
      .setProtectedHeader({ alg: 'RS256', typ: 'JWT' })
      .setIssuer(account.client_email)
      .setAudience(account.token_uri)
      .setIssuedAt()
      .setExpirationTime('1h')
      .sign(key);
    const response = await fetch(account.token_uri, {
      method: 'POST',
      body: new URLSearchParams({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion }),
      signal: AbortSignal.timeout(5000),
    });
    if (!response.ok) throw new Error(`the token endpoint answered ${response.status}`);
    return Granted.parse(await response.json());
  },
});

const apps = new Map<string, App>();
const appOf = (tenant: string, { projectId, account, origin }: Fcm): App => {
  const known =
    apps.get(tenant) ??
    initializeApp({ projectId, credential: credential(account), httpAgent: agentTo(new URL(origin)) }, tenant);
  apps.set(tenant, known);
  return known;
};

const message = (push: Push): TokenMessage => {
  const { titleKey, bodyKey, args } = push.notification;
  return {
    token: push.to.value,
    data: dataOf(push),
    android: {
      priority: 'high',
      // Milliseconds, unlike everywhere else.
      ttl: TTL_SECONDS * 1000,
      // FCM keeps four collapse keys for a device that is away; a tag replaces on the phone, without a limit.
      notification: {
        titleLocKey: titleKey,
        titleLocArgs: args.slice(0, 1),
        bodyLocKey: bodyKey,
        bodyLocArgs: args,
        tag: push.collapseId,
      },
    },
  };
};

const PERMANENT = new Set([
  'messaging/registration-token-not-registered',
  'messaging/invalid-argument',
  'messaging/mismatched-credential',
  'messaging/invalid-payload',
]);

const outcomeOf = (error: unknown): Outcome => {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
  if (PERMANENT.has(code)) return { result: 'refused', reason: code };
  return { result: 'later', seconds: MINUTE, reason: code };
};

export const sendToFcm = async ({ tenant, push: { fcm } }: Tenant, push: Push): Promise<Outcome> => {
  if (!fcm) return { result: 'refused', reason: 'the tenant has no FCM' };
  const sent = getMessaging(appOf(tenant, fcm))
    .send(message(push))
    .then((): Outcome => ({ result: 'sent' }), outcomeOf);
  const { promise: late, resolve } = Promise.withResolvers<Outcome>();
  const timer = setTimeout(() => resolve({ result: 'later', seconds: MINUTE, reason: 'no answer' }), DEADLINE_MS);
  try {
    return await Promise.race([sent, late]);
  } finally {
    clearTimeout(timer);
  }
};
