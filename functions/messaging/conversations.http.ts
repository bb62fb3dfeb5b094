/** GET /v1/conversations?before=&limit= — one's conversations, the most recently active first. */
import { z } from 'zod';
import type { Deps } from '../../core/deps.ts';
import { http } from '../../core/http.ts';
import { ConversationId, Timestamp, UserId, Version } from '../../core/ids.ts';
import { streamName } from '../../core/keys.ts';
import { load } from '../../core/load.ts';
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
  /** Nobody can write into it any more. */
  closed: z.literal(true).optional(),
  at: Timestamp,
});

/** Most recent first; the id decides between equals. */
const recency = ({ at, stream }: Pointer): string => `${at}|${stream.id}`;
const Before = z.string().regex(/^[0-9TZ:.-]{20,30}\|cnv_[A-Za-z0-9_-]{22}$/, 'must be the `next` of an earlier page');

/** A conversation that can't be read is left out and logged; it must not hide the others. */
const show = async (deps: Deps, { stream, read, at }: Pointer): Promise<z.infer<typeof Conversation>[]> => {
  try {
    const conversationId = ConversationId.parse(stream.id);
    const { v: version, state, head } = await load(deps, conversation, stream);
    const messages = conversation.count(state);
    const last = head && messagesOf(conversationId, head).at(-1);
    const counts = { messages, read, unread: Math.max(0, messages - read) };
    const closed = state.status === 'closed' ? { closed: true as const } : {};
    return [
      { conversationId, version, members: [...membersOf(state)], ...counts, ...(last ? { last } : {}), ...closed, at },
    ];
  } catch (error) {
    if (!(error instanceof z.ZodError)) throw error;
    deps.log({ level: 'error', msg: 'conversation unreadable', tenant: stream.tenant, stream: streamName(stream) });
    return [];
  }
};

export const handler = http(
  {
    limit: 'reads',
    query: z.strictObject({ before: Before.optional(), limit: Limit(20, 50) }),
    output: z.strictObject({ conversations: z.array(Conversation), next: z.string().optional() }),
  },
  async ({ query: { before, limit }, actor }, deps) => {
    const pointers = (await readPointers(deps, { ...actor, kind: 'conversation' }))
      .filter((pointer) => pointer.v > 0 && (before === undefined || recency(pointer) < before))
      .sort((a, b) => (recency(a) < recency(b) ? 1 : -1));
    const page = pointers.slice(0, limit);
    const conversations = (await Promise.all(page.map((pointer) => show(deps, pointer)))).flat();
    const end = page.at(-1);
    return { conversations, ...(end && pointers.length > limit ? { next: recency(end) } : {}) };
  },
);
