/** $connect — the device's newest connection replaces the one before. */
import { CONNECTION_SECONDS } from '../../core/devices.ts';
import { socket } from '../../core/socket.ts';
import { claimConnection, closeConnection, scheduleExpiry } from './connections.ts';

export const handler = socket(async ({ session, connectionId }, deps) => {
  const before = await claimConnection(deps, session, connectionId);
  const { tenant, user, device, expires } = session;
  // Neither the token nor API Gateway lets it live longer.
  const ends = Math.min(expires, Math.floor(deps.now().getTime() / 1000) + CONNECTION_SECONDS);
  await scheduleExpiry(deps, { tenant, user, device, connectionId, expires: ends });
  if (before) await closeConnection(deps, before.id, 'connected-elsewhere');
  deps.log({ level: 'info', msg: 'connected', tenant, user, device, connectionId });
  return undefined;
});
