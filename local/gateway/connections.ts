/** Open WebSocket connections: their limits, sending with a bound, and what the @connections API does to them. */
import { WebSocket } from 'ws';
import type { Handshake } from './socket-event.ts';

/** API Gateway's limits, and two of our own that keep memory bounded. */
export type SocketLimits = {
  frameBytes: number;
  messageBytes: number;
  idleMs: number;
  lifeMs: number;
  connections: number;
  /** Unsent bytes after which a client counts as not reading and is dropped. */
  unsentBytes: number;
};

export const SOCKET_LIMITS: SocketLimits = {
  frameBytes: 32 * 1024,
  messageBytes: 128 * 1024,
  idleMs: 10 * 60_000,
  lifeMs: 2 * 3_600_000,
  connections: 20_000,
  unsentBytes: 1024 * 1024,
};

export type Connection = { handshake: Handshake; socket: WebSocket; lastActiveAt: number };

/** The @connections API: send to, look at, close a connection. */
export type Connections = {
  post(id: string, data: Buffer): 'sent' | 'gone' | 'too-large';
  get(id: string): { connectedAt: number; lastActiveAt: number; identity: Handshake['identity'] } | undefined;
  drop(id: string): boolean;
};

/** Sends a text message; false when the client is gone, or is dropped now because it does not read. */
export const sendText = (connection: Connection, data: string | Buffer, { unsentBytes }: SocketLimits): boolean => {
  const { socket } = connection;
  if (socket.readyState !== WebSocket.OPEN) return false;
  if (socket.bufferedAmount > unsentBytes) {
    socket.terminate();
    return false;
  }
  socket.send(data, { binary: false });
  connection.lastActiveAt = Date.now();
  return true;
};

/** @param open connections by id; one that is being closed counts as gone */
export const createConnections = (open: Map<string, Connection>, limits: SocketLimits): Connections => {
  const live = (id: string): Connection | undefined => {
    const connection = open.get(id);
    return connection?.socket.readyState === WebSocket.OPEN ? connection : undefined;
  };
  return {
    post: (id, data) => {
      if (data.length > limits.messageBytes) return 'too-large';
      const connection = live(id);
      return connection && sendText(connection, data, limits) ? 'sent' : 'gone';
    },
    get: (id) => {
      const connection = live(id);
      if (!connection) return undefined;
      const { connectedAt, identity } = connection.handshake;
      return { connectedAt, identity, lastActiveAt: connection.lastActiveAt };
    },
    drop: (id) => {
      const connection = live(id);
      connection?.socket.close(1000, 'Connection Closed Normally');
      return connection !== undefined;
    },
  };
};

/** Closes a connection that is silent for too long or too old. Returns what cancels that. */
export const watchTime = (connection: Connection, { idleMs, lifeMs }: SocketLimits): (() => void) => {
  const goAway = (): void => connection.socket.close(1001, 'Going away');
  const end = setTimeout(goAway, lifeMs);
  let silence: NodeJS.Timeout | undefined;
  const look = (): void => {
    const left = connection.lastActiveAt + idleMs - Date.now();
    if (left <= 0) goAway();
    else silence = setTimeout(look, left);
  };
  look();
  return () => {
    clearTimeout(end);
    clearTimeout(silence);
  };
};
