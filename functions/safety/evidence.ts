/** What a report is about, as it was when it was reported. Pure. */
import { z } from 'zod';
import { ConversationId, Timestamp, UserId, Version } from '../../core/ids.ts';

/** As it is reported: ids alone. A post comes when there are posts. */
export const Subject = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('user'), userId: UserId }),
  z.strictObject({
    type: z.literal('message'),
    conversationId: ConversationId,
    messageId: z.string().min(1).max(100),
    /** Of the conversation, at which the message stands. */
    version: Version.min(1),
  }),
]);
export type Subject = z.infer<typeof Subject>;

/** A copy: it stays as it is whatever its author does. */
export const Evidence = z.discriminatedUnion('type', [
  /** `profile`: what others could see of them. */
  z.object({ type: z.literal('user'), user: UserId, profile: z.record(z.string(), z.unknown()).optional() }),
  z.object({
    type: z.literal('message'),
    conversation: ConversationId,
    message: z.string(),
    version: Version,
    by: UserId,
    text: z.string(),
    at: Timestamp,
  }),
]);
export type Evidence = z.infer<typeof Evidence>;

/** Whom it is about. */
export const aboutOf = (evidence: Evidence): UserId => (evidence.type === 'user' ? evidence.user : evidence.by);

/** Is this what was reported? */
export const isOf = (evidence: Evidence, subject: Subject): boolean =>
  evidence.type === 'user'
    ? subject.type === 'user' && subject.userId === evidence.user
    : subject.type === 'message' && subject.messageId === evidence.message && subject.version === evidence.version;
