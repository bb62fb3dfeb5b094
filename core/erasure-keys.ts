/** Keys of what is kept about leaving: which erasures are open, what was exported, which of Apple's words were heard. */
import type { TenantId, UserId } from './ids.ts';
import { joinKey, type Key } from './keys.ts';

/** One row for each erasure, so that those which are open can be found. */
export const erasureKey = (tenant: TenantId, user: UserId): Key => ({
  pk: erasuresKey(tenant),
  sk: joinKey('person', user),
});
export const erasuresKey = (tenant: TenantId): string => joinKey(tenant, 'erasures');

/** A person's newest export. */
export const exportKey = (tenant: TenantId, user: UserId): Key => ({
  pk: joinKey(tenant, 'export', user),
  sk: joinKey('newest'),
});
/** What lets one download an export, by the hash of a secret. */
export const exportLinkKey = (tenant: TenantId, hash: string): Key => ({
  pk: joinKey(tenant, 'export-link', hash),
  sk: joinKey('link'),
});

/** A notification of Apple's about an account, by its `jti`. */
export const appleEventKey = (tenant: TenantId, id: string): Key => ({
  pk: joinKey(tenant, 'apple-event', id),
  sk: joinKey('event'),
});

/** Partitions beside a person's own that hold what is counted of them, by table. */
export const askedOf = (tenant: TenantId, user: UserId): string => joinKey(tenant, 'asked', user);
export const budgetsOf = (tenant: TenantId, user: UserId, device: string): string =>
  joinKey(tenant, 'budget', user, device);
export const limitsOf = (tenant: TenantId, user: UserId): string => joinKey(tenant, 'limit', user);
