/** DELETE /v1/me — a person leaves: from the answer on they are refused everywhere, and what they said goes. */
import { z } from 'zod';
import { http } from '../../core/http.ts';
import { beginErasure } from './erase.ts';

export const handler = http(
  {
    output: z.strictObject({ state: z.literal('begun') }),
    status: 202,
    inAnyStanding: true,
    limit: 'erasure',
  },
  async ({ actor }, deps) => {
    await beginErasure(deps, actor);
    return { state: 'begun' } as const;
  },
);
