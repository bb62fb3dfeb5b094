/** PUT /v1/conversations/{conversationId}/read — "I have read up to message `upTo`": a register that only moves up. */
import { z } from 'zod';
import { ringing } from '../../core/deliver.ts';
import { http } from '../../core/http.ts';
import { ConversationId } from '../../core/ids.ts';
import { readMark } from '../../core/pointers.ts';
import { Problem, problems } from '../../core/problem.ts';
import { raise, tellRead } from '../../core/registers.ts';
import { conversationStream } from './membership.ts';

const ahead = (): Problem =>
  new Problem({
    status: 409,
    code: 'read-ahead',
    detail: 'body.upTo: is beyond the newest message of this conversation.',
    errors: [{ field: 'body.upTo', rule: 'must be the number of a message that exists, or less' }],
  });

export const handler = http(
  {
    limit: 'marks',
    params: z.strictObject({ conversationId: ConversationId }),
    body: z.strictObject({ upTo: z.int().min(1) }),
    output: z.strictObject({ read: z.int(), unread: z.int() }),
  },
  async ({ params: { conversationId }, body: { upTo }, actor }, deps) => {
    const stream = conversationStream(actor, conversationId);
    const { outcome, pointer } = await raise(deps, actor.user, stream, readMark, upTo);
    if (outcome === 'no pointer' || !pointer) throw problems.notFound();
    if (outcome === 'beyond') throw ahead();
    if (outcome === 'moved') await ringing(deps, stream, pointer, () => tellRead(deps, pointer));
    return { read: pointer.read, unread: Math.max(0, pointer.count - pointer.read) };
  },
);
