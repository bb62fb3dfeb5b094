/**
 * Processes that run at once: each call of theirs to the outside waits for its turn, and may be lost, or be their last.
 * Between two turns everything that can happen has happened.
 */
import fc from 'fast-check';
import { type Deps, makeDeps, ports } from '../../core/deps.ts';
import type { PushJob } from '../../functions/push/jobs.ts';
import type { Outcome, Push } from '../../functions/push/provider.ts';
import { providers } from '../../functions/push/providers.ts';
import { timeout } from '../sim/errors.ts';
import type { Stage } from './stage.ts';

export type Fate = 'done' | 'lost before' | 'lost after' | 'dies before' | 'dies after';
export const fates: fc.Arbitrary<Fate[]> = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.constant<Fate>('done') },
    { weight: 1, arbitrary: fc.constantFrom<Fate>('lost before', 'lost after', 'dies before', 'dies after') },
  ),
  // As far as to the answers of those who were asked last.
  { maxLength: 200, size: 'max' },
);

const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
export const turns = (): fc.Arbitrary<fc.Scheduler> =>
  fc.scheduler({
    act: async (run) => {
      await run();
      await breathe();
    },
  });

type Call = <T>(what: string, work: () => Promise<T>) => Promise<T>;

const createCall = ({ clock }: Stage, scheduler: fc.Scheduler, left: Fate[]): Call => {
  let isDead = false;
  return async (what, work) => {
    await scheduler.schedule(Promise.resolve(), what);
    clock.now += 1;
    const fate = isDead ? 'dies before' : (left.shift() ?? 'done');
    isDead ||= fate.startsWith('dies');
    if (fate.endsWith('before')) throw timeout();
    const result = await work();
    if (fate.endsWith('after')) throw timeout();
    return result;
  };
};

type Settings = {
  scheduler: fc.Scheduler;
  /** Of all calls, in the order of their turns; the rest is done. */
  fates: Fate[];
  /** A push is on its way: told in the turn of the last look before it. */
  leave?: (deps: Deps, push: Push) => Promise<void>;
  /** What the provider answers; called when it is its turn. */
  ask: (deps: Deps, push: Push) => Promise<Outcome>;
  /** What the process heard of it. */
  hear?: (deps: Deps, outcome: Outcome) => void;
  /** A job was put off. */
  enqueue: (job: PushJob) => void;
};

/** @returns makes a process */
export const createProcesses = (stage: Stage, settings: Settings): (() => Deps) => {
  const calls = new WeakMap<Deps, Call>();
  providers.apns = async (deps, _tenant, push) => {
    const call = calls.get(deps);
    if (!call) throw new Error('asked by no process');
    await settings.leave?.(deps, push);
    // No answer is an answer: who dies here does nothing more.
    const outcome = await call(`push ${push.id}`, () => settings.ask(deps, push)).catch(
      (): Outcome => ({ result: 'later', patience: 'unknown', reason: 'no answer' }),
    );
    settings.hear?.(deps, outcome);
    return outcome;
  };
  return () => {
    const call = createCall(stage, settings.scheduler, settings.fates);
    const { now, random, bucket, log } = stage.deps;
    const deps = makeDeps(
      { read: 0, write: 0 },
      {
        ...ports,
        ...{ now, random, log, sleep: async () => undefined },
        bucket: { ...bucket, put: (key, text) => call(`park ${key}`, () => bucket.put(key, text)) },
        send: (command) => call(command.constructor.name, () => ports.send(command)),
        enqueue: (url, job, delay) =>
          call('enqueue', async () => {
            stage.clock.now += delay * 1000;
            await stage.deps.enqueue(url, job, delay);
            for (const { job: queued } of stage.queued.splice(0)) settings.enqueue(queued);
          }),
      },
    );
    calls.set(deps, call);
    return deps;
  };
};
