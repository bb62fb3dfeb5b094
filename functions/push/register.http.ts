/** PUT /v1/devices/{deviceId} — registers a device and its push address; every launch of the app may say it again. */
import { z } from 'zod';
import { tenantOf } from '../../core/env.ts';
import { http } from '../../core/http.ts';
import { DeviceId } from '../../core/ids.ts';
import { checkAddress, Registration, registerDevice } from './addresses.ts';

export const handler = http(
  {
    params: z.strictObject({ deviceId: DeviceId }),
    body: Registration,
    output: z.strictObject({ deviceId: DeviceId, push: z.boolean() }),
  },
  async ({ params: { deviceId }, body, actor }, deps) => {
    checkAddress(tenantOf(actor.tenant), body);
    await registerDevice(deps, actor, deviceId, body);
    deps.log({ level: 'info', msg: 'registered', ...actor, device: deviceId, push: body.push?.kind ?? 'none' });
    return { deviceId, push: body.push !== undefined };
  },
);
