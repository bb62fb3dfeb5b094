/** Connections of devices: the newest wins, an expired one is closed. */
import { z } from 'zod';
import { isRefused } from '../../core/ddb.ts';
import type { Deps } from '../../core/deps.ts';
import {
  CONNECTION_SECONDS,
  type Connection,
  DEVICES_LIMIT,
  Device,
  forgetConnection,
  readDevice,
  readDevices,
} from '../../core/devices.ts';
import { encodeFrame, type ServerFrame } from '../../core/frames.ts';
import { DeviceId, TenantId, UserId } from '../../core/ids.ts';
import { deviceKey } from '../../core/keys.ts';
import { errorName } from '../../core/log.ts';
import type { Session } from '../../core/socket.ts';

const MAX_DELAY_SECONDS = 900;
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
  } catch (error) {
    deps.log({ level: 'warn', msg: 'close failed', code, error: errorName(error) });
  }
};

/** @returns the device's connection before, if it had one; undefined as a whole when a person has too many devices */
export const claimConnection = async (
  deps: Deps,
  { tenant, user, device, expires }: Session,
  id: string,
): Promise<{ before?: Connection | undefined } | undefined> => {
  const devices = await readDevices(deps, tenant, user);
  if (devices.length >= DEVICES_LIMIT && !devices.some((each) => each.device === device)) return undefined;
  const now = seconds(deps);
  const registered = devices.some((each) => each.device === device && each.platform);
  // A logout may have removed the row meanwhile, so it is always written as a whole row would be.
  const set =
    'SET #connection = :connection, #epoch = if_not_exists(#epoch, :zero) + :one, #device = :device, #person = :person';
  const result = await deps.ddb.update({
    TableName: deps.env.DEVICES_TABLE,
    Key: deviceKey(tenant, user, device),
    UpdateExpression: registered ? set : [set, '#expires = :expires'].join(', '),
    ExpressionAttributeNames: {
      '#connection': 'connection',
      '#epoch': 'epoch',
      '#device': 'device',
      '#person': 'person',
      ...(registered ? {} : { '#expires': 'expires' }),
    },
    ExpressionAttributeValues: {
      ':connection': { id, expires, lease: now + CONNECTION_SECONDS },
      ':zero': 0,
      ':one': 1,
      ':device': device,
      ':person': user,
      ...(registered ? {} : { ':expires': now + UNREGISTERED_SECONDS }),
    },
    ReturnValues: 'ALL_OLD',
  });
  const before = isRefused(result) || !result.device ? undefined : Device.parse(result).connection;
  return { before: before?.id === id ? undefined : before };
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
 * @returns whether it was closed
 */
export const closeIfReplaced = async (
  deps: Deps,
  { tenant, user, device }: Session,
  connectionId: string,
): Promise<boolean> => {
  const row = await readDevice(deps, tenant, user, device);
  if (row?.connection?.id === connectionId) return false;
  await closeConnection(deps, connectionId, row ? 'connected-elsewhere' : 'logged-out');
  return true;
};

/** Closes a connection whose token has ended, or that was replaced; waits on if neither. */
export const expireConnection = async (deps: Deps, job: ExpiryJob): Promise<void> => {
  const { tenant, user: person, device, connectionId, expires } = job;
  if (await closeIfReplaced(deps, job, connectionId)) return;
  if (seconds(deps) < expires) return scheduleExpiry(deps, job);
  await closeConnection(deps, connectionId, 'token-expired');
  await forgetConnection(deps, { tenant, person, device, connectionId });
};
