/**
 * Measures what an operation costs: the units of every invocation that it causes, until the whole system is quiet again.
 *
 * Here everything is close together, so two writers of one register may meet that never would on AWS: the stream's ring
 * and a handler that a busy machine holds up, an acknowledgement and the pointer that it is about to pass. One of their
 * conditional writes is refused, at one unit. Such runs are known by their refused writes: an operation's units are
 * those of its runs with the fewest, and the share of the other runs is told beside them.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { System } from '../local/system.ts';
import { mean } from './stats.ts';

export type LogEntry = Record<string, unknown>;
export type Cost = {
  operation: string;
  writeUnits: number;
  readUnits: number;
  /** Refused conditional writes in each run that counts; 0 unless two writers met in every single run. */
  refused: number;
  /** The share of runs that do not count, because more writes were refused in them. */
  leftOut: number;
};
/** One operation: prepares, unmeasured, and returns what is measured. */
export type Operation = {
  name: string;
  prepare: (repetition: number) => Promise<() => Promise<unknown>>;
  /** How many operations one run of it is. */
  times?: number;
  repetitions?: number;
};

const WARM_UPS = 2;
const DECIMALS = 100;
/** So many runs at most are made to get enough without a refused write. */
const MAX_RUNS = 40;
const write = /^DynamoDB_\d+\.(Put|Update|Delete|TransactWrite)/;

const isAnswered = (message: unknown): message is { request: ClientRequest; response: IncomingMessage } =>
  typeof message === 'object' && message !== null && 'request' in message && 'response' in message;

/** Counts the writes of this process that DynamoDB refuses. */
export const countRefusals = (): { count: () => number; stop: () => void } => {
  let refused = 0;
  const listen = (message: unknown): void => {
    if (!isAnswered(message) || message.response.statusCode !== 400) return;
    const target = message.request.getHeader('x-amz-target');
    if (typeof target === 'string' && write.test(target)) refused++;
  };
  subscribe('http.client.response.finish', listen);
  return { count: () => refused, stop: () => void unsubscribe('http.client.response.finish', listen) };
};

const rounded = (value: number): number => Math.round(value * DECIMALS) / DECIMALS;

type Gauge = { system: Pick<System, 'drain' | 'units'>; refusals: () => number };
type Run = { write: number; read: number; refused: number };

const runOnce = async ({ system, refusals }: Gauge, act: () => Promise<unknown>): Promise<Run> => {
  await system.drain();
  const [before, refusedBefore] = [system.units(), refusals()];
  await act();
  await system.drain();
  const after = system.units();
  return { write: after.write - before.write, read: after.read - before.read, refused: refusals() - refusedBefore };
};

/** The mean of so many runs, after some that warm up. */
export const measure = async (gauge: Gauge, operation: Operation, repetitions: number): Promise<Cost> => {
  const { name, prepare, times = 1 } = operation;
  const wanted = operation.repetitions ?? repetitions;
  const runs: Run[] = [];
  const clean = (): number => runs.filter(({ refused }) => refused === 0).length;
  const isEnough = (): boolean => clean() >= wanted || runs.length >= Math.max(wanted, MAX_RUNS);
  for (let repetition = 0; !isEnough(); repetition++) {
    const run = await runOnce(gauge, await prepare(repetition));
    if (repetition >= WARM_UPS) runs.push(run);
  }
  const fewest = Math.min(...runs.map(({ refused }) => refused));
  const counted = runs.filter(({ refused }) => refused === fewest);
  const per = (unit: 'write' | 'read'): number => rounded(mean(counted.map((run) => run[unit])) / times);
  const leftOut = rounded(1 - counted.length / runs.length);
  return { operation: name, writeUnits: per('write'), readUnits: per('read'), refused: fewest, leftOut };
};
