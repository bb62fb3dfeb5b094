/** POST /v1/notifications/{eventId}/received — an app's notification service extension says that a push arrived. */
import { z } from 'zod';
import type { Deps } from '../../core/deps.ts';
import { readDevice } from '../../core/devices.ts';
import { readRange } from '../../core/events.ts';
import { http } from '../../core/http.ts';
import { DeviceId } from '../../core/ids.ts';
import { parseEventName, parseStreamName } from '../../core/keys.ts';
import { problems } from '../../core/problem.ts';
import { EventId } from './event-id.ts';
import { type About, decisionsOf, record, TRAIL_SECONDS } from './trail.ts';

/**
 * It may be faster than our own record of having sent it, or that record may never have been written: then what counts is
 * that there is such an event for a device of theirs. Of what was only skipped nothing can have arrived.
 */
const mayHaveArrived = async (deps: Deps, about: About, device: DeviceId): Promise<boolean> => {
  const { tenant, person, stream: name, v } = about;
  const decided = await decisionsOf(deps, about, device);
  if (decided.length > 0) return decided.some(({ decision }) => decision !== 'skipped');
  const stream = parseStreamName(tenant, name);
  if (!stream || !(await readDevice(deps, tenant, person, device))) return false;
  const [commit] = await readRange(deps, stream, { from: v, limit: 1 });
  if (commit?.v !== v || commit.by === person || !commit.audience.includes(person)) return false;
  return deps.now().getTime() <= Date.parse(commit.at) + TRAIL_SECONDS * 1000;
};

export const handler = http(
  {
    limit: 'receipts',
    params: z.strictObject({ eventId: EventId }),
    body: z.strictObject({ deviceId: DeviceId }),
    output: z.undefined(),
    status: 204,
  },
  async ({ params: { eventId }, body: { deviceId: device }, actor: { tenant, user } }, deps) => {
    const event = parseEventName(eventId);
    if (!event) throw problems.notFound();
    const about = { tenant, person: user, ...event };
    if (!(await mayHaveArrived(deps, about, device))) throw problems.notFound();
    const entry = { device, what: 'show', decision: 'received', attempt: 0, at: deps.now().toISOString() } as const;
    // Among what is said of showing it: a retry that finds this sends no more.
    await record(deps, about, 'show-0-received', entry);
    return undefined;
  },
);
