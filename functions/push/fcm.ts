/**
 * FCM v1 through firebase-admin's `send()`, which is loaded when the first Android device is written to. One request for
 * each attempt: the library's retries are off, since they ignore our deadline and ring a phone twice.
 */
import { Agent } from 'node:https';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { initializeApp } from 'firebase-admin/app';
import { getMessaging, type Messaging } from 'firebase-admin/messaging';
import { assert } from '../../core/assert.ts';
import type { Deps } from '../../core/deps.ts';
import type { Tenant } from '../../core/tenants.ts';
import { createTokens, type Tokens } from './fcm-token.ts';
import { isUnauthenticated, outcomeOf } from './fcm-verdicts.ts';
import { toFcm } from './platforms-fcm.ts';
import type { Outcome, Provider, Push } from './provider.ts';

type Fcm = NonNullable<Tenant['push']['fcm']>;
type Message = NonNullable<ReturnType<typeof toFcm>>;
type Line = { messaging: Messaging; tokens: Tokens };

const DEADLINE_MS = 8000;
/** FCM itself closes what idles for three minutes. */
const IDLE_MS = 60_000;
const SOCKETS = 50;

/** A socket that a request has for longer than the deadline is destroyed: a peer that hangs must not fill the pool. */
const limitLeases = (agent: Agent, deadlineMs: number) => {
  const leases = new WeakMap<Duplex, NodeJS.Timeout>();
  const end = (socket: Duplex): void => clearTimeout(leases.get(socket));
  const begin = (socket: Duplex): void => {
    end(socket);
    leases.set(
      socket,
      setTimeout(() => socket.destroy(), deadlineMs),
    );
  };
  const { keepSocketAlive, reuseSocket } = agent;
  agent.keepSocketAlive = (socket) => {
    end(socket);
    return keepSocketAlive.call(agent, socket);
  };
  agent.reuseSocket = (socket, request) => {
    begin(socket);
    reuseSocket.call(agent, socket, request);
  };
  return { begin, end };
};

/** Goes to the host that the tenant names, whatever the library addresses; plain only where the origin is http (loopback). */
const agentTo = (origin: URL, deadlineMs: number): Agent => {
  const agent = new Agent({ keepAlive: true, maxSockets: SOCKETS, timeout: IDLE_MS });
  const lease = limitLeases(agent, deadlineMs);
  const host = origin.hostname;
  const createTls = agent.createConnection.bind(agent);
  agent.createConnection = (options, callback) => {
    const socket =
      origin.protocol === 'http:'
        ? connect(Number(origin.port), host)
        : createTls({ ...options, host, port: Number(origin.port || 443), servername: host }, callback);
    if (socket) {
      lease.begin(socket);
      socket.once('close', () => lease.end(socket));
    }
    return socket;
  };
  return agent;
};

/** The library has no option for it. A version that keeps them elsewhere fails here, and in the tests. */
const switchOffRetries = (messaging: Messaging): void => {
  const retry = ['messagingRequestHandler', 'httpClient', 'retry'].reduce<unknown>(
    (object, name) => (typeof object === 'object' && object !== null ? Reflect.get(object, name) : undefined),
    messaging,
  );
  assert(
    typeof retry === 'object' && retry !== null && 'maxRetries' in retry,
    'firebase-admin has its retries elsewhere',
  );
  Object.assign(retry, { maxRetries: 0 });
};

/** The library wants a name of its own for each. */
let lines = 0;

const lineTo = ({ projectId, account, origin }: Fcm, { now }: Deps, deadlineMs: number): Line => {
  const tokens = createTokens(account, now);
  const getAccessToken = async () => {
    const token = await tokens.get();
    if ('result' in token) throw new Error('there is no access token');
    // Ended at once, so that the library keeps none beside ours.
    return { access_token: token.value, expires_in: 0 };
  };
  lines += 1;
  const httpAgent = agentTo(new URL(origin), deadlineMs);
  const app = initializeApp({ projectId, credential: { getAccessToken }, httpAgent }, `chorus-${lines}`);
  const messaging = getMessaging(app);
  switchOffRetries(messaging);
  return { messaging, tokens };
};

type Way = { deps: Deps; push: Push; message: Message; isLate: () => boolean };

/** One request, if there is a token for it. `dropped`: FCM does not take the token, and there may be a better one. */
const request = async ({ messaging, tokens }: Line, { deps, message, isLate }: Way) => {
  const token = await tokens.get();
  if ('result' in token) return { outcome: token, dropped: false };
  // Who asked was told so already, and will come again.
  if (isLate()) return { outcome: late, dropped: false };
  try {
    const outcome: Outcome = { result: 'sent', id: await messaging.send(message) };
    return { outcome, dropped: false };
  } catch (error) {
    const outcome = outcomeOf(error, deps.now());
    // It may be the token's fault: once the project is mended, a new one is to be tried.
    if (outcome.result === 'held') tokens.drop(token);
    return { outcome, dropped: outcome.result === 'held' && isUnauthenticated(error) };
  }
};

/** Once more with another token before all of a tenant's pushes are held. */
const attempt = async (line: Line, way: Way): Promise<Outcome> => {
  const first = await request(line, way);
  if (!first.dropped || way.isLate()) return first.outcome;
  if (way.push.stillTheirs && !(await way.push.stillTheirs())) return left;
  return (await request(line, way)).outcome;
};

const left: Outcome = { result: 'later', patience: 'unknown', reason: 'no longer theirs' };
const late: Outcome = { result: 'later', patience: 'unknown', reason: 'no answer within the deadline' };

export const createFcm = ({ deadlineMs = DEADLINE_MS }: { deadlineMs?: number } = {}): Provider => {
  const known = new Map<string, Line>();
  const lineOf = (fcm: Fcm, deps: Deps): Line => {
    const key = JSON.stringify(fcm);
    const line = known.get(key) ?? lineTo(fcm, deps, deadlineMs);
    known.set(key, line);
    return line;
  };
  return async (deps, tenant, push) => {
    const { fcm } = tenant.push;
    if (!fcm) return { result: 'held', scope: 'tenant', reason: 'the tenant has no FCM' };
    const message = toFcm(push, deps.now());
    if (!message) return { result: 'refused', reason: `Android has nothing for ${push.content.type}` };
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      resolve(late);
    }, deadlineMs);
    try {
      return await Promise.race([attempt(lineOf(fcm, deps), { deps, push, message, isLate: () => isLate }), promise]);
    } finally {
      clearTimeout(timer);
    }
  };
};

export const sendToFcm: Provider = createFcm();
