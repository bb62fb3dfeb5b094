/**
 * APNs through @parse/node-apn. The library is kept to one attempt (its retries ignore Retry-After), and a session that
 * does not answer is thrown away, since it never replaces one itself.
 */
import { connect } from 'node:net';
import { Provider, type ResponseFailure } from '@parse/node-apn';
import { readSecret } from '../../core/secrets.ts';
import type { Tenant } from '../../core/tenants.ts';
import { dataOf, type Outcome, type Push, TTL_SECONDS } from './provider.ts';

type Apns = NonNullable<Tenant['push']['apns']>;
type Environment = Push['to']['environment'];

const REQUEST_MS = 5000;
const UNKNOWN_SECONDS = 5;
const PROVIDER_SECONDS = 60;
const SERVER_SECONDS = 15 * 60;

/** node-apn hands all options on to http2.connect; its types don't know these. */
const throughPlainSocket = (origin: URL) =>
  origin.protocol === 'http:' ? { createConnection: () => connect(Number(origin.port), origin.hostname) } : {};

const makeProvider = async (apns: Apns, environment: Environment): Promise<Provider> => {
  const origin = new URL(apns[environment]);
  const options = {
    token: { key: await readSecret(apns.key), keyId: apns.keyId, teamId: apns.teamId },
    production: environment === 'production',
    address: origin.hostname,
    port: Number(origin.port || 443),
    connectionRetryLimit: 0,
    requestTimeout: REQUEST_MS,
    // APNs allows one stream until the first good token; Node would open a hundred before it hears so.
    peerMaxConcurrentStreams: 1,
    ...throughPlainSocket(origin),
  };
  return new Provider(options);
};

const providers = new Map<string, Promise<Provider>>();

const providerOf = ({ tenant, push: { apns } }: Tenant, environment: Environment): Promise<Provider> | undefined => {
  if (!apns) return undefined;
  const key = `${tenant}|${environment}`;
  const known = providers.get(key) ?? makeProvider(apns, environment);
  providers.set(key, known);
  known.catch(() => providers.delete(key));
  return known;
};

/** Only the one that failed: its healthy replacement may be there already. */
const throwAway = async ({ tenant }: Tenant, environment: Environment, dead: Provider): Promise<void> => {
  const key = `${tenant}|${environment}`;
  if ((await providers.get(key)) === dead) providers.delete(key);
  dead.shutdown();
};

const payload = (push: Push): object => {
  const { titleKey, bodyKey, args, thread } = push.notification;
  return {
    aps: {
      alert: { 'title-loc-key': titleKey, 'title-loc-args': args.slice(0, 1), 'loc-key': bodyKey, 'loc-args': args },
      'thread-id': thread,
      sound: 'default',
      'mutable-content': 1,
    },
    chorus: dataOf(push),
  };
};

const request = (push: Push, now: Date) => ({
  headers: () => ({
    'apns-topic': push.to.app,
    'apns-push-type': 'alert',
    'apns-priority': 10,
    'apns-id': push.id,
    'apns-collapse-id': push.collapseId,
    'apns-expiration': Math.floor(now.getTime() / 1000) + TTL_SECONDS,
  }),
  compile: () => JSON.stringify(payload(push)),
});

const outcomeOf = ({ status, response, error }: ResponseFailure): Outcome => {
  // On 500 the library hands on no reason, only its own error.
  const reason =
    response?.reason ?? (status === undefined ? error?.message.slice(0, 100) : undefined) ?? 'without a reason';
  if (status === undefined) return { result: 'later', seconds: UNKNOWN_SECONDS, reason };
  if (status === 429 || status === 403)
    return { result: 'later', seconds: PROVIDER_SECONDS, reason: `${status} ${reason}` };
  if (status >= 500) return { result: 'later', seconds: SERVER_SECONDS, reason: `${status} ${reason}` };
  return { result: 'refused', reason: `${status} ${reason}` };
};

export const sendToApns = async (tenant: Tenant, push: Push, now: Date): Promise<Outcome> => {
  const { environment } = push.to;
  const provider = await providerOf(tenant, environment);
  if (!provider) return { result: 'refused', reason: 'the tenant has no APNs' };
  // The library sends whatever has these two methods; its own Notification drops wrong types silently.
  const { failed } = await provider.send(request(push, now) as never, push.to.value);
  const [failure] = failed;
  if (!failure) return { result: 'sent' };
  if (failure.status === undefined || failure.status === 403) await throwAway(tenant, environment, provider);
  return outcomeOf(failure);
};
