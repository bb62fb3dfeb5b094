/** POST /v1/notifications/{eventId}/received — an app's notification service extension says that a push arrived. */
import { z } from 'zod';
import { http } from '../../core/http.ts';
import { DeviceId } from '../../core/ids.ts';
import { parseEventName } from '../../core/keys.ts';
import { problems } from '../../core/problem.ts';
import { EventId } from './event-id.ts';
import { decisionsOf, record } from './trail.ts';

export const handler = http(
  {
    params: z.strictObject({ eventId: EventId }),
    body: z.strictObject({ deviceId: DeviceId }),
    output: z.undefined(),
    status: 204,
  },
  async ({ params: { eventId }, body: { deviceId: device }, actor: { tenant, user } }, deps) => {
    const event = parseEventName(eventId);
    if (!event) throw problems.notFound();
    const about = { tenant, person: user, ...event };
    // It may be faster than our own record of having sent it: an attempt that was begun is enough.
    const [first] = await decisionsOf(deps, about, device);
    if (!first) throw problems.notFound();
    const { what, attempt } = first;
    await record(deps, about, 'received', {
      ...{ device, what, attempt },
      at: deps.now().toISOString(),
      decision: 'received',
    });
    return undefined;
  },
);
