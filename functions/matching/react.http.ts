/** PUT /v1/reactions/{userId} — one person likes another, more than that, passes on them, or leaves it for later. */
import { z } from 'zod';
import { isRejection, reject } from '../../core/decider.ts';
import type { Deps } from '../../core/deps.ts';
import { tenantOf } from '../../core/env.ts';
import { http } from '../../core/http.ts';
import { ConversationId, type TenantId, UserId } from '../../core/ids.ts';
import { standingOf } from '../standing.ts';
import { conversationOf, generationOf } from './match.ts';
import { Note } from './note.ts';
import { say } from './pair.ts';
import { spendLike } from './quota.ts';
import { refusals } from './refusals.ts';

const Reaction = z.discriminatedUnion('type', [
  z.strictObject({ type: z.enum(['like', 'super-like']), note: Note.optional() }),
  z.strictObject({ type: z.enum(['pass', 'later']) }),
]);

const commandOf = (reaction: z.infer<typeof Reaction>, once: boolean) => {
  switch (reaction.type) {
    case 'pass':
      return { type: 'Pass', once } as const;
    case 'later':
      return { type: 'Defer', once } as const;
    default: {
      const { type, note } = reaction;
      const more = { ...(type === 'super-like' && { kind: 'super' as const }), ...(note !== undefined && { note }) };
      return { type: 'Like', once, ...more } as const;
    }
  }
};

/** Who was banned or erased is there for nobody. Who never said anything about themselves may be liked none the less. */
const isThere = async (deps: Deps, tenant: TenantId, user: UserId): Promise<boolean> =>
  !['banned', 'erased'].includes((await standingOf(deps, tenant, user)).is);

export const handler = http(
  {
    limit: 'reactions',
    params: z.strictObject({ userId: UserId }),
    body: Reaction,
    output: z.strictObject({ matched: z.boolean(), conversationId: ConversationId.optional() }),
    refusals,
  },
  async ({ params: { userId: other }, body, actor, commandId }, deps) => {
    if (!(await isThere(deps, actor.tenant, other))) return reject('not-found');
    const command = commandOf(body, !tenantOf(actor.tenant).matching.rematch);
    if (command.type === 'Like') await spendLike(deps, actor, other, { ...command, by: actor.user, about: other });
    const said = await say(deps, { actor, other, commandId }, command);
    if (isRejection(said)) return said;
    // The conversation is opened before the answer, so that it is there when the app goes to it.
    return said.state.status === 'matched'
      ? { matched: true, conversationId: conversationOf(actor.user, other, generationOf(said.state)) }
      : { matched: false };
  },
);
