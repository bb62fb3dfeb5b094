/** $connect — the device's newest connection replaces the one before. */
import { problems } from '../../core/problem.ts';
import { socket } from '../../core/socket.ts';
import { claimConnection, closeConnection, scheduleExpiry } from './connections.ts';

export const handler = socket(async ({ session, connectionId }, deps) => {
  const claimed = await claimConnection(deps, session, connectionId);
  if (!claimed) throw problems.tooManyDevices();
  const { tenant, user, device, expires } = session;
  await scheduleExpiry(deps, { tenant, user, device, connectionId, expires });
  if (claimed.before) await closeConnection(deps, claimed.before.id, 'connected-elsewhere');
  deps.log({ level: 'info', msg: 'connected', tenant, user, device, connectionId });
  return undefined;
});
