/** A message as clients see it. */
import { z } from 'zod';
import type { Commit } from '../../core/commit.ts';
import { ConversationId, Timestamp, UserId, Version } from '../../core/ids.ts';
import { ConversationEvent } from './conversation.ts';
import { type Hiding, isHidden } from './hiding.ts';

export const Message = z.strictObject({
  id: z.string(),
  conversationId: ConversationId,
  /** The conversation's version that this message made. */
  version: Version,
  /** Counts messages only. */
  number: z.int().min(1),
  by: UserId,
  text: z.string(),
  /** Moderators hid it: its words are served to nobody. */
  hidden: z.literal(true).optional(),
  at: Timestamp,
});
export type Message = z.infer<typeof Message>;

/**
 * The messages of a commit; events that are none, or that nobody can read, are passed over: they must not hide the others.
 * @param hiding of the conversation's newest state
 */
export const messagesOf = (conversationId: ConversationId, { v, events }: Commit, hiding?: Hiding): Message[] =>
  events.flatMap((each) => {
    const { data: event } = ConversationEvent.safeParse(each);
    if (event?.type !== 'Sent') return [];
    const { id, number, by, text, at } = event;
    const message = { id, conversationId, version: v, number, by };
    return [isHidden(hiding, id) ? { ...message, text: '', hidden: true, at } : { ...message, text, at }];
  });
