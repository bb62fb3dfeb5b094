/** Which media a person has: a root file, since contexts do not know each other. Nothing can be uploaded yet, so nobody has any. */
import type { Deps } from '../core/deps.ts';
import type { TenantId, UserId } from '../core/ids.ts';

/** Of these ids, those that name what this person uploaded. */
export const mediaOf = async (
  _deps: Deps,
  _tenant: TenantId,
  _user: UserId,
  _ids: readonly string[],
): Promise<ReadonlySet<string>> => new Set();
