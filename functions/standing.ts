/**
 * How people stand, for whoever must heed it: a root file, since contexts do not know each other. The truth is in the person's
 * stream (`StandingChanged`, `ErasureBegun`); a row follows from it (core/standing.ts).
 */
import { closeAll } from '../core/closing.ts';
import type { Commit } from '../core/commit.ts';
import type { Deps } from '../core/deps.ts';
import type { Actor, TenantId, UserId } from '../core/ids.ts';
import type { Stream } from '../core/keys.ts';
import { readStanding, type Standing } from '../core/standing.ts';
import { raiseRow } from '../core/views.ts';
import { PersonEvent } from './accounts/person.ts';
import { standingAfter, standingRow } from './accounts/standing.ts';

export type { Standing } from '../core/standing.ts';

/** As it holds now: a suspension that is over counts no more. */
export const standingOf = (
  deps: Deps,
  tenant: TenantId,
  user: UserId,
  reading: { consistent?: boolean } = {},
): Promise<Standing> => readStanding(deps, { tenant, user }, reading);

/** For what shows people to others: the deck, profiles, presence. */
export const isInGoodStanding = async (deps: Deps, tenant: TenantId, user: UserId): Promise<boolean> =>
  (await standingOf(deps, tenant, user)).is === 'good';

/** Ends the sockets of who is not in good standing by now: what is told late may be over. */
const endSockets = async (deps: Deps, actor: Actor): Promise<void> => {
  const standing = await readStanding(deps, actor, { consistent: true });
  if (standing.is !== 'good') await closeAll(deps, actor, standing.is);
};

/** @param v of the person's stream, at which it came to be */
export const setStanding = async (
  deps: Deps,
  { tenant, user }: Actor,
  { standing, v }: { standing: Standing; v: number },
): Promise<void> => {
  await raiseRow(deps, standingRow(tenant, user, standing, v));
  await endSockets(deps, { tenant, user });
};

/** What a commit of a person says of their standing takes effect: said again, it changes nothing. */
export const applyStanding = async (
  deps: Deps,
  { tenant, kind }: Stream,
  { v, events }: Pick<Commit, 'v' | 'events'>,
): Promise<void> => {
  if (kind !== 'person') return;
  for (const each of events) {
    const { data: event } = PersonEvent.safeParse(each);
    const standing = event && standingAfter(event);
    if (event && standing) await setStanding(deps, { tenant, user: event.person }, { standing, v });
  }
};
