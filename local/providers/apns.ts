/**
 * A local APNs: HTTP/2 without TLS on loopback, `POST /3/device/{token}`, provider tokens really verified.
 * Production and sandbox are two of them. The faults that it can be asked for are listed in apns-rules.ts.
 */
import { randomUUID } from 'node:crypto';
import { constants, createServer, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { createBusy, readBody, TOO_LARGE } from '../gateway/body.ts';
import { LOOPBACK, listen } from '../listen.ts';
import { type Connection, createConnections, FIRST_STREAMS } from './apns-connection.ts';
import { checkHeaders, parsePayload, payloadLimit } from './apns-demands.ts';
import { apnsPush } from './apns-push.ts';
import { type Environment, type Planned, plannedFor, planOf, type Refusal, type Wire } from './apns-rules.ts';
import { authenticate, type TokenOptions } from './apns-token.ts';
import { type Fault, type Faults, linger, SLOW_MS } from './faults.ts';
import type { Phones } from './phones.ts';

type Options = TokenOptions & { environment: Environment; phones: Phones; faults: Faults };
export type Provider = { origin: string; idle(): boolean; close(): Promise<void> };

type Request = { headers: IncomingHttpHeaders; body: Buffer | typeof TOO_LARGE; connection: Connection };
/** A push that is taken, though its answer may come late or be the connection's last. */
type Delivery = { token: string; payload: Record<string, unknown>; late: number; isLast: boolean };

const faultOf = ({ faults, environment }: Options, token: string): { planned?: Planned | undefined; fault?: Fault } => {
  const now = Date.now();
  const fault = faults.next('apns', token);
  if (!fault) return { planned: plannedFor(token, environment, now) };
  return { planned: planOf(fault.fault, now, fault.timestamp), fault };
};

const TOKEN_REFUSED = 403;

/** Does the fault leave the push to be delivered? */
const isDelivered = (planned: Planned | undefined): planned is 'slow' | 'idle-close' | undefined =>
  planned === undefined || planned === 'slow' || planned === 'idle-close';

/** What becomes of a request with a good provider token. */
const judgePush = (options: Options, given: string, request: Request, topics: string[]): Delivery | Planned => {
  const { headers, body, connection } = request;
  const token = given.toLowerCase();
  const { planned, fault } = faultOf(options, token);
  if (typeof planned !== 'object' || planned.status !== TOKEN_REFUSED) connection.welcome();
  // What was asked for by name comes first; what a token's beginning means, after all demands.
  if (fault && !isDelivered(planned)) return planned;
  const refusal = checkHeaders(headers, topics);
  if (refusal) return refusal;
  if (body === TOO_LARGE) return { status: 413, reason: 'PayloadTooLarge' };
  if (token === '') return { status: 400, reason: 'MissingDeviceToken' };
  if (!/^[0-9a-f]{64,200}$/.test(token)) return { status: 400, reason: 'BadDeviceToken' };
  if (!isDelivered(planned)) return planned;
  const parsed = parsePayload(headers, body);
  if ('refusal' in parsed) return parsed.refusal;
  const late = planned === 'slow' ? (fault?.ms ?? SLOW_MS) : 0;
  return { token, payload: parsed.payload, late, isLast: planned === 'idle-close' };
};

/** Why a request is refused, what it was planned to meet, or the push that is delivered. */
const judge = async (options: Options, request: Request): Promise<Delivery | Planned> => {
  const { headers } = request;
  if (headers[':method'] !== 'POST') return { status: 405, reason: 'MethodNotAllowed' };
  const token = /^\/3\/device\/([^/]*)$/.exec(String(headers[':path']))?.[1];
  if (token === undefined) return { status: 404, reason: 'BadPath' };
  const topics = await authenticate(options, headers.authorization);
  return Array.isArray(topics) ? judgePush(options, token, request, topics) : topics;
};

const refuse = (stream: ServerHttp2Stream, id: string, { status, reason, retryAfter, timestamp }: Refusal): void => {
  const headers = { ':status': status, 'apns-id': id, 'content-type': 'application/json' };
  stream.respond({ ...headers, ...(retryAfter !== undefined && { 'retry-after': String(retryAfter) }) });
  stream.end(JSON.stringify({ reason, ...(timestamp !== undefined && { timestamp }) }));
};

const misbehave = (wire: Wire, connection: Connection, stream: ServerHttp2Stream): void => {
  if (wire === 'goaway') connection.goAway(stream);
  if (wire === 'refused') stream.close(constants.NGHTTP2_REFUSED_STREAM);
  if (wire === 'reset') connection.reset();
  if (wire === 'mute') connection.mute();
};

const handle = async (
  options: Options,
  connection: Connection,
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
): Promise<void> => {
  const body = await readBody(stream, payloadLimit(headers));
  const outcome = await judge(options, { headers, body, connection });
  if (!connection.hears(stream)) return;
  if (typeof outcome === 'string') return misbehave(outcome, connection, stream);
  const id = String(headers['apns-id'] ?? randomUUID());
  if ('reason' in outcome) return refuse(stream, id, outcome);
  connection.take(stream);
  options.phones.receive(apnsPush({ id, headers, token: outcome.token, payload: outcome.payload }));
  // Who waits no longer does not know whether it arrived: it did.
  if (outcome.late > 0) await linger(outcome.late, stream);
  if (!connection.hears(stream)) return;
  if (outcome.isLast) stream.once('close', connection.retire);
  stream.respond({ ':status': 200, 'apns-id': id, 'apns-unique-id': randomUUID() });
  stream.end();
};

/** Starts it on a free loopback port. */
export const startApns = async (options: Options): Promise<Provider> => {
  const busy = createBusy();
  const server = createServer({ settings: { maxConcurrentStreams: FIRST_STREAMS } });
  const connections = createConnections(server);
  server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    stream.on('error', () => stream.destroy());
    const connection = connections.of(stream);
    if (!connection) return stream.destroy();
    void busy.track(handle(options, connection, stream, headers).catch(() => stream.destroy()));
  });
  const port = await listen(server);
  const close = async (): Promise<void> => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    connections.destroy();
    await closed;
  };
  return { origin: `http://${LOOPBACK}:${port}`, idle: () => busy.count() === 0, close };
};
