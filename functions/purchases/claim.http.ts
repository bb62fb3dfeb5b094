/** POST /v1/purchases — a device shows a transaction that a store signed; it becomes the person's. */
import { z } from 'zod';
import { http } from '../../core/http.ts';
import { claim } from './claim.ts';
import { Shown } from './shown.ts';

export const handler = http(
  {
    limit: 'purchases',
    body: z.strictObject({ signedTransaction: z.string().min(1) }),
    output: z.strictObject({ purchase: Shown, owned: z.enum(['new', 'already', 'transferred']) }),
    inAnyStanding: true,
    refusals: {
      'claimed-by-another': {
        status: 409,
        detail: 'This purchase belongs to another account of the app. Sign in there to use it.',
        field: 'body.signedTransaction',
      },
    },
  },
  ({ body, actor }, deps) => claim(deps, actor, body.signedTransaction),
);
