/** POST /v1/conversations/{conversationId}/messages — sends a message; the same Idempotency-Key sends it once. */
import { z } from 'zod';
import { assert } from '../../core/assert.ts';
import { isRejection } from '../../core/decider.ts';
import { ring } from '../../core/deliver.ts';
import { execute } from '../../core/execute.ts';
import { http } from '../../core/http.ts';
import { ConversationId, digest, Version } from '../../core/ids.ts';
import { Text } from '../../core/text.ts';
import { conversation, MESSAGE_CHARACTERS } from './conversation.ts';
import { conversationStream } from './membership.ts';
import { Message, messagesOf } from './message.ts';

export const handler = http(
  {
    limit: 'messages',
    params: z.strictObject({ conversationId: ConversationId }),
    body: z.strictObject({ text: Text(MESSAGE_CHARACTERS), after: Version }),
    output: Message,
    status: 201,
    idempotent: true,
    refusals: {
      'not-found': { status: 404, detail: '' },
      closed: { status: 409, detail: 'This conversation has ended.' },
    },
  },
  async ({ params: { conversationId }, body: { text, after }, actor, commandId }, deps) => {
    const stream = conversationStream(actor, conversationId);
    const id = `msg_${digest(stream.id, actor.user, commandId)}`;
    const command = { type: 'Send' as const, id, by: actor.user, text, at: deps.now().toISOString() };
    const done = await execute(deps, conversation, {
      stream,
      command,
      id: commandId,
      by: actor.user,
      dedupe: { after },
    });
    if (isRejection(done)) return done;
    assert(done.commit, 'a sent message is a commit');
    if (done.fresh) await ring(deps, stream, done.commit);
    const [message] = messagesOf(conversationId, done.commit);
    assert(message, 'its commit holds the message');
    return message;
  },
);
