/**
 * API Gateway's HTTP API on node:http, and the public port that it shares with the WebSocket API.
 * Routes come from the model; a route's function and authorizer are called with API Gateway's events.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { z } from 'zod';
import { close, listen } from '../listen.ts';
import type { Invoke, Model } from '../model.ts';
import { target } from './api-context.ts';
import { createBusy, readBody, TIMED_OUT, TOO_LARGE, within } from './body.ts';
import type { Connections, SocketLimits } from './connections.ts';
import {
  type Answer,
  authorizerEvent,
  type HttpEvent,
  httpEvent,
  integrationEvent,
  jsonAnswer,
  toAnswer,
} from './http-event.ts';
import { createMatcher, type Match } from './http-routes.ts';
import { startSockets } from './sockets.ts';

const BODY_BYTES = 10 * 1024 * 1024;
const HEADER_BYTES = 10 * 1024;
const INTEGRATION_MS = 30_000;
/** Not API Gateway's but ours: beyond it new clients are turned away, so that memory is bounded. */
const CONNECTIONS = 50_000;

/** Routes that only local/ has, by 'POST /dev/token'. */
export type DevRoutes = Record<
  string,
  (request: { query: URLSearchParams; body: string }) => DevAnswer | Promise<DevAnswer>
>;
export type DevAnswer = { status: number; body: unknown };

export type Public = { port: number; connections: Connections; idle(): boolean; close(): Promise<void> };

type Limits = { integrationMs: number; sockets?: Partial<SocketLimits> };
type Options = { port: number; model: Model; invoke: Invoke; dev: DevRoutes; limits?: Partial<Limits> };

const Verdict = z.object({ isAuthorized: z.boolean(), context: z.record(z.string(), z.unknown()).optional() });

const NOT_FOUND = jsonAnswer(404, { message: 'Not Found' });
const BAD_REQUEST = jsonAnswer(400, { message: 'Bad Request' });
const FORBIDDEN = jsonAnswer(403, { message: 'Forbidden' });
const TOO_LONG = jsonAnswer(413, { message: 'Request Entity Too Large' });
const BROKEN = jsonAnswer(500, { message: 'Internal Server Error' });
const UNAVAILABLE = jsonAnswer(503, { message: 'Service Unavailable' });

/** A web page of somebody else must not get tokens from the development routes, whatever its DNS says. */
const fromHere = ({ headers }: IncomingMessage): boolean =>
  /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/.test(headers.host ?? '') &&
  (headers.origin === undefined || /^https?:\/\/(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/.test(headers.origin));

const askAuthorizer = async (
  invoke: Invoke,
  match: Match,
  event: HttpEvent,
): Promise<{ context?: Record<string, unknown> } | 'forbidden'> => {
  const { authorizerId } = match.route;
  if (authorizerId === undefined) return {};
  const verdict = Verdict.parse(await invoke(authorizerId, authorizerEvent(event)));
  return verdict.isAuthorized ? { context: verdict.context ?? {} } : 'forbidden';
};

const callRoute = async (
  invoke: Invoke,
  match: Match,
  request: IncomingMessage,
  at: { path: string; query: string },
): Promise<Answer> => {
  const body = await readBody(request, BODY_BYTES);
  if (body === TOO_LARGE) return TOO_LONG;
  const event = httpEvent(request, at, match);
  const verdict = await askAuthorizer(invoke, match, event);
  if (verdict === 'forbidden') return FORBIDDEN;
  const full = integrationEvent(event, body, request.headers['content-type'], verdict.context);
  return toAnswer(await invoke(match.route.functionId, full));
};

const callDev = async (handler: DevRoutes[string], request: IncomingMessage, query: string): Promise<Answer> => {
  if (!fromHere(request)) return FORBIDDEN;
  const body = await readBody(request, BODY_BYTES);
  if (body === TOO_LARGE) return TOO_LONG;
  const answer = await handler({ query: new URLSearchParams(query), body: body.toString('utf8') });
  return jsonAnswer(answer.status, answer.body);
};

const send = (response: ServerResponse, { status, headers, cookies, body }: Answer): void => {
  if (response.destroyed || response.headersSent) return;
  const closing = status === TOO_LONG.status ? { connection: 'close' } : {};
  response.writeHead(status, { ...headers, ...(cookies.length > 0 && { 'set-cookie': cookies }), ...closing });
  response.end(body);
};

const createAnswerer = ({ model, invoke, dev, limits }: Options): ((request: IncomingMessage) => Promise<Answer>) => {
  const match = createMatcher(model.http.routes);
  return async (request) => {
    const at = target(request);
    if (!at) return BAD_REQUEST;
    const devRoute = `${request.method} ${at.path}`;
    const handler = Object.hasOwn(dev, devRoute) ? dev[devRoute] : undefined;
    if (handler) return callDev(handler, request, at.query);
    const found = match(request.method ?? 'GET', at.path);
    if (found === 'undecodable') return BAD_REQUEST;
    if (found === 'unknown') return NOT_FOUND;
    const answer = await within(callRoute(invoke, found, request, at), limits?.integrationMs ?? INTEGRATION_MS);
    return answer === TIMED_OUT ? UNAVAILABLE : answer;
  };
};

/**
 * Serves the HTTP API, the WebSocket API (an upgrade on any path) and the development routes on one loopback port.
 * @throws StartError for a port that cannot be had
 */
export const startPublic = async (options: Options): Promise<Public> => {
  const answer = createAnswerer(options);
  const busy = createBusy();
  const sockets = startSockets({
    model: options.model,
    invoke: options.invoke,
    ...(options.limits?.sockets && { limits: options.limits.sockets }),
  });
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const result = await answer(request).catch(() => BROKEN);
    try {
      send(response, result);
    } catch {
      // A header that HTTP cannot carry: the function's fault, and nothing of it was sent.
      send(response, BROKEN);
    }
  };
  const server = createServer(
    {
      maxHeaderSize: HEADER_BYTES,
      requestTimeout: INTEGRATION_MS,
      shouldUpgradeCallback: ({ headers }) => headers.upgrade?.toLowerCase() === 'websocket',
    },
    (request, response) => void busy.track(serve(request, response)),
  );
  server.maxConnections = CONNECTIONS;
  server.on('upgrade', sockets.upgrade);
  const port = await listen(server, options.port);
  return {
    port,
    connections: sockets.connections,
    idle: () => busy.count() === 0 && sockets.idle(),
    close: async () => {
      await sockets.close();
      await close(server);
    },
  };
};
