/** What was decided about a push: written down, and where it comes again, sent on. */
import type { Deps } from '../../core/deps.ts';
import type { PushJob } from './jobs.ts';
import type { Became } from './measures.ts';
import { ATTEMPTS, MAX_DELAY_SECONDS, PATIENCE_SECONDS } from './retries.ts';
import { record, type TrailRecord } from './trail.ts';

export type Told = Pick<TrailRecord, 'decision'> & Partial<TrailRecord> & { detail?: string | undefined };

/** Writes the decision down, for who asks by event and device, and for the logs, which alone have `detail`. @returns what it counts as */
export const tell = async <B extends Became>(
  deps: Deps,
  job: PushJob,
  { detail, ...told }: Told,
  became: B,
): Promise<B> => {
  const { tenant, person, device, stream, v, what, read, attempt } = job;
  const at = deps.now().toISOString();
  const entry: TrailRecord = { device, at, what, ...(what === 'clear' && { read }), attempt, ...told };
  // Two attempts that raced sent one push: the first that says so has said it.
  const name = told.decision === 'sent' ? `${what}-${read}-sent` : `${what}-${read}-${attempt}-${told.decision}`;
  await record(deps, job, name, entry);
  deps.log({
    level: 'info',
    msg: 'push decided',
    ...{ tenant, person, device, stream, v, what, attempt },
    ...told,
    detail,
  });
  return became;
};

/** Sends a job on, for as long as the queue can wait. */
export const sendOn = (deps: Deps, job: PushJob, seconds: number): Promise<void> =>
  deps.enqueue(deps.env.PUSH_QUEUE_URL, job, Math.min(MAX_DELAY_SECONDS, seconds));

type Later<B> = Pick<Partial<PushJob>, 'paid' | 'waited' | 'troubles'> &
  Pick<Told, 'detail'> & { seconds: number; reason: string; became: B };

/** Comes again, unless nobody would want it by then. What it had paid is gone, if nobody says that it is not. */
export const later = async <B extends Became>(
  deps: Deps,
  job: PushJob,
  { at }: { at: string },
  { seconds, reason, detail, became, paid = false, ...more }: Later<B>,
): Promise<B | 'failed'> => {
  const wait = Math.ceil(seconds);
  const then = deps.now().getTime() + wait * 1000;
  if (job.attempt + 1 >= ATTEMPTS || then > Date.parse(at) + PATIENCE_SECONDS * 1000)
    return tell(deps, job, { decision: 'failed', reason: `given up: ${reason}`, detail }, 'failed');
  await tell(deps, job, { decision: 'later', reason, detail, retryAt: new Date(then).toISOString() }, became);
  const notBefore = wait > MAX_DELAY_SECONDS ? Math.ceil(then / 1000) : 0;
  await sendOn(deps, { ...job, ...more, paid, notBefore, attempt: job.attempt + 1 }, wait);
  return became;
};
