/** GET /v1/conversations?before=&limit= — one's conversations, the most recently active first. */
import { z } from 'zod';
import { readNewest } from '../../core/events.ts';
import { http } from '../../core/http.ts';
import { ConversationId, Timestamp, UserId, Version } from '../../core/ids.ts';
import { Limit } from '../../core/page.ts';
import { type Pointer, readPointers } from '../../core/pointers.ts';
import { conversation, membersOf } from './conversation.ts';
import { Message, messagesOf } from './message.ts';

const Conversation = z.strictObject({
  conversationId: ConversationId,
  version: Version,
  members: z.array(UserId),
  messages: z.int(),
  read: z.int(),
  unread: z.int(),
  last: Message.optional(),
  at: Timestamp,
});

/** Most recent first; the id decides between equals. */
const recency = ({ at, stream }: Pointer): string => `${at}|${stream.id}`;
const Before = z.string().regex(/^[0-9TZ:.-]{20,30}\|cnv_[A-Za-z0-9_-]{22}$/, 'must be the `next` of an earlier page');

export const handler = http(
  {
    query: z.strictObject({ before: Before.optional(), limit: Limit(20, 50) }),
    output: z.strictObject({ conversations: z.array(Conversation), next: z.string().optional() }),
  },
  async ({ query: { before, limit }, actor }, deps) => {
    const pointers = (await readPointers(deps, { ...actor, kind: 'conversation' }))
      .filter((pointer) => before === undefined || recency(pointer) < before)
      .sort((a, b) => (recency(a) < recency(b) ? 1 : -1));
    const page = pointers.slice(0, limit);
    const conversations = await Promise.all(
      page.map(async ({ stream, read, at }) => {
        const conversationId = ConversationId.parse(stream.id);
        const [head] = await readNewest(deps, stream, 1);
        const state = conversation.State.parse(head?.state);
        const messages = conversation.count(state);
        const last = head && messagesOf(conversationId, head).at(-1);
        const counts = { messages, read, unread: Math.max(0, messages - read) };
        return {
          conversationId,
          version: head?.v ?? 0,
          members: [...membersOf(state)],
          ...counts,
          ...(last ? { last } : {}),
          at,
        };
      }),
    );
    const end = page.at(-1);
    return { conversations, ...(end && pointers.length > limit ? { next: recency(end) } : {}) };
  },
);
