/**
 * A local FCM: `POST /token` (Google's OAuth endpoint, assertions really verified) and
 * `POST /v1/projects/{project}/messages:send`, over plain HTTP on loopback.
 * The faults that it can be asked for are listed in fcm-rules.ts.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { decodeJwt, jwtVerify } from 'jose';
import type { Tenant } from '../../core/tenants.ts';
import { target } from '../gateway/api-context.ts';
import { createBusy, readBody, TOO_LARGE } from '../gateway/body.ts';
import type { Keys } from '../keys.ts';
import { close, LOOPBACK, listen } from '../listen.ts';
import { fcmKey, serviceAccount } from '../secrets.ts';
import type { Provider } from './apns.ts';
import { type Faults, linger, SLOW_MS } from './faults.ts';
import { fcmPush } from './fcm-push.ts';
import { googleError, parseMessage, plannedFor, planOf, type Refusal } from './fcm-rules.ts';
import type { Phones } from './phones.ts';

const BODY_BYTES = 64 * 1024;
const TOKEN_SECONDS = 3600;
const TOKENS = 1_000;
const SCOPES = ['https://www.googleapis.com/auth/firebase.messaging', 'https://www.googleapis.com/auth/cloud-platform'];
const GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

type Options = { tenants: Tenant[]; keys: Keys; phones: Phones; faults: Faults };
type Grants = Map<string, { project: string; until: number }>;
type State = Options & { grants: Grants; origin: string };
type Answer = { status: number; retryAfter?: number; body: unknown };

const oauthError = (error: string, error_description: string): Answer => ({
  status: 400,
  body: { error, error_description },
});

/** The project whose service account signed the assertion. */
const verifyAssertion = async ({ tenants, keys, origin }: State, assertion: string): Promise<string> => {
  const { iss, scope } = decodeJwt(assertion);
  const fcm = tenants.map(({ push }) => push.fcm).find((one) => one && serviceAccount(one.projectId) === iss);
  if (!fcm) throw new Error('Invalid JWT: the issuer is no service account here.');
  const { publicKey } = await fcmKey(keys, fcm.account);
  const demands = {
    algorithms: ['RS256'],
    audience: `${origin}/token`,
    maxTokenAge: TOKEN_SECONDS,
    requiredClaims: ['exp'],
  };
  const { payload } = await jwtVerify(assertion, publicKey, demands);
  if ((payload.exp ?? 0) - (payload.iat ?? 0) > TOKEN_SECONDS)
    throw new Error('Invalid JWT: it lives longer than an hour.');
  const scopes = String(scope ?? '').split(' ');
  if (!SCOPES.some((wanted) => scopes.includes(wanted))) throw new Error('Invalid JWT: the scope is missing.');
  return fcm.projectId;
};

const grantToken = async (state: State, form: URLSearchParams): Promise<Answer> => {
  if (form.get('grant_type') !== GRANT)
    return oauthError('unsupported_grant_type', `Invalid grant_type: must be ${GRANT}`);
  try {
    const project = await verifyAssertion(state, form.get('assertion') ?? '');
    const access_token = `ya29.local-${randomBytes(32).toString('base64url')}`;
    state.grants.set(access_token, { project, until: Date.now() + TOKEN_SECONDS * 1000 });
    const oldest = state.grants.size > TOKENS ? state.grants.keys().next().value : undefined;
    if (oldest !== undefined) state.grants.delete(oldest);
    return { status: 200, body: { access_token, expires_in: TOKEN_SECONDS - 1, token_type: 'Bearer' } };
  } catch (error) {
    return oauthError('invalid_grant', error instanceof Error ? error.message : 'Invalid JWT Signature.');
  }
};

const authorize = ({ grants }: State, bearer: string | undefined, project: string): Refusal | undefined => {
  const grant = grants.get(/^Bearer (.+)$/.exec(bearer ?? '')?.[1] ?? '');
  if (!grant || grant.until < Date.now())
    return googleError(401, 'UNAUTHENTICATED', 'Request had invalid authentication credentials.');
  if (grant.project === project) return undefined;
  return googleError(403, 'PERMISSION_DENIED', `Permission 'cloudmessaging.messages.create' denied on ${project}.`);
};

const parseJson = (body: Buffer): unknown => {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
};

type Outcome = Answer | 'silence' | 'reset';
type Sending = { project: string; request: IncomingMessage; body: Buffer };

const sendMessage = async (state: State, { project, request, body }: Sending): Promise<Outcome> => {
  const refusal = authorize(state, request.headers.authorization, project);
  if (refusal) return refusal;
  const parsed = parseMessage(parseJson(body));
  if ('body' in parsed) return parsed;
  const fault = state.faults.next('fcm', parsed.address);
  const planned = fault ? planOf(fault.fault) : plannedFor(parsed.address);
  if (planned && planned !== 'slow') return planned;
  const id = `projects/${project}/messages/${parsed.dry ? 'fake_message_id' : `0:${randomUUID()}`}`;
  if (!parsed.dry) state.phones.receive(fcmPush({ id, token: parsed.address, project, message: parsed.message }));
  // Who waits no longer does not know whether it arrived: it did.
  if (planned === 'slow') await linger(fault?.ms ?? SLOW_MS, request.socket);
  return { status: 200, body: { name: id } };
};

const answer = async (state: State, request: IncomingMessage): Promise<Outcome> => {
  const body = await readBody(request, BODY_BYTES);
  if (body === TOO_LARGE) return googleError(413, 'INVALID_ARGUMENT', 'Request is too large.');
  const path = target(request)?.path ?? '/';
  if (request.method !== 'POST') return googleError(404, 'NOT_FOUND', `Method not found: ${request.method} ${path}`);
  if (path === '/token') return grantToken(state, new URLSearchParams(body.toString('utf8')));
  const project = /^\/v1\/projects\/([^/]+)\/messages:send$/.exec(path)?.[1];
  if (project === undefined) return googleError(404, 'NOT_FOUND', `Method not found: ${path}`);
  return sendMessage(state, { project, request, body });
};

const handle = async (state: State, request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const outcome = await answer(state, request);
  if (outcome === 'silence' || response.destroyed) return;
  if (outcome === 'reset') return void request.socket.resetAndDestroy();
  const { status, retryAfter, body } = outcome;
  const wait = retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) };
  response.writeHead(status, { 'content-type': 'application/json; charset=UTF-8', ...wait });
  response.end(JSON.stringify(body));
};

/** Starts it on a free loopback port. */
export const startFcm = async (options: Options): Promise<Provider> => {
  const state: State = { ...options, grants: new Map(), origin: '' };
  const busy = createBusy();
  const server = createServer((request, response) => {
    void busy.track(handle(state, request, response).catch(() => response.destroy()));
  });
  state.origin = `http://${LOOPBACK}:${await listen(server)}`;
  return { origin: state.origin, idle: () => busy.count() === 0, close: () => close(server) };
};
