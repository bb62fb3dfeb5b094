/** GET /v1/purchases?after=&limit= — what one bought, as the store says it by now. */
import { z } from 'zod';
import { http } from '../../core/http.ts';
import { Limit } from '../../core/page.ts';
import { PurchaseId, readPurchases } from './history.ts';
import { Shown } from './shown.ts';

export const handler = http(
  {
    limit: 'reads',
    query: z.strictObject({ after: PurchaseId.optional(), limit: Limit(50, 100) }),
    inAnyStanding: true,
    output: z.strictObject({ purchases: z.array(Shown), more: z.boolean() }),
  },
  ({ actor, query }, deps) => readPurchases(deps, actor, query),
);
