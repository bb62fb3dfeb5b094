/** GET /v1/presence?users=a,b — who of them is there, or was lately; of most people nothing is said, and it looks the same. */
import { z } from 'zod';
import { http } from '../../core/http.ts';
import { UserId } from '../../core/ids.ts';
import { presencesFor } from '../presence.ts';

const USERS = 50;
const Users = z
  .string()
  .max(USERS * 65, `must name at most ${USERS}`)
  .transform((text) => [...new Set(text.split(','))])
  .pipe(z.array(UserId).max(USERS, `must name at most ${USERS}`));

const Shown = z.strictObject({
  userId: UserId,
  online: z.boolean(),
  /** A whole minute, within the last seven days. */
  lastActive: z.iso.datetime().optional(),
});

export const handler = http(
  {
    limit: 'presence',
    query: z.strictObject({ users: Users }),
    output: z.strictObject({ presence: z.array(Shown) }),
  },
  async ({ query: { users }, actor }, deps) => {
    const presences = await presencesFor(deps, actor, users);
    const presence = users.map((userId, i) => {
      const { online = false, lastActive } = presences[i] ?? {};
      return {
        userId,
        online,
        ...(lastActive !== undefined && { lastActive: new Date(lastActive * 1000).toISOString() }),
      };
    });
    return { presence };
  },
);
