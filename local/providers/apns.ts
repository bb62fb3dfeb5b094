/**
 * A local APNs: HTTP/2 without TLS on loopback, `POST /3/device/{token}`, provider tokens really verified.
 * The errors that a device token can ask for are listed in apns-rules.ts.
 */
import { randomUUID } from 'node:crypto';
import {
  constants,
  createServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import { decodeProtectedHeader, errors, jwtVerify } from 'jose';
import type { Tenant } from '../../core/tenants.ts';
import { createBusy, readBody, TOO_LARGE } from '../gateway/body.ts';
import type { Keys } from '../keys.ts';
import { LOOPBACK, listen } from '../listen.ts';
import { apnsKey } from '../secrets.ts';
import { apnsPush } from './apns-push.ts';
import { checkHeaders, type Planned, parsePayload, payloadLimit, plannedFor, type Refusal } from './apns-rules.ts';
import type { Phones } from './phones.ts';

const STREAMS = 1000;
const TOKEN_SECONDS = 3600;

type Options = { tenants: Tenant[]; keys: Keys; phones: Phones };
export type Provider = { origin: string; idle(): boolean; close(): Promise<void> };

const forbidden = (reason: string): Refusal => ({ status: 403, reason });

/** The topics of the team whose key signed the token. */
const authenticate = async ({ tenants, keys }: Options, bearer: string | undefined): Promise<string[] | Refusal> => {
  const token = /^bearer (.+)$/i.exec(bearer ?? '')?.[1];
  if (token === undefined) return forbidden('MissingProviderToken');
  try {
    const { kid } = decodeProtectedHeader(token);
    const apns = tenants.map(({ push }) => push.apns).find((candidate) => candidate?.keyId === kid);
    if (!apns) return forbidden('InvalidProviderToken');
    const { publicKey } = await apnsKey(keys, apns.key);
    const options = { algorithms: ['ES256'], issuer: apns.teamId, maxTokenAge: TOKEN_SECONDS, clockTolerance: 0 };
    await jwtVerify(token, publicKey, options);
    return apns.topics;
  } catch (error) {
    const tooOld = error instanceof errors.JWTExpired;
    return forbidden(tooOld ? 'ExpiredProviderToken' : 'InvalidProviderToken');
  }
};

/** Why a request is refused, what its token asks for, or the payload that is delivered. */
const judge = async (
  options: Options,
  headers: IncomingHttpHeaders,
  body: Buffer | typeof TOO_LARGE,
): Promise<{ token: string; payload: Record<string, unknown> } | Planned> => {
  if (headers[':method'] !== 'POST') return { status: 405, reason: 'MethodNotAllowed' };
  const token = /^\/3\/device\/([^/]*)$/.exec(String(headers[':path']))?.[1];
  if (token === undefined) return { status: 404, reason: 'BadPath' };
  const topics = await authenticate(options, headers.authorization);
  if (!Array.isArray(topics)) return topics;
  const refusal = checkHeaders(headers, topics);
  if (refusal) return refusal;
  if (body === TOO_LARGE) return { status: 413, reason: 'PayloadTooLarge' };
  if (token === '') return { status: 400, reason: 'MissingDeviceToken' };
  if (!/^[0-9a-f]{64,200}$/i.test(token)) return { status: 400, reason: 'BadDeviceToken' };
  const asked = plannedFor(token.toLowerCase(), Date.now());
  if (asked) return asked;
  const payload = parsePayload(body);
  return payload ? { token, payload } : { status: 400, reason: 'PayloadEmpty' };
};

const refuse = (stream: ServerHttp2Stream, id: string, { status, reason, retryAfter, timestamp }: Refusal): void => {
  const headers = { ':status': status, 'apns-id': id, 'content-type': 'application/json' };
  stream.respond({ ...headers, ...(retryAfter !== undefined && { 'retry-after': String(retryAfter) }) });
  stream.end(JSON.stringify({ reason, ...(timestamp !== undefined && { timestamp }) }));
};

const goAway = (stream: ServerHttp2Stream): void => {
  const session = stream.session;
  session?.goaway(constants.NGHTTP2_NO_ERROR, 0, Buffer.from(JSON.stringify({ reason: 'Shutdown' })));
  setImmediate(() => session?.destroy());
};

const handle = async (options: Options, stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<void> => {
  const body = await readBody(stream, payloadLimit(headers));
  const outcome = await judge(options, headers, body);
  if (stream.destroyed) return;
  if (outcome === 'silence') return;
  if (outcome === 'goaway') return goAway(stream);
  if (outcome === 'reset') return stream.close(constants.NGHTTP2_REFUSED_STREAM);
  const id = String(headers['apns-id'] ?? randomUUID());
  if ('reason' in outcome) return refuse(stream, id, outcome);
  options.phones.receive(apnsPush({ id, headers, ...outcome }));
  stream.respond({ ':status': 200, 'apns-id': id, 'apns-unique-id': randomUUID() });
  stream.end();
};

/** Starts it on a free loopback port. */
export const startApns = async (options: Options): Promise<Provider> => {
  const sessions = new Set<ServerHttp2Session>();
  const busy = createBusy();
  const server = createServer({ settings: { maxConcurrentStreams: STREAMS } });
  server.on('session', (session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
    // A client that breaks its connection is no concern of the server's.
    session.on('error', () => session.destroy());
  });
  server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    stream.on('error', () => stream.destroy());
    void busy.track(handle(options, stream, headers).catch(() => stream.destroy()));
  });
  const port = await listen(server);
  const close = async (): Promise<void> => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const session of sessions) session.destroy();
    await closed;
  };
  return { origin: `http://${LOOPBACK}:${port}`, idle: () => busy.count() === 0, close };
};
