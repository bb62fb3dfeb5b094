/**
 * AWS, simulated: the template's functions, tables, streams, queues and sockets, with the real handler files behind
 * them. Several clouds can share one database (the twin tenants); each has dice, clock and faults of its own.
 */
import { createHash } from 'node:crypto';
import type { Bucket } from '../../core/bucket.ts';
import type { Entry } from '../../core/log.ts';
import type { Shown } from './appstore/checks.ts';
import { createStore, type Store } from './appstore/store.ts';
import { createDoors } from './doors.ts';
import type { Dynamo } from './dynamo/dynamo.ts';
import type { Faults } from './faults.ts';
import { type Asked, createFunctions, type Functions } from './functions.ts';
import { createPhones, type Look, type Phones } from './phones.ts';
import type { Process } from './process.ts';
import { createQueues, type Queues } from './queues.ts';
import { createDice, type Dice } from './random.ts';
import { createScheduler, type Scheduler } from './scheduler.ts';
import { createSockets, type Sockets } from './sockets.ts';
import { createStreams, type Streams } from './streams.ts';
import type { Loaded } from './template.ts';

export type Cloud = {
  loaded: Loaded;
  tenants: ReadonlySet<string>;
  moderated: boolean;
  asked: Asked[];
  scheduler: Scheduler;
  dice: Dice;
  faults: Faults;
  dynamo: Dynamo;
  functions: Functions;
  sockets: Sockets;
  phones: Phones;
  queues: Queues;
  streams: Streams;
  store: Store;
  /** What people see of what they bought, in the end. */
  shown: Shown[];
  /** Objects by key. */
  objects: Map<string, { text: string; modified: Date }>;
  logs: { process: Process; entry: Entry; at: number }[];
  /** While operators restore tables, nothing of what else must hold is looked at, and no stream flows. */
  restoring: { now: boolean; past: boolean };
  violations: string[];
  violation: (what: string) => void;
  /** Every call to the outside, by its name. */
  calls: string[];
  /** The newest lines of what happened, and a hash over all of them. */
  lines: string[];
  /** The lines up to the first violation, if one was seen when it happened. */
  atFirst: string[];
  trace: (line: string) => void;
  hash: () => string;
  /** Gives what lies in the bucket to its functions again. */
  redrive: () => Promise<void>;
};

const bucketOf = (objects: Cloud['objects'], scheduler: Scheduler): Bucket => ({
  put: async (key, text) => void objects.set(key, { text, modified: new Date(scheduler.now()) }),
  get: async (key) => objects.get(key)?.text,
  remove: async (key) => void objects.delete(key),
  list: async (prefix, { after = '', limit }) => {
    const keys = [...objects.keys()].filter((key) => key.startsWith(prefix) && key > after).sort();
    return {
      objects: keys.slice(0, limit).map((key) => ({ key, modified: objects.get(key)?.modified })),
      more: keys.length > limit,
    };
  },
});

const createTrace = (keep: number) => {
  const lines: string[] = [];
  const hash = createHash('sha256');
  return {
    lines,
    trace: (line: string) => {
      hash.update(`${line}\n`);
      lines.push(line);
      if (lines.length > keep) lines.splice(0, lines.length - keep);
    },
    hash: () => hash.copy().digest('hex').slice(0, 16),
  };
};

export type CloudOptions = {
  loaded: Loaded;
  seed: number;
  name: string;
  tenants: string[];
  faults: Faults;
  dynamo: Dynamo;
  fifo?: boolean;
  moderated?: boolean;
  /** Lines of the trace that are kept. */
  keep?: number;
  onPush: Look;
};

export const createCloud = (options: CloudOptions): Cloud => {
  const { loaded, seed, name, faults, dynamo, fifo = false, moderated = false } = options;
  const tenants = new Set(options.tenants);
  const dice = createDice(seed, name);
  const scheduler = createScheduler(createDice(seed, name, 'schedule'), { fifo });
  const violations: string[] = [];
  const calls: string[] = [];
  const restoring = { now: false, past: false };
  const objects: Cloud['objects'] = new Map();
  const { lines, trace, hash } = createTrace(options.keep ?? 50);
  const atFirst: string[] = [];
  const violation = (what: string): void => {
    trace(`‼ ${what}`);
    if (violations.length === 0) atFirst.push(...lines);
    violations.push(what);
  };
  const logs: Cloud['logs'] = [];
  const asked: Cloud['asked'] = [];
  const phones = createPhones({ time: scheduler.now, seq: () => dynamo.writes.length }, options.onPush);
  const sockets = createSockets({ scheduler, dice, faults, disconnected: (connection) => disconnected(connection.id) });
  const doors = createDoors({
    ...{ scheduler, dice, faults, dynamo, sockets, phones, trace, violation, calls },
    bucket: bucketOf(objects, scheduler),
    enqueue: (url, job, delay) => queues.send(url, JSON.stringify(job), delay),
    invoke: (process, arn, event) => functions.invokeByArn(process, arn, event),
    log: (process, entry) => void logs.push({ process, entry, at: scheduler.now() }),
  });
  const functions = createFunctions({
    ...{ loaded, tenants, scheduler, dice, faults, doors, trace, violation, moderated, asked },
  });
  const queues = createQueues({ loaded, scheduler, dice, faults, functions, trace });
  const streams = createStreams({
    loaded,
    tenants,
    scheduler,
    dice,
    faults,
    functions,
    dynamo,
    objects,
    trace,
    restoring,
  });
  const store = createStore({
    ...{ signer: loaded.signer, scheduler, faults, functions, violation, dice: createDice(seed, name, 'store') },
    tenants: loaded.tenants.filter(({ tenant }) => tenants.has(tenant)),
  });
  const disconnected = (id: string): void => {
    const session = functions.sessions.get(id);
    if (session) void functions.socket('$disconnect', id, session);
  };
  const schedule = loaded.model.schedules.find(({ functionId }) => functionId === 'RedriveSchedule');
  if (!schedule) throw new Error('no schedule that gives failed batches to their functions again');
  const redrive = async (): Promise<void> => {
    await functions.spawn(
      schedule.functionId,
      { time: new Date(scheduler.now()).toISOString() },
      { name: 'redrive', tenants },
    );
  };
  return {
    ...{
      loaded,
      tenants,
      moderated,
      asked,
      scheduler,
      dice,
      faults,
      dynamo,
      functions,
      sockets,
      phones,
      queues,
      streams,
      objects,
      store,
    },
    shown: [],
    ...{ logs, calls, restoring, violations, violation, lines, atFirst, trace, hash, redrive },
  };
};
