/** Load on a running system: at a fixed rate, and as fast as it goes; the raw limits are measured in between. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Crowd, Sample } from './crowd.ts';
import type { Probe } from './limits.ts';
import { percentile } from './stats.ts';

export type Limits = { put: Probe; echo: Probe };
export type Paced = { samples: Sample[]; puts: number[]; echoes: number[]; framesPerMessage: number };

const SENDERS = 16;

const sleepUntil = (time: number): Promise<unknown> => sleep(Math.max(0, time - performance.now()));

/** What fails is told when all are awaited. */
const kept = <T>(under: Promise<T>): Promise<T> => {
  under.catch(() => undefined);
  return under;
};

/** Messages at a fixed rate, whether or not earlier ones have arrived; a PutItem and an echo between any two. */
export const atRate = async (crowd: Crowd, { put, echo }: Limits, rate: number, count: number): Promise<Paced> => {
  const period = 1000 / rate;
  const start = performance.now() + period;
  const frames = crowd.frames();
  const samples: Promise<Sample>[] = [];
  const puts: Promise<number>[] = [];
  const echoes: Promise<number>[] = [];
  for (let index = 0; index < count; index++) {
    const due = start + index * period;
    await sleepUntil(due);
    samples.push(kept(crowd.say(index, due)));
    await sleepUntil(due + period * 0.6);
    puts.push(kept(put.once()));
    await sleepUntil(due + period * 0.8);
    echoes.push(kept(echo.once()));
  }
  return {
    samples: await Promise.all(samples),
    puts: await Promise.all(puts),
    echoes: await Promise.all(echoes),
    framesPerMessage: (crowd.frames() - frames) / count,
  };
};

/** So many workers, each beginning again as soon as it is done. @returns how many per second */
const closedLoop = async (milliseconds: number, once: (worker: number, round: number) => Promise<unknown>) => {
  const start = performance.now();
  let done = 0;
  const worker = async (index: number): Promise<void> => {
    for (let round = 0; performance.now() - start < milliseconds; round++) {
      await once(index, round);
      done++;
    }
  };
  await Promise.all(Array.from({ length: SENDERS }, (_each, index) => worker(index)));
  return (done * 1000) / (performance.now() - start);
};

/** Turns of both, so that what else this machine does hits both. @returns medians, per second */
export const asFastAsPossible = async (crowd: Crowd, { put }: Limits, turns: number) => {
  const messages: number[] = [];
  const puts: number[] = [];
  for (let turn = 0; turn < turns; turn++) {
    puts.push(await closedLoop(2000, () => put.once()));
    // Each worker is one sender, who writes to its receivers in turn and goes on when the message has arrived.
    messages.push(await closedLoop(4000, (worker, round) => crowd.say(worker + SENDERS * (round % 6))));
  }
  return { messages: percentile(messages, 50), puts: percentile(puts, 50) };
};
