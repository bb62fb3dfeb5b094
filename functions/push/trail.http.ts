/** GET /v1/notifications/{eventId} — what became of the pushes of one event to one's own devices. */
import { z } from 'zod';
import { http } from '../../core/http.ts';
import { parseEventName } from '../../core/keys.ts';
import { problems } from '../../core/problem.ts';
import { EventId } from './event-id.ts';
import { decisionsOf, TrailRecord } from './trail.ts';

export const handler = http(
  {
    limit: 'reads',
    params: z.strictObject({ eventId: EventId }),
    output: z.strictObject({ eventId: z.string(), decisions: z.array(TrailRecord) }),
  },
  async ({ params: { eventId }, actor: { tenant, user } }, deps) => {
    const event = parseEventName(eventId);
    const decisions = event ? await decisionsOf(deps, { tenant, person: user, ...event }) : [];
    if (decisions.length === 0) throw problems.notFound();
    return { eventId, decisions };
  },
);
