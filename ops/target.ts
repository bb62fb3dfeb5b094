/**
 * Where a command works: the system that `npm start` runs, found through its data folder, or a stack on AWS, found by its
 * functions with the credentials at hand. Both are asked the same questions in the same words.
 */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import type { Item, Meter } from '../core/ddb.ts';
import { type Deps, makeDeps, ports } from '../core/deps.ts';
import type { Env } from '../core/env.ts';
import { errorName, type Log } from '../core/log.ts';
import { OpsError } from './command.ts';
import { type Deployed, findFunctions } from './functions.ts';
import { searchLogs } from './logs.ts';
import { type ScanOptions, scanTable } from './scan.ts';

export type Target = {
  /** 'local' or the stack's name. */
  name: string;
  /** The functions' own environment, so that core's functions can be used. */
  env: Env;
  /** Real ports; a log that stays silent, unless `--verbose`. */
  deps: Deps;
  /** What was consumed so far. */
  meter: Meter;
  /** Reads a whole table page by page, at most `unitsPerSecond` read units a second (`--rate` when not said). */
  scan(table: 'events' | 'inbox' | 'views' | 'devices' | 'transactions', options?: ScanOptions): AsyncIterable<Item[]>;
  /** ARN of the function made from this entry file. */
  functionOf(entry: string): Promise<string>;
  /** Log entries of all functions that match all these fields, in the order of their times. */
  logs(filter: Record<string, string | number>, since?: Date, until?: Date): AsyncIterable<Record<string, unknown>>;
  close(): Promise<void>;
};

export type Where = { data: string } | { stack: string };
export type Options = { log: Log; unitsPerSecond?: number };

const root = join(import.meta.dirname, '..');
/** Of a scan that nobody gave a rate: a small part of what an on-demand table gives from its first second on. */
const AWS_UNITS_PER_SECOND = 200;
/** As long as a local system needs to answer at most. */
const ANSWER_MS = 5000;

/** What `npm start` leaves in its data folder while it runs. */
const Running = z.object({ pid: z.int(), env: z.record(z.string(), z.string()) });

const notRunning = (data: string): OpsError =>
  new OpsError(
    `no system runs on ${data}: start it with npm start, or name its folder with --data or a stack with --stack`,
  );

const readRunning = (data: string): z.infer<typeof Running> => {
  try {
    return Running.parse(JSON.parse(readFileSync(join(data, 'system.json'), 'utf8')));
  } catch {
    throw notRunning(data);
  }
};

/** The SDK looks for its settings in the process's environment, as in the functions; what the user has of AWS leads elsewhere. */
const bindAws = (env: Record<string, string>): void => {
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_') && !(name in env)) delete process.env[name];
  for (const [name, value] of Object.entries(env)) if (name.startsWith('AWS_')) process.env[name] = value;
};

const findLocal = async (data: string): Promise<Deployed> => {
  const { env } = readRunning(data);
  bindAws(env);
  const late = AbortSignal.timeout(ANSWER_MS);
  const isLate = new Promise<undefined>((done) => late.addEventListener('abort', () => done(undefined)));
  // Whoever answers under an address that a killed system had may be anybody, also another system of this kind.
  const found = await Promise.race([findFunctions(undefined).catch(() => undefined), isLate]);
  if (!found || found.env.TENANTS_DIR !== env.TENANTS_DIR) throw notRunning(data);
  return found;
};

const findStack = async (stack: string): Promise<Deployed> => {
  const found = await findFunctions(stack).catch((error: unknown) => {
    throw new OpsError(
      `AWS does not list the functions of ${stack}: check credentials and AWS_REGION (${errorName(error)})`,
    );
  });
  if (!found)
    throw new OpsError(
      `there is no stack ${stack} here: name it as it was deployed, such as chorus-prod, and check AWS_REGION`,
    );
  return { ...found, env: { ...found.env, TENANTS_DIR: join(root, 'tenants') } };
};

/** Core reads the functions' environment from the process, once. */
const bindEnv = (env: Record<string, string>): void => {
  for (const [name, value] of Object.entries(env)) if (!/^(AWS|NODE)_/.test(name)) process.env[name] = value;
};

/** @throws OpsError when nobody is there */
export const openTarget = async (where: Where, { log, unitsPerSecond }: Options): Promise<Target> => {
  const name = 'stack' in where ? where.stack : 'local';
  const {
    env: bound,
    logGroups,
    functionOf,
  } = await ('stack' in where ? findStack(where.stack) : findLocal(resolve(where.data)));
  bindEnv(bound);
  const meter: Meter = { read: 0, write: 0 };
  const deps = makeDeps(meter, { ...ports, log });
  const { env } = deps;
  if (env.EVENTS_TABLE !== bound.EVENTS_TABLE) throw new Error('this process already works somewhere else');
  const tables = {
    events: env.EVENTS_TABLE,
    inbox: env.INBOX_TABLE,
    views: env.VIEWS_TABLE,
    devices: env.DEVICES_TABLE,
    transactions: env.TRANSACTIONS_TABLE,
  };
  const rate = unitsPerSecond ?? (name === 'local' ? undefined : AWS_UNITS_PER_SECOND);
  return {
    name,
    env,
    deps,
    meter,
    scan: (table, options) =>
      scanTable(tables[table], meter, { ...(rate === undefined ? {} : { unitsPerSecond: rate }), ...options }),
    functionOf: async (entry) => functionOf(entry),
    logs: (filter, since, until) => searchLogs(logGroups, { filter, since, until }),
    close: async () => undefined,
  };
};
