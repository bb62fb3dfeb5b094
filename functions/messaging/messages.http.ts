/** GET /v1/conversations/{conversationId}/messages?before=|after=&limit= — messages by version, stable under writes. */
import { z } from 'zod';
import { readNewest, readRange } from '../../core/events.ts';
import { http } from '../../core/http.ts';
import { ConversationId } from '../../core/ids.ts';
import { Limit, Position } from '../../core/page.ts';
import { loadAsMember } from './membership.ts';
import { Message, messagesOf } from './message.ts';

const Query = z
  .strictObject({ before: Position.optional(), after: Position.optional(), limit: Limit(50, 100) })
  .refine(({ before, after }) => before === undefined || after === undefined, {
    path: ['before'],
    message: 'can not be used together with after',
  });

export const handler = http(
  {
    params: z.strictObject({ conversationId: ConversationId }),
    query: Query,
    output: z.strictObject({ messages: z.array(Message), head: z.int(), more: z.boolean() }),
  },
  async ({ params: { conversationId }, query: { before, after, limit }, actor }, deps) => {
    const { stream, v: head } = await loadAsMember(deps, actor, conversationId);
    const upTo = Math.min(head, (before ?? head + 1) - 1);
    const commits =
      after === undefined
        ? upTo < 1
          ? []
          : (await readNewest(deps, stream, limit, upTo)).reverse()
        : after >= head
          ? []
          : await readRange(deps, stream, { from: after + 1, to: head, limit });
    const last = after === undefined ? commits[0]?.v : commits.at(-1)?.v;
    const more = last !== undefined && (after === undefined ? last > 1 : last < head);
    return { messages: commits.flatMap((commit) => messagesOf(conversationId, commit)), head, more };
  },
);
