/**
 * One client's HTTP/2 connection to the local APNs, and the ways in which it ends. As with Apple it carries one stream
 * until a provider token was good, then a thousand; the protocol library refuses what a client opens beyond.
 */
import { constants, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';

export const FIRST_STREAMS = 1;
const STREAMS = 1000;

export type Connection = {
  /** A provider token was good. */
  welcome(): void;
  /** Is this stream still to be answered? */
  hears(stream: ServerHttp2Stream): boolean;
  /** Its push is delivered: no GOAWAY may deny that. */
  take(stream: ServerHttp2Stream): void;
  /** This stream and those after it are not processed, unless they were already; those before it may finish. */
  goAway(stream: ServerHttp2Stream): void;
  /** Ends as an idle one does, when its streams have ended. */
  retire(): void;
  /** Reads no byte more and writes none. */
  mute(): void;
  /** TCP's reset. */
  reset(): void;
};

const because = (reason: string): Buffer => Buffer.from(JSON.stringify({ reason }));

/** Node's public way to pause does not reach a socket whose reading HTTP/2 has taken over. */
const stopReading = (socket: Socket): void => {
  const handle: { readStop?: () => void } | undefined = Reflect.get(socket, '_handle');
  handle?.readStop?.();
};

const createConnection = (session: ServerHttp2Session, socket: Socket): Connection => {
  let streams = FIRST_STREAMS;
  let last = Number.POSITIVE_INFINITY;
  let taken = 0;
  let isMute = false;
  return {
    welcome: () => {
      if (streams === STREAMS || session.destroyed || session.closed) return;
      streams = STREAMS;
      session.settings({ maxConcurrentStreams: STREAMS });
    },
    hears: (stream) => !isMute && !stream.destroyed && (stream.id ?? 0) <= last,
    take: ({ id = 0 }) => {
      taken = Math.max(taken, id);
    },
    goAway: (stream) => {
      last = Math.max((stream.id ?? 0) - 2, taken);
      session.goaway(constants.NGHTTP2_NO_ERROR, last, because('Shutdown'));
      // Also where GOAWAY cannot say it: Node's has no word for "none was processed".
      if (!stream.destroyed) stream.close(constants.NGHTTP2_REFUSED_STREAM);
      session.close();
    },
    retire: () => {
      session.goaway(constants.NGHTTP2_NO_ERROR, 0, because('IdleTimeout'));
      session.close();
    },
    mute: () => {
      isMute = true;
      stopReading(socket);
    },
    reset: () => void socket.resetAndDestroy(),
  };
};

export type Connections = {
  of(stream: ServerHttp2Stream): Connection | undefined;
  destroy(): void;
};

/** Knows the connections of a server from their beginning to their end. */
export const createConnections = (server: Http2Server): Connections => {
  const sockets = new Map<ServerHttp2Session, Socket>();
  const connections = new Map<ServerHttp2Session, Connection>();
  let arriving: Socket | undefined;
  // Node tells of the socket first and of the session on it within the same turn.
  server.prependListener('connection', (socket: Socket) => {
    arriving = socket;
  });
  server.on('session', (session) => {
    if (!arriving) return session.destroy();
    sockets.set(session, arriving);
    connections.set(session, createConnection(session, arriving));
    session.once('close', () => {
      sockets.delete(session);
      connections.delete(session);
    });
    // A client that breaks its connection is no concern of the server's.
    session.on('error', () => session.destroy());
  });
  return {
    of: ({ session }) => connections.get(session as ServerHttp2Session),
    destroy: () => {
      for (const [session, socket] of sockets) {
        session.destroy();
        socket.destroy();
      }
    },
  };
};
