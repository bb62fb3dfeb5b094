/** DELETE /v1/matches/{userId} — ends the match with a person for both, and their conversation with it. */
import { z } from 'zod';
import { isRejection } from '../../core/decider.ts';
import { http } from '../../core/http.ts';
import { UserId } from '../../core/ids.ts';
import { say } from './pair.ts';
import { refusals } from './refusals.ts';

export const handler = http(
  {
    limit: 'unmatches',
    params: z.strictObject({ userId: UserId }),
    output: z.undefined(),
    status: 204,
    refusals,
  },
  async ({ params, actor, commandId }, deps) => {
    const said = await say(deps, { actor, other: params.userId, commandId }, { type: 'Unmatch' });
    return isRejection(said) ? said : undefined;
  },
);
