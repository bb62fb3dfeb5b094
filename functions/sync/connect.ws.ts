/** $connect — the device's newest connection replaces the one before. */
import { CONNECTION_SECONDS, forgetConnection } from '../../core/devices.ts';
import { socket } from '../../core/socket.ts';
import { readStanding, refusalOf } from '../../core/standing.ts';
import { claimConnection, closeConnection, scheduleExpiry } from './connections.ts';

export const handler = socket(async ({ session, connectionId }, deps) => {
  const before = await claimConnection(deps, session, connectionId);
  const { tenant, user, device, expires } = session;
  // Whoever suspends writes that first and looks for connections then: one of the two sees the other.
  const standing = await readStanding(deps, session, { consistent: true });
  if (standing.is !== 'good') {
    await forgetConnection(deps, { tenant, person: user, device, connectionId });
    throw refusalOf(standing);
  }
  // Neither the token nor API Gateway lets it live longer.
  const ends = Math.min(expires, Math.floor(deps.now().getTime() / 1000) + CONNECTION_SECONDS);
  await scheduleExpiry(deps, { tenant, user, device, connectionId, expires: ends });
  if (before) await closeConnection(deps, before.id, 'connected-elsewhere');
  deps.log({ level: 'info', msg: 'connected', tenant, user, device, connectionId });
  return undefined;
});
