/** Delta debugging: the fewest faults of a run that still lead to a violation of the same kind. */
import { type Faults, type Planned, planFaults } from './faults.ts';
import type { Result } from './run.ts';

const RUNS = 300;
const kindOf = (violation: string): string => violation.split(':', 1)[0] ?? violation;

/** @param run the same seed with other faults */
export const minimize = async (
  failed: Result,
  profile: Faults['profile'],
  run: (faults: Faults) => Promise<Result>,
): Promise<{ planned: readonly Planned[]; result: Result }> => {
  const kinds = new Set(failed.violations.map(kindOf));
  let planned: readonly Planned[] = failed.faults;
  let result = failed;
  let runs = 0;
  const stillFails = async (fewer: readonly Planned[]): Promise<boolean> => {
    runs++;
    const again = await run(planFaults(fewer, profile));
    const same = again.violations.some((violation) => kinds.has(kindOf(violation)));
    if (same) result = again;
    return same;
  };
  if (!(await stillFails(planned))) return { planned, result: failed };
  for (let size = Math.ceil(planned.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let from = 0; from < planned.length && runs < RUNS; ) {
      const fewer = [...planned.slice(0, from), ...planned.slice(from + size)];
      if (await stillFails(fewer)) planned = fewer;
      else from += size;
    }
  }
  return { planned, result };
};
