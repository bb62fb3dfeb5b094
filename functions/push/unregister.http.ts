/** DELETE /v1/devices/{deviceId} — logout: no push goes to it from now on, and its connection is closed. */
import { z } from 'zod';
import { encodeFrame } from '../../core/frames.ts';
import { http } from '../../core/http.ts';
import { DeviceId } from '../../core/ids.ts';
import { errorName } from '../../core/log.ts';
import { removeDevice } from './addresses.ts';

export const handler = http(
  { params: z.strictObject({ deviceId: DeviceId }), output: z.undefined(), status: 204 },
  async ({ params: { deviceId }, actor }, deps) => {
    const connection = (await removeDevice(deps, actor, deviceId))?.connection;
    deps.log({ level: 'info', msg: 'logged out', ...actor, device: deviceId });
    if (!connection) return undefined;
    try {
      await deps.sockets.post(connection.id, encodeFrame({ type: 'closing', code: 'logged-out' }));
      await deps.sockets.close(connection.id);
    } catch (error) {
      // The device is forgotten already: nothing is sent to this connection any more.
      deps.log({ level: 'warn', msg: 'close failed', device: deviceId, error: errorName(error) });
    }
    return undefined;
  },
);
