/** GET /v1/users/{userId} — what somebody says about themselves in public, to whom it may be shown. */
import { z } from 'zod';
import type { Rejection } from '../../core/decider.ts';
import { tenantOf } from '../../core/env.ts';
import { http } from '../../core/http.ts';
import { UserId } from '../../core/ids.ts';
import { readProfile } from '../profiles.ts';
import { isBlocked } from '../relations.ts';
import { isInGoodStanding } from '../standing.ts';
import { Public, publicOf } from './shown.ts';

const nobody: Rejection<'nobody'> = { rejected: 'nobody' };

export const handler = http(
  {
    params: z.strictObject({ userId: UserId }),
    output: Public,
    limit: 'lookups',
    refusals: { nobody: { status: 404, detail: 'There is nobody for you.' } },
  },
  async ({ params: { userId }, actor }, deps) => {
    const { tenant, user } = actor;
    const [row, isGood, blocked] = await Promise.all([
      readProfile(deps, { tenant, user: userId }, { consistent: true }),
      isInGoodStanding(deps, tenant, userId),
      user !== userId && isBlocked(deps, tenant, user, userId),
    ]);
    if (!row || !isGood || blocked) return nobody;
    return publicOf(userId, row.profile, tenantOf(tenant).profile, deps.now());
  },
);
