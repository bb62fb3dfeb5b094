/**
 * When people were last there: a register of the device's row that rises by connections and pings, and is read by who may ask.
 * It stands in no event and in no log, and is gone with the device.
 */
import type { Deps } from './deps.ts';
import { type Device, isConnected } from './devices.ts';
import type { DeviceId, TenantId, UserId } from './ids.ts';
import { deviceKey } from './keys.ts';

/** API Gateway ends connections after ten minutes without a frame; who left without a word is heard of no more. */
export const SILENT_SECONDS = 600;
/** How exactly it is kept, and shown. */
export const ACTIVE_SECONDS = 60;
/** What is longer ago is nobody's concern. */
export const SHOWN_SECONDS = 7 * 24 * 3600;

/** Raises when a device was last heard of, if its connection is still this one; what comes late or twice changes nothing. */
export const raiseActive = async (
  { ddb, env }: Pick<Deps, 'ddb' | 'env'>,
  {
    tenant,
    person,
    device,
    connectionId,
  }: { tenant: TenantId; person: UserId; device: DeviceId; connectionId: string },
  nowSeconds: number,
): Promise<void> => {
  await ddb.updateOnce({
    TableName: env.DEVICES_TABLE,
    Key: deviceKey(tenant, person, device),
    UpdateExpression: 'SET #activeAt = :now',
    ConditionExpression: '#connection.#id = :id AND (attribute_not_exists(#activeAt) OR #activeAt <= :then)',
    ExpressionAttributeNames: { '#connection': 'connection', '#id': 'id', '#activeAt': 'activeAt' },
    ExpressionAttributeValues: { ':id': connectionId, ':now': nowSeconds, ':then': nowSeconds - ACTIVE_SECONDS },
  });
};

export type Presence = { online: boolean /** Unix seconds, a whole minute. */; lastActive?: number };
/** Of people who are not there, who don't say so, and who don't exist. */
export const absent: Presence = { online: false };

/** By all devices of a person: a lease is only a claim, so it must have been heard of lately too. */
export const presenceOf = (devices: readonly Device[], nowSeconds: number): Presence => {
  const last = Math.max(0, ...devices.map(({ activeAt = 0 }) => activeAt));
  if (nowSeconds - last > SHOWN_SECONDS) return absent;
  const online = devices.some(
    (row) => isConnected(row, nowSeconds) && nowSeconds - (row.activeAt ?? 0) <= SILENT_SECONDS,
  );
  return { online, lastActive: last - (last % ACTIVE_SECONDS) };
};
