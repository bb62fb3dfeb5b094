/** Who may see when somebody is there: both have it switched on, and have matched. */
import { absent, type Presence, presenceOf } from '../core/active.ts';
import type { Deps } from '../core/deps.ts';
import { readDevices } from '../core/devices.ts';
import type { Actor, TenantId, UserId } from '../core/ids.ts';
import { load } from '../core/load.ts';
import { profile } from './profiles/profile.ts';
import { isMatched } from './relations.ts';

/** Who says nothing about themselves doesn't say this either. */
const isShown = async (deps: Deps, tenant: TenantId, user: UserId): Promise<boolean> =>
  (await load(deps, profile, { tenant, kind: 'profile', id: user })).state.profile?.settings.presence ?? false;

const presenceFor = async (deps: Deps, { tenant, user }: Actor, other: UserId): Promise<Presence> => {
  const [matched, shown] = await Promise.all([isMatched(deps, tenant, user, other), isShown(deps, tenant, other)]);
  if (!matched || !shown) return absent;
  return presenceOf(await readDevices(deps, tenant, other), deps.now().getTime() / 1000);
};

/** Pulled by who looks, told to nobody else: what it costs is bounded by who is asked about. */
export const presencesFor = async (deps: Deps, actor: Actor, others: readonly UserId[]): Promise<Presence[]> => {
  if (!(await isShown(deps, actor.tenant, actor.user))) return others.map(() => absent);
  return Promise.all(others.map((other) => presenceFor(deps, actor, other)));
};
