/** What there is between two people, for every context that has to heed it: by the newest of their pair's stream. */
import type { Deps } from '../core/deps.ts';
import type { TenantId, UserId } from '../core/ids.ts';
import { load } from '../core/load.ts';
import { conversationOf, generationOf, isBlockedIn, type MatchState, match, pairId } from './matching/match.ts';

/** What one last did about another, or what ended it: by a read model that follows within a second. */
export { readSeen as seenOf, type Seen } from './matching/seen.ts';

/** One consistent read. */
const between = async (deps: Deps, tenant: TenantId, a: UserId, b: UserId): Promise<MatchState> =>
  (await load(deps, match, { tenant, kind: 'pair', id: pairId(a, b) })).state;

/** Does one of them block the other, whichever it is? */
export const isBlocked = async (deps: Deps, tenant: TenantId, a: UserId, b: UserId): Promise<boolean> =>
  isBlockedIn(await between(deps, tenant, a, b));

export const isMatched = async (deps: Deps, tenant: TenantId, a: UserId, b: UserId): Promise<boolean> =>
  (await between(deps, tenant, a, b)).status === 'matched';

export type Relation = {
  blocked: boolean;
  /** Of the match that there is now. */
  conversation: string | undefined;
  /** Of the match that ended last. */
  ended: string | undefined;
};

/** All of it by the same read. */
export const relationOf = async (deps: Deps, tenant: TenantId, a: UserId, b: UserId): Promise<Relation> => {
  const state = await between(deps, tenant, a, b);
  const conversation = state.status === 'matched' ? conversationOf(a, b, generationOf(state)) : undefined;
  const last = generationOf(state) - 1;
  return { blocked: isBlockedIn(state), conversation, ended: last > 0 ? conversationOf(a, b, last) : undefined };
};
