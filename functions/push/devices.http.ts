/** GET /v1/devices — one's own devices, the one last connected first; their addresses are told to nobody. */
import { z } from 'zod';
import { type Device, isConnected, readDevices } from '../../core/devices.ts';
import { http } from '../../core/http.ts';
import { DeviceId } from '../../core/ids.ts';
import { actionOf, healthOf, healths, troubleOf } from './health.ts';

const Listed = z.strictObject({
  deviceId: DeviceId,
  /** These five are absent for a device that connected and never registered. */
  platform: z.enum(['ios', 'android']).optional(),
  locale: z.string().optional(),
  timeZone: z.string().optional(),
  appVersion: z.string().optional(),
  registeredAt: z.iso.datetime().optional(),
  lastConnectedAt: z.iso.datetime().optional(),
  /** As far as we know: a phone may have left without a word. */
  connected: z.boolean(),
  push: z.enum(healths),
  reason: z.string().optional(),
  action: z.enum(['none', 'register']),
});

const listed = (row: Device, now: Date): z.infer<typeof Listed> => {
  const { device: deviceId, platform, locale, timeZone, appVersion, registeredAt, connectedAt } = row;
  const push = healthOf(row, now);
  return {
    ...{ deviceId, platform, locale, timeZone, appVersion, registeredAt },
    lastConnectedAt: connectedAt === undefined ? undefined : new Date(connectedAt * 1000).toISOString(),
    connected: isConnected(row, now.getTime() / 1000),
    ...{ push, reason: troubleOf(row), action: actionOf(push) },
  };
};

const byConnection = (a: Device, b: Device): number =>
  (b.connectedAt ?? 0) - (a.connectedAt ?? 0) || (a.device < b.device ? -1 : 1);

export const handler = http(
  { limit: 'reads', output: z.strictObject({ devices: z.array(Listed) }) },
  async ({ actor }, deps) => {
    const rows = await readDevices(deps, actor.tenant, actor.user, { consistent: true });
    return { devices: rows.sort(byConnection).map((row) => listed(row, deps.now())) };
  },
);
