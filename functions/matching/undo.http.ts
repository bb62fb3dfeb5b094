/** DELETE /v1/reactions/{userId} — undoes one's last pass on a person, or that one left them for later. */
import { z } from 'zod';
import { isRejection } from '../../core/decider.ts';
import { http } from '../../core/http.ts';
import { UserId } from '../../core/ids.ts';
import { say } from './pair.ts';
import { refusals } from './refusals.ts';

export const handler = http(
  {
    limit: 'reactions',
    params: z.strictObject({ userId: UserId }),
    output: z.undefined(),
    status: 204,
    refusals,
  },
  async ({ params, actor, commandId }, deps) => {
    const said = await say(deps, { actor, other: params.userId, commandId }, { type: 'Undo' });
    return isRejection(said) ? said : undefined;
  },
);
