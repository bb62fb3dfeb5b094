/**
 * Erasing a person: begun by them, walked by a queue's jobs in bounded pieces, found again by a schedule. What can't go on is
 * parked, and tried again by the schedule; every step may be done twice.
 */
import { z } from 'zod';
import { isThrottle } from '../../core/ddb.ts';
import type { Deps } from '../../core/deps.ts';
import { type Actor, TenantId, UserId } from '../../core/ids.ts';
import { errorName, reasonOf } from '../../core/log.ts';
import { park, parkedKey } from '../../core/parked.ts';
import { sayLeaving } from '../leaving.ts';
import { logOutEverywhere } from '../logout.ts';
import { endWalk, isDue, openErasure, readErasure } from './open.ts';
import { walk } from './walk.ts';

export const ErasureJob = z.strictObject({ tenant: TenantId, user: UserId });
export type ErasureJob = z.infer<typeof ErasureJob>;

/** Pages and pieces that one job does: some seconds' worth. */
export const PIECES = 60;
const FROM = 'erasure/erase';

export const enqueueErasure = (deps: Deps, { tenant, user }: Actor): Promise<void> =>
  deps.enqueue(deps.env.ERASURE_QUEUE_URL, { tenant, user }, 0);

/** What a queue and a schedule need to know; also the reaction says it, if whoever began did not come to it. */
export const openAndEnqueue = async (deps: Deps, actor: Actor): Promise<void> => {
  await openErasure(deps, actor);
  await enqueueErasure(deps, actor);
};

/** From the end of this on the person is refused everywhere, and nothing reaches their devices. */
export const beginErasure = async (deps: Deps, actor: Actor): Promise<void> => {
  await sayLeaving(deps, actor, 'BeginErasure');
  await openAndEnqueue(deps, actor);
  await logOutEverywhere(deps, actor);
  deps.log({ level: 'info', msg: 'erasure begun', tenant: actor.tenant, user: actor.user });
};

/** @returns whether the walk came to its end */
const walkSome = async (deps: Deps, actor: Actor, pieces: number): Promise<boolean> => {
  let done = 0;
  for await (const _piece of walk(deps, actor)) if (++done >= pieces) return false;
  return true;
};

/** Goes on with an erasure that is due. @throws whatever stood in its way */
export const eraseSome = async (deps: Deps, actor: Actor, pieces = PIECES): Promise<'more' | 'rests' | 'nothing'> => {
  const erasure = await readErasure(deps, actor);
  if (!erasure || !isDue(deps, erasure)) return 'nothing';
  // A restore may have brought back somebody who had left.
  await sayLeaving(deps, actor, 'BeginErasure');
  if (!(await walkSome(deps, actor, pieces))) return 'more';
  await sayLeaving(deps, actor, 'EndErasure');
  const first = await endWalk(deps, actor, erasure);
  deps.log({ level: 'info', msg: first ? 'erased' : 'erasure ended', tenant: actor.tenant, user: actor.user });
  await deps.bucket.remove(parkedKey(FROM, nameOf(actor)));
  return 'rests';
};

const nameOf = ({ tenant, user }: Actor): string => `${tenant}|${user}`;

/** A job of the queue. */
export const erase = async (deps: Deps, job: ErasureJob): Promise<void> => {
  try {
    if ((await eraseSome(deps, job)) === 'more') await enqueueErasure(deps, job);
  } catch (error) {
    if (isThrottle(error)) throw error;
    const reason = error instanceof z.ZodError ? reasonOf(error) : errorName(error);
    await park(deps, { from: FROM, key: nameOf(job), reason, hint: { tenant: job.tenant, user: job.user } });
  }
};
