/**
 * Sends notifications to one origin over HTTP/2, on one connection at a time, which is replaced when it fails. We speak
 * it ourselves because the library's session waits 5 s for a dead peer and is never replaced.
 * What surely did not arrive, or was in flight when a connection died, is sent once more: its apns-id lets the phone show
 * one. A background push is not, unless it surely did not arrive.
 */
import { constants } from 'node:http2';
import type { Answer, Failed } from './apns-answer.ts';
import { ask, end, leave, openWire, roomOf, type Sending, type Wire, watch, write } from './apns-stream.ts';

export type { Answer, Answered, Failed } from './apns-answer.ts';

type Request = { token: string; headers: Record<string, string>; body: string };
type Options = {
  /** The wall clock in milliseconds. It runs on while a process is frozen, the monotonic one need not. */
  wall: () => number;
  /** A root certificate (PEM) in place of the public ones. */
  ca?: string;
};
export type ApnsSession = {
  /** Never throws; ends within 5 s. */
  send: (request: Request) => Promise<Answer>;
  /** What is sent from now on takes a new connection. */
  renew: () => void;
  close: () => void;
};

const DEADLINE_MS = 5000;
const QUEUE_LIMIT = 10_000;
const QUIET_MS = 30_000;
const CLOCKS_MS = 1000;
const SWEEP_MS = 50;
const LATE_MS = 50;

const never: Failed = { failed: 'closed', arrived: 'no' };
const full: Failed = { failed: 'our queue is full', arrived: 'no' };

type State = {
  readonly origin: URL;
  readonly options: Options;
  /** Those before `head` are sent. */
  queue: Sending[];
  head: number;
  /** To be sent once more, before all others. */
  again: Sending[];
  /** Takes new streams. */
  wire: Wire | undefined;
  readonly wires: Set<Wire>;
  timer: NodeJS.Timeout | undefined;
  sweptAt: number;
  usedAt: number;
  usedAtWall: number;
  closed: boolean;
};

const isEmpty = ({ queue, head, again }: State): boolean => head === queue.length && again.length === 0;

const next = (state: State): Sending | undefined => {
  const first = state.again.shift();
  if (first) return first;
  const sending = state.queue[state.head++];
  if (state.head === state.queue.length || state.head >= QUEUE_LIMIT) {
    state.queue = state.queue.slice(state.head);
    state.head = 0;
  }
  return sending;
};

const answer = (sending: Sending, with_: Answer): void => {
  sending.done = true;
  sending.resolve(with_);
};

const fail = (state: State, sending: Sending, failure: Failed): void => {
  if (sending.done) return;
  // A reset of one stream is the peer's verdict on it. Background pushes are counted: one that may be there goes once.
  const goesOnce = failure.arrived === 'unknown' && sending.headers['apns-push-type'] === 'background';
  if (state.closed || sending.again || goesOnce || failure.failed === 'reset') {
    answer(sending, failure);
    return;
  }
  sending.again = true;
  state.again.push(sending);
  fill(state);
};

const open = (state: State): Wire => {
  const wire = openWire(state.origin, state.options.ca, {
    room: () => fill(state),
    left: (left, failure) => {
      if (state.wire === left) state.wire = undefined;
      if (failure?.failed === 'connect') failWaiting(state, failure);
      else fill(state);
    },
    answered: (sending, with_) => {
      if (!sending.done) answer(sending, with_);
    },
    lost: (sending, failure) => fail(state, sending, failure),
    over: (over) => state.wires.delete(over),
  });
  state.wires.add(wire);
  return wire;
};

/** Those that wait for a connection have seen one more that failed. */
const failWaiting = (state: State, failure: Failed): void => {
  const waiting = [...state.again, ...state.queue.slice(state.head)];
  Object.assign(state, { queue: [], head: 0, again: [] });
  for (const sending of waiting) fail(state, sending, failure);
};

/** Opens as many streams as there may be. */
const fill = (state: State): void => {
  while (!state.closed && !isEmpty(state)) {
    state.wire ??= open(state);
    if (roomOf(state.wire) <= 0) return;
    const sending = next(state);
    if (sending && !sending.done) write(state.wire, sending, performance.now());
  }
};

const expire = (wire: Wire, now: number): void => {
  for (const sending of wire.streams) {
    if (sending.done || now - sending.since < DEADLINE_MS) continue;
    answer(sending, { failed: 'timeout', arrived: 'unknown' });
    leave(wire);
    sending.stream?.close(constants.NGHTTP2_CANCEL);
  }
};

/** One timer for all deadlines. */
const sweep = (state: State): void => {
  const now = performance.now();
  const late = now - state.sweptAt > SWEEP_MS + LATE_MS;
  state.sweptAt = now;
  // A busy process reads first what has come meanwhile; then it judges.
  if (late) return void setImmediate(() => judge(state, performance.now()));
  judge(state, now);
};

const judge = (state: State, now: number): void => {
  for (const wire of [...state.wires]) {
    expire(wire, now);
    watch(wire, now);
  }
  for (const sending of [...state.again, ...state.queue.slice(state.head)])
    if (!sending.done && now - sending.since >= DEADLINE_MS)
      answer(sending, { failed: 'timeout', arrived: sending.again ? 'unknown' : 'no' });
  const isBusy = !isEmpty(state) || [...state.wires].some(({ streams }) => streams.size > 0);
  if (isBusy) return;
  clearInterval(state.timer);
  state.timer = undefined;
};

/** Before use: a connection that was quiet for long, or a process that was frozen, has to prove that it lives. */
const guard = (state: State, now: number): void => {
  const wall = state.options.wall();
  const wasFrozen = Math.abs(wall - state.usedAtWall - (now - state.usedAt)) > CLOCKS_MS;
  state.usedAt = now;
  state.usedAtWall = wall;
  const { wire } = state;
  // Nobody waited for the answer to a PING of the last time.
  if (wire?.phase === 'open' && !state.timer) wire.pingedAt = undefined;
  if (wire?.phase !== 'open' || (!wasFrozen && now - wire.heardAt <= QUIET_MS)) return;
  wire.phase = 'checking';
  ask(wire, now);
};

const send = (state: State, { token, headers, body }: Request): Promise<Answer> =>
  new Promise((resolve) => {
    if (state.closed) return resolve(never);
    if (state.queue.length - state.head >= QUEUE_LIMIT) return resolve(full);
    const now = performance.now();
    guard(state, now);
    const path = { ':method': 'POST', ':path': `/3/device/${encodeURIComponent(token)}` };
    const times = { since: now, writtenAt: now, again: false, done: false, stream: undefined };
    state.queue.push({ headers: { ...path, ...headers }, body, ...times, resolve });
    if (!state.timer) {
      state.sweptAt = now;
      state.timer = setInterval(() => sweep(state), SWEEP_MS);
    }
    fill(state);
  });

/** Connects when it is first used. */
export const createApnsSession = (origin: URL | string, options: Options): ApnsSession => {
  const queue = { queue: [], head: 0, again: [], wire: undefined, wires: new Set<Wire>(), timer: undefined };
  const used = { sweptAt: 0, usedAt: performance.now(), usedAtWall: options.wall() };
  const state: State = { origin: new URL(origin), options, ...queue, ...used, closed: false };
  return {
    send: (request) => send(state, request),
    renew: () => state.wire && leave(state.wire),
    close: () => {
      state.closed = true;
      clearInterval(state.timer);
      for (const wire of [...state.wires]) end(wire, 'closed');
      failWaiting(state, never);
    },
  };
};
