/** PUT /v1/conversations/{conversationId}/mute — no notifications of it until a moment, or for ever. */
import { z } from 'zod';
import { http } from '../../core/http.ts';
import { ConversationId } from '../../core/ids.ts';
import { problems } from '../../core/problem.ts';
import { FOREVER, Muted, setMute, untilOf } from './mute.ts';

const rule = 'must be a moment such as 2026-01-31T12:00:00Z, or `forever`';
const Until = z.union([z.literal(FOREVER), z.iso.datetime()], rule);

export const handler = http(
  {
    limit: 'marks',
    params: z.strictObject({ conversationId: ConversationId }),
    body: z.strictObject({ until: Until }),
    output: Muted,
  },
  async ({ params: { conversationId }, body, actor }, deps) => {
    const checked = untilOf(body.until, deps.now());
    if ('rule' in checked) throw problems.invalid([{ field: 'body.until', rule: checked.rule }]);
    return setMute(deps, actor, conversationId, checked.until);
  },
);
