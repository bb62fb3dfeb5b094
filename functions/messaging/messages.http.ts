/** GET /v1/conversations/{conversationId}/messages?before=|after=&limit= — messages by version, stable under writes. */
import { z } from 'zod';
import type { Deps } from '../../core/deps.ts';
import { readNewest, readRange } from '../../core/events.ts';
import { http } from '../../core/http.ts';
import { ConversationId } from '../../core/ids.ts';
import type { Stream } from '../../core/keys.ts';
import { Limit, Position } from '../../core/page.ts';
import { conversation } from './conversation.ts';
import type { Hiding } from './hiding.ts';
import { loadAsMember } from './membership.ts';
import { Message, messagesOf } from './message.ts';

const Query = z
  .strictObject({ before: Position.optional(), after: Position.optional(), limit: Limit(50, 100) })
  .refine(({ before, after }) => before === undefined || after === undefined, {
    path: ['before'],
    message: 'can not be used together with after',
  });

const ROUNDS = 10;
type Range = { conversationId: ConversationId; stream: Stream; limit: number; hiding: Hiding | undefined };

/** The newest `limit` messages below a version, oldest first; versions that are no messages are read past. */
const backwards = async (
  deps: Deps,
  { conversationId, stream, limit, hiding }: Range,
  below: number,
): Promise<Message[]> => {
  const found: Message[] = [];
  let to = below - 1;
  for (let round = 0; round < ROUNDS && to >= 1 && found.length < limit; round++) {
    const commits = await readNewest(deps, stream, limit - found.length, to);
    found.unshift(...commits.reverse().flatMap((commit) => messagesOf(conversationId, commit, hiding)));
    to = (commits[0]?.v ?? 1) - 1;
  }
  return found;
};

/** The first `limit` messages above a version. */
const forwards = async (deps: Deps, { conversationId, stream, limit, hiding }: Range, above: number, head: number) => {
  const found: Message[] = [];
  let from = above + 1;
  for (let round = 0; round < ROUNDS && from <= head && found.length < limit; round++) {
    const commits = await readRange(deps, stream, { from, to: head, limit: limit - found.length });
    found.push(...commits.flatMap((commit) => messagesOf(conversationId, commit, hiding)));
    from = (commits.at(-1)?.v ?? head) + 1;
  }
  return found;
};

export const handler = http(
  {
    limit: 'reads',
    params: z.strictObject({ conversationId: ConversationId }),
    query: Query,
    output: z.strictObject({ messages: z.array(Message), head: z.int(), more: z.boolean() }),
  },
  async ({ params: { conversationId }, query: { before, after, limit }, actor }, deps) => {
    const { stream, v: head, state } = await loadAsMember(deps, actor, conversationId);
    const hiding = state.status === 'none' ? undefined : state.hidden;
    const range = { conversationId, stream, limit, hiding };
    const messages =
      after === undefined
        ? await backwards(deps, range, Math.min(before ?? head + 1, head + 1))
        : await forwards(deps, range, after, head);
    // Messages are numbered densely, so their numbers tell whether there are more.
    const first = messages[0]?.number ?? 1;
    const last = messages.at(-1)?.number ?? Number.MAX_SAFE_INTEGER;
    return { messages, head, more: after === undefined ? first > 1 : last < conversation.count(state) };
  },
);
