/**
 * One HTTP/2 connection to APNs and its streams. It notices by itself that its peer is gone: a peer that was silent is
 * asked by PING, since a connection that died without a word (a frozen Lambda, a NAT that forgot it) gives no error.
 * Who sends again, and on which connection, is decided in apns-session.ts.
 */
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2';
import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { type Answer, type Failed, ignore, listen } from './apns-answer.ts';

/** One notification on its way. Times are of the monotonic clock, in milliseconds. */
export type Sending = {
  headers: Record<string, string>;
  body: string;
  since: number;
  writtenAt: number;
  /** It was sent once more already. */
  again: boolean;
  done: boolean;
  stream: ClientHttp2Stream | undefined;
  resolve: (answer: Answer) => void;
};

export type WireEvents = {
  /** A stream may be opened now. */
  room: () => void;
  /** No new stream may be opened here any more. */
  left: (wire: Wire, failure?: Failed) => void;
  answered: (sending: Sending, answer: Answer) => void;
  /** It has no answer, and gets none here. */
  lost: (sending: Sending, failure: Failed) => void;
  /** Nothing of it is left. */
  over: (wire: Wire) => void;
};

export type Wire = {
  phase: 'connecting' | 'open' | 'checking' | 'leaving' | 'over';
  /** APNs allows one stream until it has accepted a provider token on this connection. */
  proven: boolean;
  readonly streams: Set<Sending>;
  peerLimit: number;
  /** What the peer's GOAWAY said. */
  lastStream: number;
  readonly openedAt: number;
  heardAt: number;
  bytes: number;
  pingedAt: number | undefined;
  readonly socket: Socket;
  readonly session: ClientHttp2Session;
  readonly events: WireEvents;
};

const STREAMS_LIMIT = 1000;
const CONNECT_MS = 2000;
const SILENT_MS = 700;
const PONG_MS = 500;

const dial = (origin: URL, ca: string | undefined): Socket => {
  const host = origin.hostname.replace(/^\[|\]$/g, '');
  if (origin.protocol === 'http:') return connectPlain({ host, port: Number(origin.port || 80) });
  const port = Number(origin.port || 443);
  // An address is no server name (RFC 6066).
  const servername = isIP(host) ? '' : host;
  return connectTls({ host, port, servername, ALPNProtocols: ['h2'], ...(ca !== undefined && { ca }) });
};

/** How many streams may be opened now. */
export const roomOf = ({ phase, proven, peerLimit, streams }: Wire): number =>
  phase === 'open' ? (proven ? peerLimit : 1) - streams.size : 0;

const failureOf = (wire: Wire, { stream }: Sending, otherwise: Failed): Failed => {
  if (stream?.id === undefined) return { failed: otherwise.failed, arrived: 'no' };
  if (stream.id > wire.lastStream) return { failed: 'goaway', arrived: 'no' };
  if (stream.rstCode === constants.NGHTTP2_REFUSED_STREAM) return { failed: 'refused', arrived: 'no' };
  return otherwise;
};

/** The end, also for what is in flight. */
export const end = (wire: Wire, failed: Failed['failed']): void => {
  if (wire.phase === 'over') return;
  const failure: Failed = { failed, arrived: wire.phase === 'connecting' ? 'no' : 'unknown' };
  const wasLeaving = wire.phase === 'leaving';
  wire.phase = 'over';
  wire.session.destroy();
  // The session alone would wait for its last words to be taken, which a silent peer never does.
  wire.socket.destroy();
  wire.events.over(wire);
  if (!wasLeaving) wire.events.left(wire, failure);
  const lost = [...wire.streams];
  wire.streams.clear();
  for (const sending of lost) if (!sending.done) wire.events.lost(sending, failureOf(wire, sending, failure));
};

/** No new streams; what is in flight may finish. */
export const leave = (wire: Wire): void => {
  if (wire.phase === 'leaving' || wire.phase === 'over') return;
  wire.phase = 'leaving';
  wire.events.left(wire);
  if (wire.streams.size === 0) end(wire, 'closed');
};

const closed = (wire: Wire, sending: Sending): void => {
  if (!wire.streams.delete(sending)) return;
  if (!sending.done) {
    const failed = wire.lastStream < Number.POSITIVE_INFINITY ? 'goaway' : wire.session.destroyed ? 'closed' : 'reset';
    const failure = failureOf(wire, sending, { failed, arrived: 'unknown' });
    if (failure.arrived === 'no') leave(wire);
    wire.events.lost(sending, failure);
  }
  if (wire.phase === 'leaving' && wire.streams.size === 0) end(wire, 'closed');
  else wire.events.room();
};

/** Opens a stream; the caller has looked that there is room. */
export const write = (wire: Wire, sending: Sending, now: number): void => {
  sending.writtenAt = now;
  wire.streams.add(sending);
  try {
    const stream = wire.session.request(sending.headers);
    sending.stream = stream;
    listen(stream, (answer) => {
      if (answer.status !== 403) wire.proven = true;
      wire.events.answered(sending, answer);
    });
    stream.on('close', () => closed(wire, sending));
    stream.end(sending.body);
  } catch {
    // The session knew first that it takes no more.
    sending.stream = undefined;
    wire.streams.delete(sending);
    leave(wire);
    wire.events.lost(sending, { failed: 'refused', arrived: 'no' });
  }
};

/** Asks whether the peer is there; until it answers, nothing is written to a wire that is `checking`. */
export const ask = (wire: Wire, now: number): void => {
  wire.pingedAt = now;
  if (wire.session.destroyed) return;
  wire.session.ping((error) => {
    if (error || wire.phase === 'over') return;
    wire.pingedAt = undefined;
    wire.heardAt = performance.now();
    if (wire.phase === 'checking') wire.phase = 'open';
    wire.events.room();
  });
};

/** Looks after the connection, some times a second, while something is to be sent. */
export const watch = (wire: Wire, now: number): void => {
  if (wire.phase === 'connecting') {
    if (now - wire.openedAt > CONNECT_MS) end(wire, 'connect');
    return;
  }
  const bytes = wire.socket.bytesRead;
  if (bytes !== wire.bytes) {
    wire.bytes = bytes;
    wire.heardAt = now;
    // What lay in the socket of a process that was frozen proves nothing.
    if (wire.phase !== 'checking') wire.pingedAt = undefined;
  }
  if (wire.pingedAt !== undefined) {
    if (now - wire.pingedAt > PONG_MS) end(wire, 'closed');
    return;
  }
  const [oldest] = wire.streams;
  if (oldest && now - Math.max(wire.heardAt, oldest.writtenAt) > SILENT_MS) ask(wire, now);
};

/** Connects; `room` is called when it may be used. */
export const openWire = (origin: URL, ca: string | undefined, events: WireEvents): Wire => {
  const socket = dial(origin, ca).setNoDelay(true).on('error', ignore);
  const session = connect(origin, { createConnection: () => socket, settings: { enablePush: false } });
  const openedAt = performance.now();
  const clocks = { openedAt, heardAt: openedAt, bytes: 0, pingedAt: undefined };
  const limits = { proven: false, peerLimit: STREAMS_LIMIT, lastStream: Number.POSITIVE_INFINITY };
  const wire: Wire = { phase: 'connecting', streams: new Set(), ...limits, ...clocks, socket, session, events };
  session.on('error', ignore);
  session.on('connect', () => {
    if (wire.phase === 'connecting') wire.phase = 'open';
    wire.heardAt = performance.now();
    events.room();
  });
  session.on('remoteSettings', ({ maxConcurrentStreams = STREAMS_LIMIT }) => {
    wire.peerLimit = Math.min(maxConcurrentStreams, STREAMS_LIMIT);
    events.room();
  });
  session.on('goaway', (_code, lastStream) => {
    wire.lastStream = lastStream;
    leave(wire);
  });
  session.on('close', () => end(wire, wire.phase === 'connecting' ? 'connect' : 'closed'));
  // The sweep of apns-session.ts holds the process while something is to be sent, and nothing else does.
  session.unref();
  return wire;
};
