/**
 * One thread of fate: everything that is about to happen lies in a list, and dice choose what happens next. Time is
 * virtual: it moves a little with every step, and jumps when nothing else is left to do.
 */
import type { Dice } from './random.ts';

export type Task = {
  what: string;
  run: () => void;
  /** Whose it is: it vanishes with its owner, and waits while the owner is frozen. */
  owner?: { alive: boolean; frozenUntil: number } | undefined;
};
type Timer = { due: number; order: number; task: Task };

export type Scheduler = {
  /** Virtual milliseconds since 1970. */
  now: () => number;
  /** Happens some time from now. */
  soon: (task: Task) => void;
  /** Happens some time after so many milliseconds. */
  after: (ms: number, task: Task) => void;
  /** Resolves after so many milliseconds. */
  wait: (ms: number, what: string, owner?: Task['owner']) => Promise<void>;
  /** Does one thing. @returns what it was, or undefined when there is nothing to do at all */
  step: () => string | undefined;
  /** Is something about to happen before `ms` milliseconds have passed? */
  isBusy: (ms: number) => boolean;
};

const START = Date.parse('2026-03-01T12:00:00.000Z');
const STEP_MS = 6;

/** @param fifo nothing is left to chance: first come, first served */
export const createScheduler = (dice: Dice, { fifo = false }: { fifo?: boolean } = {}): Scheduler => {
  let time = START;
  let order = 0;
  const ready: Task[] = [];
  const timers: Timer[] = [];

  const after: Scheduler['after'] = (ms, task) => {
    const timer = { due: time + Math.max(0, ms), order: order++, task };
    let at = timers.length;
    while (at > 0 && (timers[at - 1]?.due ?? 0) > timer.due) at--;
    timers.splice(at, 0, timer);
  };
  const wakeTimers = (): void => {
    while ((timers[0]?.due ?? Number.POSITIVE_INFINITY) <= time) {
      const timer = timers.shift();
      if (timer) ready.push(timer.task);
    }
  };
  const take = (): Task | undefined => {
    const at = fifo ? 0 : dice.below(ready.length);
    const task = ready[at];
    if (fifo) ready.shift();
    else {
      const last = ready.pop();
      if (last && at < ready.length) ready[at] = last;
    }
    return task;
  };
  const isVain = ({ owner }: Task): boolean => owner !== undefined && !owner.alive;

  const step = (): string | undefined => {
    for (;;) {
      wakeTimers();
      if (ready.length === 0) {
        const [next] = timers;
        if (!next) return undefined;
        time = next.due;
        continue;
      }
      const task = take();
      if (!task || isVain(task)) continue;
      if (task.owner && task.owner.frozenUntil > time) {
        after(task.owner.frozenUntil - time, task);
        continue;
      }
      time += fifo ? 1 : 1 + dice.below(STEP_MS);
      task.run();
      return task.what;
    }
  };
  return {
    now: () => time,
    soon: (task) => void ready.push(task),
    after,
    wait: (ms, what, owner) => new Promise((resolve) => after(ms, { what, owner, run: resolve })),
    step,
    isBusy: (ms) =>
      ready.some((task) => !isVain(task)) || timers.some(({ due, task }) => due <= time + ms && !isVain(task)),
  };
};
