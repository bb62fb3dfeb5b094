/** Keys of what is counted (limits.ts, quotas.ts), in the table of the trail: it forgets by itself. */
import type { TenantId, UserId } from './ids.ts';
import { joinKey, type Key } from './keys.ts';

/** How much of a named limit a person has used, also of a part of it (one device's); or of a quota on one day. */
export const limitKey = (tenant: TenantId, user: UserId, ...name: string[]): Key => ({
  pk: joinKey(tenant, 'limit', user),
  sk: joinKey(...name),
});
