/**
 * API Gateway's WebSocket API on `ws`: handshakes, messages, ends.
 * A client that sends faster than its messages are handled is not read until they are; one that does not read what it
 * is sent is dropped.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type RawData, WebSocketServer } from 'ws';
import type { Invoke, Model } from '../model.ts';
import { type Busy, createBusy, until } from './body.ts';
import {
  type Connection,
  type Connections,
  createConnections,
  SOCKET_LIMITS,
  type SocketLimits,
  sendText,
  watchTime,
} from './connections.ts';
import { admit } from './socket-admission.ts';
import { disconnectEvent, type Handshake, readHandshake } from './socket-event.ts';
import { watchFrames } from './socket-frames.ts';
import { createInbox } from './socket-inbox.ts';

const GOODBYE_MS = 2_000;

export type Sockets = {
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  connections: Connections;
  idle(): boolean;
  close(): Promise<void>;
};

type State = {
  model: Model;
  invoke: Invoke;
  limits: SocketLimits;
  open: Map<string, Connection>;
  /** Sockets whose handshake is not decided yet. */
  pending: Set<Duplex>;
  busy: Busy;
  server: WebSocketServer;
  closing: boolean;
};

const isHandshake = ({ method, headers }: IncomingMessage): boolean =>
  method === 'GET' &&
  headers['sec-websocket-version'] === '13' &&
  /^[+/0-9A-Za-z]{22}==$/.test(headers['sec-websocket-key'] ?? '');

const refuse = (raw: Duplex, status: number, message: string, connectionId: string): void => {
  const body = JSON.stringify({ message, connectionId, requestId: connectionId });
  const head = [`HTTP/1.1 ${status} ${message}`, 'content-type: application/json', 'connection: close'];
  raw.end([...head, `content-length: ${Buffer.byteLength(body)}`, '', body].join('\r\n'), () => raw.destroy());
};

const toBuffer = (data: RawData): Buffer => {
  if (Array.isArray(data)) return Buffer.concat(data);
  return data instanceof ArrayBuffer ? Buffer.from(data) : data;
};

/** Calls $disconnect; best effort, as on AWS. */
const farewell = ({ model, invoke, busy }: State, handshake: Handshake, code: number, reason: string): void => {
  const route = model.sockets.routes.$disconnect;
  if (!route) return;
  const say = async (): Promise<unknown> => invoke(route.functionId, disconnectEvent(handshake, code, reason));
  void busy.track(say().catch(() => undefined));
};

const begin = (state: State, connection: Connection): void => {
  const { model, invoke, limits, open, busy } = state;
  const { handshake, socket } = connection;
  const send = (data: string): boolean => sendText(connection, data, limits);
  const inbox = createInbox({ handshake, socket, send, route: model.sockets.routes.$default, invoke, busy });
  const forget = watchTime(connection, limits);
  open.set(handshake.connectionId, connection);
  socket.on('message', (data, binary) => inbox.receive(toBuffer(data), binary));
  // `ws` closes with the right code after each of its errors; there is nothing more to do.
  socket.on('error', () => undefined);
  socket.once('close', (code, reason) => {
    forget();
    open.delete(handshake.connectionId);
    farewell(state, handshake, code, reason.toString('utf8'));
  });
};

/** Turns an admitted request into a connection, watching the frames before `ws` puts them together. */
const complete = (state: State, handshake: Handshake, request: IncomingMessage, raw: Duplex, head: Buffer): void => {
  let connection: Connection | undefined;
  const watch = watchFrames((bytes) => {
    if (bytes > state.limits.frameBytes) connection?.socket.close(1009, 'Message too big');
  });
  raw.on('data', (chunk: Buffer) => {
    if (connection) connection.lastActiveAt = Date.now();
    watch(chunk);
  });
  state.server.handleUpgrade(request, raw, head, (socket) => {
    connection = { handshake, socket, lastActiveAt: Date.now() };
    begin(state, connection);
  });
  // `ws` calls back at once or never: then the client is gone, or asked for what it may not.
  if (!connection) farewell(state, handshake, 1006, '');
};

const handle = async (state: State, request: IncomingMessage, raw: Duplex, head: Buffer): Promise<void> => {
  const handshake = readHandshake(request);
  const turnAway = (status: number, message: string): void => refuse(raw, status, message, handshake.connectionId);
  if (state.closing) return turnAway(503, 'Service Unavailable');
  if (!isHandshake(request)) return turnAway(400, 'Bad Request');
  if (state.open.size + state.pending.size >= state.limits.connections) return turnAway(429, 'Too Many Requests');
  state.pending.add(raw);
  const admission = await admit(state.model, state.invoke, handshake);
  state.pending.delete(raw);
  if (!('authorizer' in admission)) return turnAway(admission.status, admission.message);
  const { authorizer } = admission;
  complete(state, { ...handshake, authorizer }, request, raw, head);
};

const closeAll = async (state: State): Promise<void> => {
  state.closing = true;
  for (const { socket } of state.open.values()) socket.close(1001, 'Going away');
  await until(() => state.open.size === 0 && state.busy.count() === 0, GOODBYE_MS);
  for (const { socket } of state.open.values()) socket.terminate();
  for (const raw of state.pending) raw.destroy();
};

/** Serves WebSocket connections as the model's routes say. */
export const startSockets = (options: { model: Model; invoke: Invoke; limits?: Partial<SocketLimits> }): Sockets => {
  const limits = { ...SOCKET_LIMITS, ...options.limits };
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: limits.messageBytes,
    perMessageDeflate: false,
    handleProtocols: () => false,
  });
  const busy = createBusy();
  const state: State = { ...options, limits, open: new Map(), pending: new Set(), busy, server, closing: false };
  return {
    upgrade: (request, raw, head) => {
      raw.on('error', () => raw.destroy());
      void busy.track(handle(state, request, raw, head));
    },
    connections: createConnections(state.open, limits),
    idle: () => busy.count() === 0,
    close: () => closeAll(state),
  };
};
