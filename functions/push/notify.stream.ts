/**
 * Inbox stream: a pointer moved from the old v to the new one. Each version in between becomes a job for each of the
 * person's devices that has a push address: at once, or after a while if the device claims to be connected, so that its
 * acknowledgement can come first.
 */
import type { Deps } from '../../core/deps.ts';
import { type Device, isConnected, readDevices } from '../../core/devices.ts';
import { tenantOf } from '../../core/env.ts';
import { eventName, streamName } from '../../core/keys.ts';
import { type Pointer, parsePointer } from '../../core/pointers.ts';
import { stream } from '../../core/stream.ts';
import type { PushJob } from './jobs.ts';
import { record } from './trail.ts';

/** Of a long jump only the newest versions are worth a push. */
const NEWEST = 20;

/** What was read here needs no notification on the person's other devices any more. A little later, for who reads on. */
const CLEAR_SECONDS = 3;

const readsUnread = (before: Pointer, { read }: Pointer): boolean => read > before.read && before.count > before.read;

const clear = async (deps: Deps, { stream, person, v, read }: Pointer): Promise<void> => {
  const about = { tenant: stream.tenant, person, stream: streamName(stream) };
  const devices = (await readDevices(deps, stream.tenant, person, { consistent: true })).filter(({ push }) => push);
  const now = deps.now().getTime() / 1000;
  for (const device of devices) {
    // Its socket tells it; a claim that is none is seen through when the job looks again.
    const delay = isConnected(device, now) ? tenantOf(stream.tenant).push.graceSeconds : CLEAR_SECONDS;
    const job: Partial<PushJob> = { ...about, device: device.device, v, what: 'clear', read };
    await deps.enqueue(deps.env.PUSH_QUEUE_URL, job, delay);
  }
};

/** What a long jump leaves out is written down once, at its newest version: `into` is where the pushes begin. */
const passOver = async (
  deps: Deps,
  pointer: Pointer,
  devices: Device[],
  { from, first }: { from: number; first: number },
) => {
  const { stream, person } = pointer;
  const about = { tenant: stream.tenant, person, stream: streamName(stream), v: first - 1 };
  const [at, into] = [deps.now().toISOString(), eventName(about.stream, first)];
  const reason = 'only the newest of many';
  for (const { device } of devices)
    await record(deps, about, 'passed-over', {
      ...{ device, at, what: 'show', decision: 'skipped', reason, attempt: 0, into },
    });
  deps.log({ level: 'info', msg: 'push decided', ...about, from, decision: `not sent: ${reason}` });
};

const notify = async (deps: Deps, pointer: Pointer, from: number): Promise<void> => {
  const { stream, person, v, own } = pointer;
  if (from === v && own === v) return;
  const about = { tenant: stream.tenant, person, stream: streamName(stream) };
  // Consistent: a device that registered before the event must not be missed.
  const all = await readDevices(deps, stream.tenant, person, { consistent: true });
  const devices = all.filter(({ push }) => push);
  // No trail of these: a write for each message would cost as much as the message.
  const without = all.filter(({ push }) => !push).map(({ device }) => device);
  if (devices.length === 0 || without.length > 0)
    deps.log({ level: 'info', msg: 'no push', ...about, from, v, devices: without, reason: 'no push address' });
  const now = deps.now().getTime() / 1000;
  const { graceSeconds } = tenantOf(stream.tenant).push;
  const first = Math.max(from, v - NEWEST + 1);
  if (first > from && devices.length > 0) await passOver(deps, pointer, devices, { from, first });
  for (const device of devices) {
    const delay = isConnected(device, now) ? graceSeconds : 0;
    for (let version = first; version <= v; version++) {
      const job: Partial<PushJob> = { ...about, device: device.device, v: version };
      await deps.enqueue(deps.env.PUSH_QUEUE_URL, job, delay);
      deps.log({ level: 'info', msg: 'push queued', ...about, device: device.device, v: version, delay });
    }
  }
};

export const handler = stream('push/notify', async ({ before, after }, deps) => {
  if (!after) return;
  const pointer = parsePointer(after);
  const old = before ? parsePointer(before) : undefined;
  const from = (old?.v ?? 0) + 1;
  if (from <= pointer.v) await notify(deps, pointer, from);
  if (old && readsUnread(old, pointer)) await clear(deps, pointer);
});
