/** The look again, right before sending: is this push still wanted? */
import type { Deps } from '../../core/deps.ts';
import { type PushAddress, readDevice } from '../../core/devices.ts';
import { readRange } from '../../core/events.ts';
import { parseStreamName } from '../../core/keys.ts';
import { readPointer } from '../../core/pointers.ts';
import type { PushJob } from './jobs.ts';
import { type NoNotification, type Notification, notificationOf } from './notification.ts';

export type Reason = NoNotification | 'device gone' | 'no push address' | 'acknowledged' | 'read' | 'not a member';
export type Decision = { send: Notification; to: PushAddress } | { skip: Reason };

/** Consistent reads throughout, the device last: what was acknowledged, read or logged out before now is seen. */
export const decidePush = async (deps: Deps, job: PushJob): Promise<Decision> => {
  const { tenant, person, v } = job;
  const stream = parseStreamName(tenant, job.stream);
  if (!stream) return { skip: 'not a member' };
  const pointer = await readPointer(deps, person, stream, { consistent: true });
  if (!pointer) return { skip: 'not a member' };
  if ((pointer.acks[job.device] ?? 0) >= v) return { skip: 'acknowledged' };
  const [commit] = await readRange(deps, stream, { from: v, to: v, limit: 1 });
  if (!commit?.audience.includes(person)) return { skip: 'not a member' };
  if (commit.count > 0 && commit.count <= pointer.read) return { skip: 'read' };
  const notification = notificationOf(commit.events, { viewer: person, stream: job.stream, v });
  if (typeof notification === 'string') return { skip: notification };
  const device = await readDevice(deps, tenant, person, job.device);
  if (!device || device.loggedOut) return { skip: 'device gone' };
  return device.push ? { send: notification, to: device.push } : { skip: 'no push address' };
};
