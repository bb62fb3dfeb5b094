/** Puts the parts together in the order in which they need each other, and takes them apart in the reverse one. */
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createActivity } from './activity.ts';
import { createDrain } from './drain.ts';
import { type Engine, startEngine } from './engine/engine.ts';
import { startSweeper } from './engine/sweep.ts';
import { ensureTables } from './engine/tables.ts';
import { awsEnvironment, forgetForeign, ownEnvironment } from './environment.ts';
import { bindEnvironment, loadFunctions } from './lambda.ts';
import { lockFolder } from './lock.ts';
import { captureLogs, type Logs } from './logs.ts';
import type { Invoke, Model } from './model.ts';
import { startOutside } from './outside.ts';
import { announce } from './running.ts';
import type { Options, System } from './system.ts';
import { interpret } from './template/interpret.ts';
import { loadTemplate, root } from './template/template.ts';
import { openCheckpoints } from './triggers/checkpoints.ts';
import { startConsumers } from './triggers/consumers.ts';
import { type Queues, startQueues } from './triggers/queues.ts';
import { startSchedules } from './triggers/schedules.ts';
import { startStreams } from './triggers/streams.ts';

/** What is in flight when the system stops gets this long; then it is delivered again at the next start. */
const graceMilliseconds = 500;

type Undo = (what: () => unknown) => void;

/** Runs in reverse what was noted down; a failure does not keep the rest from it. */
const createUndo = (): { undo: Undo; all: () => Promise<void> } => {
  const steps: (() => unknown)[] = [];
  let done: Promise<void> | undefined;
  const runAll = async (): Promise<void> => {
    const failures: unknown[] = [];
    for (const step of steps.reverse()) {
      try {
        await step();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  };
  return {
    undo: (step) => void steps.push(step),
    all: () => {
      done ??= runAll();
      return done;
    },
  };
};

const describe = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}` : String(error);

type Stores = { engine: Engine; queues: Queues; model: Model };

/** Everything that keeps data, with the template's tables, queues and buckets in it. */
const openStores = async (data: string, logs: Logs, undo: Undo): Promise<Stores> => {
  const onNote = (text: string): void => logs.note('warn', 'note', { text });
  const opening = [
    startEngine(data, ownEnvironment(process.env), onNote).then((engine) => {
      undo(engine.stop);
      return engine;
    }),
    startQueues(data).then((queues) => {
      undo(queues.stop);
      return queues;
    }),
    loadTemplate(),
  ] as const;
  // All settle before one may fail, so that what did start is stopped.
  await Promise.allSettled(opening);
  const [engine, queues, template] = await Promise.all(opening);
  const model = interpret(template, queues.origin);
  queues.ensure(model);
  await ensureTables(engine.dynamo, model);
  return { engine, queues, model };
};

type Running = { model: Model; engine: Engine; queues: Queues; invoke: Invoke; data: string; logs: Logs; undo: Undo };

/** Everything that invokes functions by itself. */
const startTriggers = async ({ undo, logs, data, ...parts }: Running, activity: ReturnType<typeof createActivity>) => {
  const { engine, model } = parts;
  const onNote = (text: string): void => logs.note('warn', 'note', { text });
  const checkpoints = openCheckpoints(join(data, 'checkpoints.json'));
  undo(checkpoints.flush);
  const onFailure = ({ id }: { id: string }, _what: unknown, error: unknown): void =>
    logs.note('error', 'not done', { mapping: id, error: describe(error) });
  const shared = { ...parts, activity, checkpoints, onNote, onFailure, putObject: parts.queues.putObject };
  const streams = await startStreams(shared);
  const consumers = startConsumers(shared);
  undo(() => Promise.race([Promise.all([streams.stop(), consumers.stop()]), sleep(graceMilliseconds)]));
  undo(startSchedules({ ...shared, onFailure: (schedule, error) => onFailure(schedule, undefined, error) }));
  if (engine.pid() !== undefined) undo(startSweeper(engine.dynamo, model, onNote));
  return { streams, consumers };
};

const start = async (options: Options, logs: Logs, undo: Undo, stop: () => Promise<void>): Promise<System> => {
  const data = resolve(options.data);
  const lock = lockFolder(data);
  undo(lock.release);
  undo(logs.keepIn(data));
  const stores = await openStores(data, logs, undo);
  const { engine, queues, model } = stores;
  const activity = createActivity();

  // The public port is bound before handler files exist, so whoever is early waits for them.
  const ready = Promise.withResolvers<Invoke>();
  ready.promise.catch(() => undefined);
  const invoke: Invoke = async (functionId, event) => (await ready.promise)(functionId, event);
  let env: Record<string, string> = {};
  const inner = { model, invoke, environment: () => env, readLines: logs.kept };
  const { graceSeconds, limits, appStoreHourMs, port = 0 } = options;
  const tenants = join(root, 'tenants');
  const outside = await startOutside({ data, port, tenants, graceSeconds, limits, appStoreHourMs, ...inner });
  let closing: Promise<void> | undefined;
  const closeOutside = (): Promise<void> => {
    closing ??= outside.close();
    return closing;
  };
  undo(closeOutside);
  undo(() => ready.reject(new Error('the system is stopping')));
  const places = { dynamo: engine.endpoint, isEmbedded: engine.pid() !== undefined, queues: queues.origin };
  env = { ...model.env, ...awsEnvironment(places), ...outside.env, ...options.env };
  forgetForeign();
  bindEnvironment(env);
  ready.resolve(await loadFunctions(root, model, activity));

  const triggers = await startTriggers({ ...stores, invoke, data, logs, undo }, activity);
  // Last noted, first undone: $disconnect of open sockets still finds everything working.
  undo(closeOutside);
  undo(announce(data, env));
  const drain = createDrain({ activity, ...triggers, outside });
  return { http: outside.http, ws: outside.ws, env, drain, units: logs.units, stop };
};

/** @throws StartError; whatever had been started is stopped again */
export const assemble = async (options: Options): Promise<System> => {
  const logs = captureLogs(options.quiet ?? false, options.onLog);
  const { undo, all } = createUndo();
  undo(logs.restore);
  try {
    return await start(options, logs, undo, all);
  } catch (error) {
    await all();
    throw error;
  }
};
