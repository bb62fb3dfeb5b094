/** The lives of one system: started, killed at a random moment, started again on the same folder and port. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Chorus, startChorus } from '../../bench/process.ts';

/** Numbers in [0, 1), the same for the same seed (mulberry32). */
export const createRandom = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};

/** One life in five ends while it begins. */
const DIES_YOUNG = 0.2;
const YOUTH_MILLISECONDS = 900;
/** Others until so many more messages are acknowledged, which a busy machine takes longer for, and a moment more. */
const MOST_MESSAGES = 30;
const LONGEST_MILLISECONDS = 5000;
const MOMENT_MILLISECONDS = 400;
const ENGINE_MILLISECONDS = 5000;
const LOOK_MILLISECONDS = 20;

/** Engines that have this folder's file open. */
const enginesOf = (data: string): string[] =>
  execFileSync('ps', ['-A', '-o', 'stat=,pid=,command='], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.includes(`--db-path ${join(data, 'dynamo.db')}`) && !line.trim().startsWith('Z'));

/** An engine that outlives its system would write beside the next one's. @throws Error when one does */
const untilNoEngine = async (data: string): Promise<void> => {
  for (const start = Date.now(); Date.now() - start < ENGINE_MILLISECONDS; await sleep(LOOK_MILLISECONDS))
    if (enginesOf(data).length === 0) return;
  throw new Error(`an engine outlives its killed system: ${enginesOf(data).join(', ')}`);
};

type Options = {
  data: string;
  port: number;
  /** The file that all lives write their output to. */
  output: string;
  random: () => number;
  /** Messages so far. */
  acknowledged: () => number;
};

/** @returns how long its start took, if it came so far */
const liveOnce = async (chorus: Chorus, { random, acknowledged }: Options): Promise<number | undefined> => {
  const dice = random();
  const time = random();
  if (dice < DIES_YOUNG) {
    await sleep(time * YOUTH_MILLISECONDS);
    return undefined;
  }
  const answered = await chorus.answered();
  const enough = acknowledged() + time * MOST_MESSAGES;
  for (const start = Date.now(); acknowledged() < enough && Date.now() - start < LONGEST_MILLISECONDS; )
    await sleep(LOOK_MILLISECONDS);
  await sleep(random() * MOMENT_MILLISECONDS);
  return answered;
};

/**
 * So many lives, each ended by SIGKILL.
 * @param onLife told before each
 * @returns the milliseconds from each start to the first answer, where there was one
 */
export const live = async (options: Options, rounds: number, onLife: (round: number) => void): Promise<number[]> => {
  const { data, port, output } = options;
  const starts: number[] = [];
  for (let round = 0; round < rounds; round++) {
    onLife(round);
    const chorus = startChorus({ data, port, output });
    const started = await liveOnce(chorus, options);
    await chorus.kill();
    await untilNoEngine(data);
    if (started !== undefined) starts.push(started);
  }
  return starts;
};
