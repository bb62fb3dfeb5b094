/** $disconnect — best effort and possibly late: forgets this connection, never a newer one. */
import { forgetConnection } from '../../core/devices.ts';
import { socket } from '../../core/socket.ts';

export const handler = socket(async ({ session: { tenant, user, device }, connectionId }, deps) => {
  const outcome = await forgetConnection(deps, { tenant, person: user, device, connectionId });
  deps.log({ level: 'info', msg: 'disconnected', tenant, user, device, connectionId, outcome });
  return undefined;
});
