/** The booted system for a test file, and people who use it over HTTP and WebSocket. No sleeps: conditions and drain. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import { WebSocket } from 'ws';
import type { Tenant } from '../core/tenants.ts';
import { boot, type System } from '../local/system.ts';
import { roomy } from '../local/tenants.ts';

export type Answer = { status: number; body: Json; headers: Headers };
// biome-ignore lint/suspicious/noExplicitAny: what a server answers has no type before it is checked
export type Json = any;
type Call = { token?: string | undefined; body?: unknown; headers?: Record<string, string>; raw?: string };

export const request = async (
  origin: string,
  method: string,
  path: string,
  { token, body, headers, raw }: Call = {},
): Promise<Answer> => {
  const sent = raw ?? (body === undefined ? undefined : JSON.stringify(body));
  const response = await fetch(origin + path, {
    method,
    headers: {
      ...(token ? { authorization: `Bearer ${token}` } : {}),
      ...(sent === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(sent === undefined ? {} : { body: sent }),
  });
  const text = await response.text();
  const json = (response.headers.get('content-type') ?? '').includes('json');
  return { status: response.status, body: json ? JSON.parse(text) : text, headers: response.headers };
};

export type Frame = { type: string; [field: string]: Json };

/** A device's socket: collects frames; `until` waits for one that fits. */
export type Phone = {
  frames: Frame[];
  send: (frame: unknown) => void;
  until: (fits: (frame: Frame) => boolean) => Promise<Frame>;
  closed: Promise<number>;
  close: () => void;
};

/** What came so far, and a promise of what is still to come; 10 s are long enough for everything. */
const collect = <T>(what: string, items: T[] = []) => {
  const waiting = new Set<() => void>();
  const add = (item: T): void => {
    items.push(item);
    for (const look of [...waiting]) look();
  };
  const until = (fits: (item: T) => boolean): Promise<T> =>
    new Promise((resolve, reject) => {
      const late = () => {
        waiting.delete(look);
        reject(new Error(`no such ${what} among ${JSON.stringify(items.slice(-20))}`));
      };
      const timer = setTimeout(late, 10_000);
      const look = () => {
        const found = items.find(fits);
        if (found === undefined) return;
        clearTimeout(timer);
        waiting.delete(look);
        resolve(found);
      };
      waiting.add(look);
      look();
    });
  return { items, add, until };
};

/** Rejects with the status of a refused handshake in its message. */
export const openSocket = (url: string): Promise<Phone> => {
  const socket = new WebSocket(url);
  const { items: frames, add, until } = collect<Frame>('frame');
  const closed = new Promise<number>((resolve) => socket.once('close', resolve));
  socket.on('message', (data) => add(JSON.parse(String(data))));
  const send = (frame: unknown) => socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame));
  return new Promise((resolve, reject) => {
    socket.once('open', () => resolve({ frames, send, until, closed, close: () => socket.close() }));
    socket.once('error', reject);
  });
};

export type Person = {
  user: string;
  token: string;
  call: (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<Answer>;
  /** Connects a device; rejects when the handshake is refused. */
  connect: (device: string) => Promise<Phone>;
};

export type World = System & {
  log: Record<string, Json>[];
  /** The first log entry that fits, now or within 10 s. */
  logged: (fits: (entry: Record<string, Json>) => boolean) => Promise<Record<string, Json>>;
  person: (user: string, options?: { tenant?: string; ttlSeconds?: number }) => Promise<Person>;
  /** Two people who have matched, and their conversation. */
  matched: (a: string, b: string, tenant?: string) => Promise<{ a: Person; b: Person; conversationId: string }>;
  pushes: () => Promise<Json[]>;
};

export const personOf = async (
  system: Pick<System, 'http' | 'ws'>,
  user: string,
  options: { tenant?: string; ttlSeconds?: number } = {},
): Promise<Person> => {
  const minted = await request(system.http, 'POST', '/dev/token', { body: { user, ...options } });
  expect(minted.status, JSON.stringify(minted.body)).toBe(200);
  const token: string = minted.body.token;
  const call: Person['call'] = (method, path, body, headers) =>
    request(system.http, method, path, { token, body, ...(headers ? { headers } : {}) });
  const connect = async (device: string): Promise<Phone> => {
    const { body } = await call('POST', '/v1/socket-tickets', {});
    return openSocket(`${system.ws}/?ticket=${body.ticket}&device=${device}`);
  };
  return { user, token, call, connect };
};

type Logs = ReturnType<typeof collect<Record<string, Json>>>;

const people = (system: System, { items: log, until: logged }: Logs): World => {
  const person: World['person'] = (user, options) => personOf(system, user, options);
  const matched: World['matched'] = async (first, second, tenant = 'demo') => {
    const [a, b] = await Promise.all([person(first, { tenant }), person(second, { tenant })]);
    await a.call('PUT', `/v1/reactions/${b.user}`, { type: 'like' });
    const { body } = await b.call('PUT', `/v1/reactions/${a.user}`, { type: 'like' });
    expect(body.matched).toBe(true);
    return { a, b, conversationId: body.conversationId };
  };
  return {
    ...system,
    log,
    logged,
    person,
    matched,
    pushes: async () => (await request(system.http, 'GET', '/dev/pushes')).body.pushes,
  };
};

type WorldOptions = {
  env?: Record<string, string>;
  graceSeconds?: number;
  /** Instead of those that are never reached. */
  limits?: Tenant['limits'] | 'as deployed';
};

/** Boots the system before a file's tests and stops it after them. */
export const useWorld = ({ limits = roomy, ...given }: WorldOptions = {}): (() => World) => {
  const data = mkdtempSync(join(tmpdir(), 'chorus-'));
  const logs = collect<Record<string, Json>>('log entry');
  const options = { ...given, ...(limits === 'as deployed' ? {} : { limits }) };
  let world: World | undefined;
  beforeAll(async () => {
    const system = await boot({ data, port: 0, quiet: true, onLog: logs.add, ...options });
    world = people(system, logs);
  });
  afterAll(async () => {
    await world?.stop();
    rmSync(data, { recursive: true, force: true });
  });
  return () => {
    if (!world) throw new Error('the system has not booted');
    return world;
  };
};

let keys = 0;
/** A fresh Idempotency-Key. */
export const key = (name = `key-${++keys}`): Record<string, string> => ({ 'idempotency-key': name });
