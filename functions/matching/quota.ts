/** How many likes a day a person has, by what they are entitled to. A like that is there already, or is refused, costs nothing. */
import { isRejection } from '../../core/decider.ts';
import type { Deps } from '../../core/deps.ts';
import { tenantOf } from '../../core/env.ts';
import type { Actor, UserId } from '../../core/ids.ts';
import { load } from '../../core/load.ts';
import { Problem } from '../../core/problem.ts';
import { spendQuota } from '../../core/quotas.ts';
import { entitlementsOf } from '../customer.ts';
import { type MatchCommand, match } from './match.ts';
import { pairStream } from './pair.ts';

const FREE = 'free';

/** The most that anything gives which they have; undefined where nothing they have is counted. */
const likesPerDay = async (deps: Deps, actor: Actor): Promise<number | undefined> => {
  const { likesPerDay: counted } = tenantOf(actor.tenant).matching;
  if (!counted) return undefined;
  const { entitlements } = await entitlementsOf(deps, actor, deps.now());
  const have = new Set([FREE, ...entitlements.flatMap(({ name, active }) => (active ? [name] : []))]);
  const mine = Object.entries(counted).flatMap(([name, likes]) => (have.has(name) ? [likes] : []));
  return mine.length > 0 ? Math.max(...mine) : undefined;
};

const tooMany = (retryAfter: number): Problem =>
  new Problem({ status: 429, code: 'likes-used-up', detail: 'You have no more likes today.', retryAfter });

/** Counts a like about to be said; a retry is counted once. @throws Problem `likes-used-up`, `busy` */
export const spendLike = async (deps: Deps, actor: Actor, other: UserId, like: Omit<MatchCommand, 'at'>) => {
  const perDay = await likesPerDay(deps, actor);
  if (perDay === undefined) return;
  const { state } = await load(deps, match, pairStream(actor, other));
  const decided = match.decide({ ...like, at: deps.now().toISOString() } as MatchCommand, state);
  if (isRejection(decided) || decided.length === 0) return;
  const quota = await spendQuota(deps, actor, 'likes', perDay, other);
  if ('retryAfter' in quota) throw tooMany(quota.retryAfter);
};
