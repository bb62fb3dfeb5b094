/** Progress of a walk with several passes: one bar after the other. */
import type { Output, Progress } from './command.ts';
import type { OnProgress } from './walk.ts';

export const showProgress = (out: Output): { onProgress: OnProgress; done: () => void } => {
  let shown: { label: string; bar: Progress } | undefined;
  const done = (): void => shown?.bar.done();
  return {
    onProgress: (label, n) => {
      if (shown?.label !== label) {
        done();
        shown = { label, bar: out.progress(label) };
      }
      shown.bar.tick(n);
    },
    done,
  };
};
