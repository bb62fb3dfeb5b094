/**
 * What an authorizer tells the HTTP edge: who asks, or why not. HTTP APIs can't answer a refused token with anything but
 * a bare 403, so the authorizer always lets the request through with its verdict, and the edge, which serves nobody
 * without one, answers 401 with problem details.
 */
import { z } from 'zod';
import { TenantId, Timestamp, UserId } from './ids.ts';

export const Verdict = z.union([
  z.strictObject({
    ...{ tenant: TenantId, user: UserId, expires: z.coerce.number().int() },
    /** Absent for who is in good standing; some routes serve the others too. */
    standing: z.enum(['suspended', 'banned', 'erased']).optional(),
    until: Timestamp.optional(),
  }),
  z.strictObject({
    refused: z.enum([
      ...(['unauthenticated', 'token-expired', 'token-invalid', 'issuer-unavailable', 'key-unknown'] as const),
      'standing-unknown',
    ]),
    detail: z.string(),
  }),
]);
export type Verdict = z.infer<typeof Verdict>;
