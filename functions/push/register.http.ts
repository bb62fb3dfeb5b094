/** PUT /v1/devices/{deviceId} — registers a device and its addresses; every launch of the app may say it again. */
import { z } from 'zod';
import { tenantOf } from '../../core/env.ts';
import { http } from '../../core/http.ts';
import { DeviceId } from '../../core/ids.ts';
import { registerDevice } from './addresses.ts';
import { closeLoggedOut } from './closing.ts';
import { checkAddresses, Registration } from './registration.ts';

export const handler = http(
  {
    limit: 'devices',
    params: z.strictObject({ deviceId: DeviceId }),
    body: Registration,
    output: z.strictObject({ deviceId: DeviceId, push: z.boolean() }),
  },
  async ({ params: { deviceId }, body, actor }, deps) => {
    checkAddresses(tenantOf(actor.tenant), body);
    const ended = await registerDevice(deps, actor, deviceId, body);
    deps.log({ level: 'info', msg: 'registered', ...actor, device: deviceId, push: body.push?.kind ?? 'none' });
    await Promise.all(ended.map((connection) => closeLoggedOut(deps, connection)));
    return { deviceId, push: body.push !== undefined };
  },
);
