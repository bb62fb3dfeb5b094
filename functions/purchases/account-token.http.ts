/** GET /v1/purchases/account-token — what the app says when this person buys, so that the purchase is theirs at once. */
import { z } from 'zod';
import { http } from '../../core/http.ts';
import { makeAccountToken } from '../customer.ts';

export const handler = http(
  { limit: 'reads', output: z.strictObject({ accountToken: z.uuid() }) },
  async ({ actor }, deps) => ({
    accountToken: await makeAccountToken(deps, actor),
  }),
);
