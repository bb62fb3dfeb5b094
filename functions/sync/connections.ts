/** Connections of devices: the newest wins, an expired one is closed. */
import { z } from 'zod';
import { ACTIVE_SECONDS, raiseActive } from '../../core/active.ts';
import { keepBounded } from '../../core/bounded.ts';
import { isFault, isRefused } from '../../core/ddb.ts';
import type { Deps } from '../../core/deps.ts';
import { CONNECTION_SECONDS, type Connection, type Device, forgetConnection, readDevice } from '../../core/devices.ts';
import { encodeFrame, type ServerFrame } from '../../core/frames.ts';
import { DeviceId, TenantId, UserId } from '../../core/ids.ts';
import { deviceKey } from '../../core/keys.ts';
import { errorName } from '../../core/log.ts';
import { problems } from '../../core/problem.ts';
import { backoff } from '../../core/retry.ts';
import type { Session } from '../../core/socket.ts';

const MAX_DELAY_SECONDS = 900;
const CLAIM_ATTEMPTS = 6;
/** A device that never registered is forgotten after 30 days without a connection. */
const UNREGISTERED_SECONDS = 30 * 24 * 3600;
const seconds = (deps: Pick<Deps, 'now'>): number => Math.floor(deps.now().getTime() / 1000);

/** Says why, then closes. Whatever fails here, the connection is no longer the device's. */
export const closeConnection = async (
  deps: Deps,
  connectionId: string,
  code: Extract<ServerFrame, { type: 'closing' }>['code'],
): Promise<void> => {
  try {
    await deps.sockets.post(connectionId, encodeFrame({ type: 'closing', code }));
    await deps.sockets.close(connectionId);
    deps.log({ level: 'info', msg: 'closed', connectionId, code });
  } catch (error) {
    deps.log({ level: 'warn', msg: 'close failed', code, error: errorName(error) });
  }
};

const SET_CONNECTION =
  'SET #connection = :connection, #epoch = if_not_exists(#epoch, :zero) + :one, #device = :device, #person = :person, #connectedAt = :now, #activeAt = :now';
const CLAIM_REGISTERED = `${SET_CONNECTION} REMOVE #expires`;
/** Why it was ended stays until it registers: its address is gone, and a socket brings none back. */
const CLAIM_UNREGISTERED = `${SET_CONNECTION}, #expires = :expires REMOVE #loggedOut`;

/** Takes the row as it was read: an attempt that lands late, or beside a registration, finds another epoch or platform. */
const claim = (deps: Deps, { tenant, user, device, expires }: Session, id: string, before: Device | undefined) => {
  const now = seconds(deps);
  const registered = before?.platform !== undefined;
  const isRegistered = registered ? 'attribute_exists(#platform)' : 'attribute_not_exists(#platform)';
  const isThere = before ? '#epoch = :epoch' : 'attribute_not_exists(#epoch)';
  return deps.ddb.updateOnce({
    TableName: deps.env.DEVICES_TABLE,
    Key: deviceKey(tenant, user, device),
    UpdateExpression: registered ? CLAIM_REGISTERED : CLAIM_UNREGISTERED,
    ConditionExpression: [isThere, isRegistered].join(' AND '),
    ExpressionAttributeNames: {
      '#connection': 'connection',
      '#epoch': 'epoch',
      '#device': 'device',
      '#person': 'person',
      '#platform': 'platform',
      '#expires': 'expires',
      '#connectedAt': 'connectedAt',
      '#activeAt': 'activeAt',
      ...(registered ? {} : { '#loggedOut': 'loggedOut' }),
    },
    ExpressionAttributeValues: {
      ':connection': { id, expires, lease: now + CONNECTION_SECONDS },
      ':now': now,
      ':zero': 0,
      ':one': 1,
      ':device': device,
      ':person': user,
      ...(before ? { ':epoch': before.epoch } : {}),
      ...(registered ? {} : { ':expires': now + UNREGISTERED_SECONDS }),
    },
  });
};

/** One more device may be one too many: the oldest other one ends as by a logout. @returns the connection before */
const makeRoom = async <Before>(deps: Deps, { tenant, user, device }: Session, before: Before): Promise<Before> => {
  const ended = await keepBounded(deps, { tenant, user }, device);
  await Promise.all(ended.map(({ id }) => closeConnection(deps, id, 'logged-out')));
  return before;
};

/**
 * Makes a connection the device's newest.
 * @returns the one before, if the device had another
 * @throws Problem `busy`
 */
export const claimConnection = async (deps: Deps, session: Session, id: string): Promise<Connection | undefined> => {
  const { tenant, user, device } = session;
  let replaced: Connection | undefined;
  for (let tries = 0; tries < CLAIM_ATTEMPTS; tries++) {
    if (tries > 0) await deps.sleep(backoff(deps.random, tries));
    const before = await readDevice(deps, tenant, user, device);
    // Our own attempt of which we were not told.
    if (before?.connection?.id === id) return makeRoom(deps, session, replaced);
    replaced = before?.connection;
    const claimed = await claim(deps, session, id, before).catch((error: unknown) => {
      if (isFault(error)) throw error;
      return undefined;
    });
    if (!claimed || isRefused(claimed)) continue;
    return before && !before.loggedOut ? replaced : makeRoom(deps, session, replaced);
  }
  throw problems.busy();
};

export const ExpiryJob = z.strictObject({
  tenant: TenantId,
  user: UserId,
  device: DeviceId,
  connectionId: z.string(),
  /** Unix seconds. */
  expires: z.int(),
});
export type ExpiryJob = z.infer<typeof ExpiryJob>;

/** Comes back when the access token ends (or after 15 minutes, SQS's longest delay, to wait on). */
export const scheduleExpiry = (deps: Deps, job: ExpiryJob): Promise<void> =>
  deps.enqueue(deps.env.EXPIRY_QUEUE_URL, job, Math.max(0, Math.min(MAX_DELAY_SECONDS, job.expires - seconds(deps))));

/**
 * Is this still the device's connection? One that was replaced while its handshake still went on could not be told then
 * (API Gateway knows no connection before `$connect` has answered), so it is told when it is next heard of.
 * @returns the device; or undefined, and the connection was closed
 */
export const closeIfReplaced = async (
  deps: Deps,
  { tenant, user, device }: Session,
  connectionId: string,
): Promise<Device | undefined> => {
  const row = await readDevice(deps, tenant, user, device);
  if (row?.connection?.id === connectionId) return row;
  await closeConnection(deps, connectionId, row && !row.loggedOut ? 'connected-elsewhere' : 'logged-out');
  return undefined;
};

/** Says that a device is there, at most once a minute. Nobody waits for it: what is lost is said by the next ping. */
export const noteActive = async (
  deps: Deps,
  { tenant, user: person, device }: Session,
  { connection, activeAt = 0 }: Device,
): Promise<void> => {
  const now = seconds(deps);
  if (!connection || now - activeAt < ACTIVE_SECONDS) return;
  try {
    await raiseActive(deps, { tenant, person, device, connectionId: connection.id }, now);
  } catch (error) {
    deps.log({ level: 'warn', msg: 'activity lost', tenant, error: errorName(error) });
  }
};

/** Closes a connection whose token has ended, or that was replaced; waits on if neither. */
export const expireConnection = async (deps: Deps, job: ExpiryJob): Promise<void> => {
  const { tenant, user: person, device, connectionId, expires } = job;
  if (!(await closeIfReplaced(deps, job, connectionId))) return;
  if (seconds(deps) < expires) return scheduleExpiry(deps, job);
  await closeConnection(deps, connectionId, 'token-expired');
  await forgetConnection(deps, { tenant, person, device, connectionId });
};
