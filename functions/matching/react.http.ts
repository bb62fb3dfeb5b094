/** PUT /v1/reactions/{userId} — one person likes or passes on another. */
import { z } from 'zod';
import { isRejection } from '../../core/decider.ts';
import { ringing } from '../../core/deliver.ts';
import { execute } from '../../core/execute.ts';
import { http } from '../../core/http.ts';
import { ConversationId, UserId } from '../../core/ids.ts';
import { react as follow } from '../reactions.ts';
import { conversationOf, match, pairId } from './match.ts';

export const handler = http(
  {
    params: z.strictObject({ userId: UserId }),
    body: z.strictObject({ type: z.enum(['like', 'pass']) }),
    output: z.strictObject({ matched: z.boolean(), conversationId: ConversationId.optional() }),
    refusals: {
      self: { status: 422, detail: 'You can not like or pass on yourself.', field: 'params.userId' },
      'already-matched': { status: 409, detail: 'You have matched; a pass is not possible any more.' },
    },
  },
  async ({ params, body, actor, commandId }, deps) => {
    const stream = { tenant: actor.tenant, kind: 'pair', id: pairId(actor.user, params.userId) } as const;
    const act = { by: actor.user, about: params.userId, at: deps.now().toISOString() };
    const command = { ...act, type: body.type === 'like' ? ('Like' as const) : ('Pass' as const) };
    const done = await execute(deps, match, { stream, command, id: commandId, by: actor.user, dedupe: 'state' });
    if (isRejection(done)) return done;
    const { commit, state } = done;
    // The conversation is opened before the answer, so that it is there when the app goes to it.
    if (commit) await ringing(deps, stream, commit, () => follow(deps, stream, commit));
    return state.status === 'matched'
      ? { matched: true, conversationId: conversationOf(actor.user, params.userId) }
      : { matched: false };
  },
);
