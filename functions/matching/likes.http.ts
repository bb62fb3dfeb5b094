/** GET /v1/likes?after=&limit= — who likes one; without the tenant's entitlement only how many do. */
import { z } from 'zod';
import { tenantOf } from '../../core/env.ts';
import { http } from '../../core/http.ts';
import { UserId } from '../../core/ids.ts';
import { Limit } from '../../core/page.ts';
import { entitlementsOf } from '../customer.ts';
import { Like, readLikes } from './likes.ts';

/** Whoever may not see them learns no more than "99+". */
const COUNTED = 99;

export const handler = http(
  {
    limit: 'reads',
    query: z.strictObject({ after: UserId.optional(), limit: Limit(50, 100) }),
    output: z.strictObject({
      /** Up to 99; `more` says that there are others beside them. */
      count: z.int().optional(),
      likes: z.array(Like).optional(),
      more: z.boolean(),
    }),
  },
  async ({ actor, query }, deps) => {
    const { seeLikes } = tenantOf(actor.tenant).matching;
    const { entitlements } = seeLikes ? await entitlementsOf(deps, actor, deps.now()) : { entitlements: [] };
    const maySee = !seeLikes || entitlements.some(({ name, active }) => active && name === seeLikes);
    if (maySee) return readLikes(deps, actor, query);
    const { likes, more } = await readLikes(deps, actor, { limit: COUNTED });
    return { count: likes.length, more };
  },
);
