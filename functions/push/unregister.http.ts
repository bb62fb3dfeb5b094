/** DELETE /v1/devices/{deviceId} — logout: no push goes to it from now on, and its connection is closed. */
import { z } from 'zod';
import { http } from '../../core/http.ts';
import { DeviceId } from '../../core/ids.ts';
import { removeDevice } from './addresses.ts';
import { closeLoggedOut } from './closing.ts';

export const handler = http(
  {
    limit: 'logouts',
    params: z.strictObject({ deviceId: DeviceId }),
    output: z.undefined(),
    status: 204,
    inAnyStanding: true,
  },
  async ({ params: { deviceId }, actor }, deps) => {
    const connection = (await removeDevice(deps, actor, deviceId))?.connection;
    deps.log({ level: 'info', msg: 'logged out', ...actor, device: deviceId });
    if (connection) await closeLoggedOut(deps, connection);
    return undefined;
  },
);
