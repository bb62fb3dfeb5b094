/** DELETE /v1/conversations/{conversationId}/mute — it may notify again. */
import { z } from 'zod';
import { http } from '../../core/http.ts';
import { ConversationId } from '../../core/ids.ts';
import { Muted, setMute } from './mute.ts';

export const handler = http(
  { limit: 'marks', params: z.strictObject({ conversationId: ConversationId }), output: Muted },
  ({ params: { conversationId }, actor }, deps) => setMute(deps, actor, conversationId, undefined),
);
