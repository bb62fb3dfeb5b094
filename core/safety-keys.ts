/** Keys of what keeps people safe from each other: standings, and the moderators' list of cases. */
import { TenantId, UserId } from './ids.ts';
import { joinKey, type Key, splitKey } from './keys.ts';

export const STANDING = 'standing';
export const CASE = 'case';

/** A person's standing: in a partition of its own, for every request reads it. */
export const standingKey = (tenant: TenantId, user: UserId): Key => ({
  pk: joinKey(tenant, STANDING, user),
  sk: joinKey(STANDING, 'now'),
});

/** All cases of a tenant. */
export const casesKey = (tenant: TenantId): string => joinKey(tenant, 'cases');
export const caseRowKey = (tenant: TenantId, user: UserId): Key => ({ pk: casesKey(tenant), sk: joinKey(CASE, user) });

type Whose = { tenant: TenantId; user: UserId };
const whose = (tenant: string | undefined, user: string | undefined): Whose | undefined => {
  const [parsedTenant, parsedUser] = [TenantId.safeParse(tenant), UserId.safeParse(user)];
  return parsedTenant.success && parsedUser.success ? { tenant: parsedTenant.data, user: parsedUser.data } : undefined;
};
const same = (one: Key, other: Key | undefined): boolean => one.pk === other?.pk && one.sk === other.sk;

/** Whose standing, or undefined for a key that is none of these. */
export const parseStandingKey = (key: Key): Whose | undefined => {
  const [tenant, , user] = splitKey(key.pk);
  const found = whose(tenant, user);
  return found && same(key, standingKey(found.tenant, found.user)) ? found : undefined;
};

/** Whose case, or undefined for a key that is none of these. */
export const parseCaseRowKey = (key: Key): Whose | undefined => {
  const [tenant] = splitKey(key.pk);
  const found = whose(tenant, splitKey(key.sk)[1]);
  return found && same(key, caseRowKey(found.tenant, found.user)) ? found : undefined;
};
