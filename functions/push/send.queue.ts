/** Push queue: looks again, then sends. Every decision is recorded by event and device. */
import type { Deps } from '../../core/deps.ts';
import { jobs } from '../../core/jobs.ts';
import { errorName } from '../../core/log.ts';
import { attemptPush } from './attempt.ts';
import { PushJob } from './jobs.ts';
import { type Measure, tellMeasures } from './measures.ts';

/** The edge knows a job by its message alone; whoever asks later asks by event and device. */
const sendOrTell = async (deps: Deps, job: PushJob): Promise<Measure | undefined> => {
  try {
    return await attemptPush(deps, job);
  } catch (error) {
    deps.log({ level: 'warn', msg: 'push failed', ...job, error: errorName(error) });
    throw error;
  }
};

export const handler = jobs(
  'push/send',
  PushJob,
  (job, deps) => sendOrTell(deps, job),
  (deps, all) =>
    tellMeasures(
      deps,
      all.filter((each) => each !== undefined),
    ),
);
