/** Every call of a process to the outside, one at a time, each at the mercy of the dice. */
import { createHash } from 'node:crypto';
import { ExecuteTransactionCommand, TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import type { Bucket } from '../../core/bucket.ts';
import type { Command } from '../../core/ddb.ts';
import type { Entry } from '../../core/log.ts';
import type { Outcome, Push } from '../../functions/push/provider.ts';
import type { Dynamo, How } from './dynamo/dynamo.ts';
import { cancelledByConflict, conflict, inProgress, throttled, timeout } from './errors.ts';
import { type Door, type Fault, type Faults, possible } from './faults.ts';
import { keysOf } from './keys.ts';
import type { Phones } from './phones.ts';
import type { Process } from './process.ts';
import type { Dice } from './random.ts';
import type { Scheduler } from './scheduler.ts';
import type { Sockets } from './sockets.ts';

/** What the doors open to. */
export type Outside = {
  scheduler: Scheduler;
  dice: Dice;
  faults: Faults;
  dynamo: Dynamo;
  bucket: Bucket;
  sockets: Sockets;
  phones: Phones;
  enqueue: (url: string, job: object, delaySeconds: number) => void;
  invoke: (name: string, arn: string, event: string) => Promise<unknown>;
  log: (process: Process, entry: Entry) => void;
  /** The names of all calls so far at which something could go wrong. */
  calls: string[];
  /** A line of what happened. */
  trace: (line: string) => void;
  violation: (what: string) => void;
};

export type Doors = {
  send: (process: Process, command: Command) => Promise<Record<string, unknown>>;
  post: (process: Process, id: string, frame: string) => Promise<'sent' | 'gone'>;
  close: (process: Process, id: string) => Promise<void>;
  enqueue: (process: Process, url: string, job: object, delay: number) => Promise<void>;
  bucket: <T>(process: Process, what: string, work: (bucket: Bucket) => Promise<T>) => Promise<T>;
  invoke: (process: Process, arn: string, event: string) => Promise<unknown>;
  push: (process: Process, tenant: string, push: Push) => Promise<Outcome>;
  now: (process: Process) => Date;
  id: () => string;
  unit: () => number;
  sleep: (process: Process, ms: number) => Promise<void>;
  log: (process: Process, entry: Entry) => void;
};

const LATE_MS = 8000;
type Call<T> = { door: Door; what: string; apply: (how: How, fault: Fault | undefined) => T };

/** Nobody hears how it ended. */
const ignore = (work: () => unknown): void => {
  try {
    const result = work();
    if (result instanceof Promise) result.catch(() => undefined);
  } catch {}
};

/** The request and its answer are one moment: what other processes do comes before or after it. */
const caller = ({ scheduler, dice, faults, trace, calls }: Outside) => {
  const happen = <T>(process: Process, { what, apply }: Call<T>, fault: Fault | undefined): T => {
    switch (fault) {
      case 'throttled':
        throw throttled();
      case 'conflict':
        throw /^(TransactWrite|ExecuteTransaction)/.test(what) ? cancelledByConflict(2) : conflict();
      case 'lost before':
        throw timeout();
      case 'lost after':
        ignore(() => apply({}, fault));
        throw timeout();
      case 'late':
        scheduler.after(dice.below(LATE_MS), { what: `late: ${what}`, run: () => ignore(() => apply({}, fault)) });
        throw timeout();
      case 'in progress':
        if (dice.chance(0.5)) ignore(() => apply({}, fault));
        throw inProgress();
      case 'doubled':
        ignore(() => apply({}, fault));
        return apply({}, fault);
      case 'cut':
        return apply({ cut: 1 + dice.below(3) }, fault);
      case 'stale':
        return apply({ lag: 1 + dice.below(8) }, fault);
      case 'crash after':
        ignore(() => apply({}, fault));
        process.die(what);
        throw timeout();
      case 'crash before':
        process.die(what);
        throw timeout();
      default:
        return apply({}, fault);
    }
  };
  return <T>(process: Process, call: Call<T>): Promise<T> => {
    const at = `${process.name} ${++process.calls} ${call.what}`;
    return new Promise((resolve, reject) =>
      scheduler.soon({
        what: at,
        owner: process,
        run: () => {
          if (!faults.healed()) calls.push(at);
          const fault = faults.decide(at, possible[call.door]);
          trace(`${at}${fault ? ` ✗ ${fault}` : ''}`);
          try {
            const result = happen(process, call, fault);
            if (process.alive) resolve(result);
          } catch (error) {
            trace(`  ${error instanceof Error ? error.name : String(error)}`);
            if (process.alive) reject(error);
          }
        },
      }),
    );
  };
};

const doorOf = (command: Command): Door => {
  if (command instanceof TransactWriteCommand || command instanceof ExecuteTransactionCommand) return 'transaction';
  return 'ConsistentRead' in command.input || 'KeyConditionExpression' in command.input ? 'read' : 'write';
};

const nameOf = (command: Command): string => command.constructor.name.replace('Command', '');

export const createDoors = (outside: Outside): Doors => {
  const { scheduler, dice, dynamo, sockets, phones, violation } = outside;
  const call = caller(outside);
  const checkTenants = (process: Process, command: Command): string => {
    const keys = keysOf(command);
    for (const { pk } of keys)
      if (!process.tenants.has(pk.split('#', 1)[0] ?? ''))
        violation(`tenant: ${process.name} touches ${pk}, and serves ${[...process.tenants].join(', ')}`);
    return keys.map(({ pk, sk }) => `${pk}|${sk}`).join(' ');
  };
  return {
    send: (process, command) => {
      const what = `${nameOf(command)} ${checkTenants(process, command)}`;
      return call(process, { door: doorOf(command), what, apply: (how) => dynamo.send(command, how) });
    },
    post: (process, id, frame) =>
      call(process, { door: 'socket', what: `post ${id}`, apply: (_, fault) => sockets.post(id, frame, fault) }),
    close: (process, id) =>
      call(process, { door: 'socket', what: `close ${id}`, apply: () => sockets.closeByServer(id) }),
    enqueue: (process, url, job, delay) =>
      call(process, { door: 'queue', what: `enqueue ${url}`, apply: () => outside.enqueue(url, job, delay) }),
    bucket: async (process, what, work) =>
      call(process, { door: 'bucket', what, apply: () => work(outside.bucket) }).then((result) => result),
    invoke: async (process, arn, event) => {
      const name = `${process.name} invoke`;
      return call(process, { door: 'invoke', what: `invoke ${arn}`, apply: () => outside.invoke(name, arn, event) });
    },
    push: (process, tenant, push) =>
      call(process, {
        door: 'push',
        what: `push ${push.content.type} ${push.id} to ${push.to.value}`,
        apply: (_, fault) => phones.receive(process, tenant, push, fault),
      }).catch((): Outcome => ({ result: 'later', patience: 'unknown', reason: 'no answer' })),
    now: (process) => new Date(scheduler.now() + process.skewMs),
    id: () => createHash('sha256').update(String(dice.unit())).digest('base64url').slice(0, 22),
    unit: dice.unit,
    sleep: (process, ms) => scheduler.wait(ms, `${process.name} wakes`, process),
    log: outside.log,
  };
};
