/** The rows of a person's devices: push address, and the connection that each claims to have. */
import { z } from 'zod';
import type { Item } from './ddb.ts';
import { isRefused } from './ddb.ts';
import type { Deps } from './deps.ts';
import { DeviceId, type TenantId, UserId } from './ids.ts';
import { deviceKey, devicesKey } from './keys.ts';

export const DEVICES_LIMIT = 20;
/** Rows of devices that ended stay for a day beside them, so many of them. */
export const TOMBSTONES_LIMIT = 100;
/** More than both together, so that devices which come at once are seen too (bounded.ts). */
export const ROWS_LIMIT = 10 * DEVICES_LIMIT;
/** Nothing that was begun before a logout can land later than this. */
export const LOGGED_OUT_SECONDS = 24 * 3600;
/** API Gateway ends every connection after two hours. */
export const CONNECTION_SECONDS = 7200;

export const addressKinds = ['apns', 'fcm-token', 'fcm-fid', 'apns-live-activity'] as const;

export const PushAddress = z.strictObject({
  kind: z.enum(addressKinds),
  value: z.string().regex(/^[\x21-\x7e]{1,4096}$/, 'must be 1 to 4,096 printable ASCII characters'),
  /** Bundle id or package name. */
  app: z.string().min(1).max(155),
  environment: z.enum(['production', 'sandbox']),
});
export type PushAddress = z.infer<typeof PushAddress>;

const Connection = z.object({
  id: z.string().min(1),
  /** Unix seconds: the access token's end. */
  expires: z.int(),
  /** Unix seconds: after this it is surely closed. */
  lease: z.int(),
});
export type Connection = z.infer<typeof Connection>;

/** Why an address is not written to, and since when. */
const Trouble = z.object({ reason: z.string(), at: z.iso.datetime() });

export const Device = z.object({
  device: DeviceId,
  person: UserId,
  platform: z.enum(['ios', 'android']).optional(),
  push: PushAddress.optional(),
  /** SHA-256 of the push address: the key of its one owner. */
  addressHash: z.string().optional(),
  /** A Live Activity's token on this device, and the key of its one owner. */
  activity: PushAddress.optional(),
  activityHash: z.string().optional(),
  /** The provider knows the address no more; it was taken from this row. The device is told to register again. */
  lost: Trouble.optional(),
  /** The provider refuses the address for a reason that may be ours (topic, project): kept, and not written to. */
  suspect: Trouble.optional(),
  locale: z.string().optional(),
  /** IANA name, as Europe/Berlin. */
  timeZone: z.string().optional(),
  appVersion: z.string().optional(),
  registeredAt: z.iso.datetime().optional(),
  connection: Connection.optional(),
  /** Unix seconds: when its newest connection began, and when it was last heard of (about; nobody else is told exactly). */
  connectedAt: z.int().optional(),
  activeAt: z.int().optional(),
  /** Unix seconds: the end of a row that nobody registered, or that logged out. */
  expires: z.int().optional(),
  /**
   * Counts what happened to this row: registrations, connections, logouts. Each names the epoch that it was made against, so
   * that one which lands late finds another and changes nothing.
   */
  epoch: z.int().min(0).default(0),
  /** What is left of a device after its logout: only its epoch. */
  loggedOut: z.boolean().default(false),
  /** Why we ended it, if it was not the person who did. */
  retired: z.enum(['too-many-devices']).optional(),
});
export type Device = z.infer<typeof Device>;

type Rows = Pick<Deps, 'ddb' | 'env' | 'log'>;

export const parseDevice = (item: Item): Device => Device.parse(item);

type Reading = { consistent?: boolean };

/** All rows of a person's devices, also of those that logged out. */
export const readRows = async (
  { ddb, env, log }: Rows,
  tenant: TenantId,
  person: UserId,
  { consistent = false }: Reading = {},
): Promise<Device[]> => {
  const items = await ddb.query(
    {
      TableName: env.DEVICES_TABLE,
      KeyConditionExpression: '#pk = :pk',
      ExpressionAttributeNames: { '#pk': 'pk' },
      ExpressionAttributeValues: { ':pk': devicesKey(tenant, person) },
      ConsistentRead: consistent,
    },
    ROWS_LIMIT,
  );
  return items.flatMap((item) => {
    const parsed = Device.safeParse(item);
    // One bad row must not silence a person's other devices.
    if (!parsed.success) log({ level: 'error', msg: 'device unreadable', tenant, person, device: String(item.sk) });
    return parsed.success ? [parsed.data] : [];
  });
};

/**
 * All devices of a person that are not logged out.
 * @param reading whom a read that is not consistent misses for a moment is caught up by their own sync
 */
export const readDevices = async (
  deps: Rows,
  tenant: TenantId,
  person: UserId,
  reading: Reading = {},
): Promise<Device[]> => (await readRows(deps, tenant, person, reading)).filter(({ loggedOut }) => !loggedOut);

/** A device's row, also of one that logged out: consistent, for who is about to change it. */
export const readDevice = async (
  { ddb, env }: Rows,
  tenant: TenantId,
  person: UserId,
  device: DeviceId,
): Promise<Device | undefined> => {
  const item = await ddb.get({
    TableName: env.DEVICES_TABLE,
    Key: deviceKey(tenant, person, device),
    ConsistentRead: true,
  });
  return item && parseDevice(item);
};

export type Condition = {
  ConditionExpression: string;
  ExpressionAttributeNames: Record<string, string>;
  ExpressionAttributeValues?: Record<string, unknown>;
};

/** The row is as it was read: a connection or an address made meanwhile would be lost with it. */
export const rowUnchanged = (before: Device | undefined): Condition => {
  if (!before)
    return { ConditionExpression: 'attribute_not_exists(#epoch)', ExpressionAttributeNames: { '#epoch': 'epoch' } };
  const { epoch, addressHash: hash, activityHash: activity } = before;
  return {
    ConditionExpression: [
      '#epoch = :epoch',
      hash ? '#hash = :hash' : 'attribute_not_exists(#hash)',
      activity ? '#activity = :activity' : 'attribute_not_exists(#activity)',
    ].join(' AND '),
    ExpressionAttributeNames: { '#epoch': 'epoch', '#hash': 'addressHash', '#activity': 'activityHash' },
    ExpressionAttributeValues: {
      ':epoch': epoch,
      ...(hash ? { ':hash': hash } : {}),
      ...(activity ? { ':activity': activity } : {}),
    },
  };
};

/** The keys of its addresses' owners. */
export const hashesOf = (device: Device | undefined): string[] =>
  [device?.addressHash, device?.activityHash].filter((hash) => hash !== undefined);

/** A claim, not a proof: phones leave networks without closing sockets. */
export const isConnected = ({ connection }: Device, nowSeconds: number): boolean =>
  connection !== undefined && nowSeconds < connection.lease && nowSeconds < connection.expires;

/** Forgets a connection, unless the device has a newer one. */
export const forgetConnection = async (
  { ddb, env }: Rows,
  {
    tenant,
    person,
    device,
    connectionId,
  }: { tenant: TenantId; person: UserId; device: DeviceId; connectionId: string },
): Promise<'forgotten' | 'newer'> => {
  const result = await ddb.update({
    TableName: env.DEVICES_TABLE,
    Key: deviceKey(tenant, person, device),
    UpdateExpression: 'REMOVE #connection',
    ConditionExpression: '#connection.#id = :id',
    ExpressionAttributeNames: { '#connection': 'connection', '#id': 'id' },
    ExpressionAttributeValues: { ':id': connectionId },
  });
  return isRefused(result) ? 'newer' : 'forgotten';
};
