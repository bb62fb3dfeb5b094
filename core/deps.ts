/**
 * Everything outside that a use case may call, in one object, made at the edge for each invocation. Clients load when
 * they are first used, so that a cold start pays for what it needs.
 */
import { randomBytes } from 'node:crypto';
import type { Archive, Bucket } from './bucket.ts';
import { createDdb, type Ddb, type Meter, type Send, sendToDynamo } from './ddb.ts';
import { type Env, env } from './env.ts';
import type { InvokeFunction } from './invoke.ts';
import { type Log, log } from './log.ts';
import type { Enqueue } from './queue.ts';
import { type Random, type Sleep, sleep } from './retry.ts';
import type { Sockets } from './sockets.ts';

export type Deps = {
  env: Env;
  ddb: Ddb;
  sockets: Sockets;
  enqueue: Enqueue;
  bucket: Bucket;
  exported: Bucket;
  archive: Archive;
  invoke: InvokeFunction;
  /** The server's clock. Data, never order. */
  now: () => Date;
  random: Random;
  sleep: Sleep;
  log: Log;
};

/** The doors to the outside, so that a test or a simulation can stand in them. */
export type Ports = Omit<Deps, 'ddb' | 'env'> & { send: Send };

const sockets: Sockets = {
  post: async (...args) => (await import('./sockets.ts')).sockets.post(...args),
  close: async (...args) => (await import('./sockets.ts')).sockets.close(...args),
};

const bucket: Bucket = {
  put: async (...args) => (await import('./bucket.ts')).bucket.put(...args),
  get: async (...args) => (await import('./bucket.ts')).bucket.get(...args),
  remove: async (...args) => (await import('./bucket.ts')).bucket.remove(...args),
  list: async (...args) => (await import('./bucket.ts')).bucket.list(...args),
};

const exported: Bucket = {
  put: async (...args) => (await import('./bucket.ts')).exported.put(...args),
  get: async (...args) => (await import('./bucket.ts')).exported.get(...args),
  remove: async (...args) => (await import('./bucket.ts')).exported.remove(...args),
  list: async (...args) => (await import('./bucket.ts')).exported.list(...args),
};

const archive: Archive = {
  add: async (...args) => (await import('./bucket.ts')).archive.add(...args),
  get: async (...args) => (await import('./bucket.ts')).archive.get(...args),
  hide: async (...args) => (await import('./bucket.ts')).archive.hide(...args),
  list: async (...args) => (await import('./bucket.ts')).archive.list(...args),
};

export const ports: Ports = {
  send: sendToDynamo,
  sockets,
  enqueue: async (...args) => (await import('./queue.ts')).enqueue(...args),
  bucket,
  exported,
  archive,
  invoke: async (...args) => (await import('./invoke.ts')).invokeFunction(...args),
  now: () => new Date(),
  random: { id: () => randomBytes(16).toString('base64url'), unit: Math.random },
  sleep,
  log,
};

export const makeDeps = (meter: Meter, { send, ...rest }: Ports = ports): Deps => ({
  ...rest,
  env: env(),
  ddb: createDdb(send, meter, rest.random, rest.sleep),
});
