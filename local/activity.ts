/**
 * Whether anything happens. Every invocation counts when it begins and when it ends; a consumer that looked for work
 * after the last of them and found none is quiet. When all are, nothing can begin by itself: the system is drained.
 */
export type Activity = {
  /** Rises with every invocation's begin and end. */
  now: () => number;
  inFlight: () => number;
  begin: () => void;
  end: () => void;
  /** Makes every consumer look once more. */
  bump: () => void;
  /** A consumer became quiet, or something ended. */
  changed: () => void;
  /** The next change, or the time limit. */
  change: (limitMilliseconds: number) => Promise<void>;
};

export const createActivity = (): Activity => {
  let count = 0;
  let running = 0;
  let waiting: (() => void)[] = [];
  const changed = (): void => {
    const woken = waiting;
    waiting = [];
    for (const wake of woken) wake();
  };
  return {
    now: () => count,
    inFlight: () => running,
    begin: () => {
      count++;
      running++;
    },
    end: () => {
      count++;
      running--;
      changed();
    },
    bump: () => {
      count++;
    },
    changed,
    change: (limitMilliseconds) =>
      new Promise((resolve) => {
        const timer = setTimeout(resolve, limitMilliseconds);
        waiting.push(() => {
          clearTimeout(timer);
          resolve();
        });
      }),
  };
};
