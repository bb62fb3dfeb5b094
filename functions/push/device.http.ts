/** GET /v1/devices/{deviceId} — how its push address is, and whether the app should register again. */
import { z } from 'zod';
import { type Device, readDevice } from '../../core/devices.ts';
import { http } from '../../core/http.ts';
import { DeviceId } from '../../core/ids.ts';
import { problems } from '../../core/problem.ts';
import { actionOf, healthOf, healths, troubleOf } from './health.ts';

const Answer = z.strictObject({
  deviceId: DeviceId,
  platform: z.enum(['ios', 'android']).optional(),
  push: z.enum(healths),
  reason: z.string().optional(),
  registeredAt: z.iso.datetime().optional(),
  action: z.enum(['none', 'register']),
  retired: z.string().optional(),
});

const answer = (row: Device, now: Date): z.infer<typeof Answer> => {
  const { device: deviceId, platform, registeredAt, retired } = row;
  if (retired) return { deviceId, push: 'none', action: 'register', retired };
  const push = healthOf(row, now);
  return { deviceId, platform, push, reason: troubleOf(row), registeredAt, action: actionOf(push) };
};

export const handler = http(
  { limit: 'reads', params: z.strictObject({ deviceId: DeviceId }), output: Answer },
  async ({ params: { deviceId }, actor }, deps) => {
    const row = await readDevice(deps, actor.tenant, actor.user, deviceId);
    if (!row || (row.loggedOut && !row.retired)) throw problems.notFound();
    return answer(row, deps.now());
  },
);
