/** The one owner of each address: a row of its own that names the device which holds it. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Deps } from '../../core/deps.ts';
import { type Condition, type Device, type PushAddress, readDevice } from '../../core/devices.ts';
import { type Actor, DeviceId, type TenantId, UserId } from '../../core/ids.ts';
import { addressKey, deviceKey } from '../../core/keys.ts';

/** A token is one device's in whatever environment: registered with the wrong one, it must not be two people's. */
export const hashOf = ({ kind, value, app }: PushAddress): string =>
  createHash('sha256')
    .update(JSON.stringify([kind, value, app]))
    .digest('base64url');

/** `epoch` is that of the registration which made it: who registers again, also after a logout, makes another. */
const Owner = z.object({ person: UserId, device: DeviceId, epoch: z.int().optional() });
type Owner = z.infer<typeof Owner>;
type Rows = Pick<Deps, 'ddb' | 'env' | 'log'>;
/** Which of a device's two addresses. */
export type Which = 'push' | 'activity';
type Found = Owner & { row: Device | undefined };

const ownerOf = async (deps: Rows, tenant: TenantId, hash: string): Promise<Found | undefined> => {
  const { DEVICES_TABLE: TableName } = deps.env;
  const item = await deps.ddb.get({ TableName, Key: addressKey(tenant, hash), ConsistentRead: true });
  if (!item) return undefined;
  const owner = Owner.parse(item);
  // A row that expired left its address behind: there is nothing to take it from.
  return { ...owner, row: await readDevice(deps, tenant, owner.person, owner.device) };
};

export const isOwner = ({ person, device }: Pick<Owner, 'person' | 'device'>): Condition => ({
  ConditionExpression: '#person = :person AND #device = :device',
  ExpressionAttributeNames: { '#person': 'person', '#device': 'device' },
  ExpressionAttributeValues: { ':person': person, ':device': device },
});
/**
 * Since it was read nobody registered the address, not even its owner, who may have logged out and come back in between:
 * then the owner's device, read when it was logged out, has the address though it seemed to have none.
 */
const asRead = ({ epoch, ...owner }: Owner): Condition => {
  const { ConditionExpression, ExpressionAttributeNames, ExpressionAttributeValues } = isOwner(owner);
  return {
    ConditionExpression: [
      ConditionExpression,
      epoch === undefined ? 'attribute_not_exists(#epoch)' : '#epoch = :epoch',
    ].join(' AND '),
    ExpressionAttributeNames: { ...ExpressionAttributeNames, '#epoch': 'epoch' },
    ExpressionAttributeValues: { ...ExpressionAttributeValues, ...(epoch === undefined ? {} : { ':epoch': epoch }) },
  };
};
const nobody: Condition = {
  ConditionExpression: 'attribute_not_exists(#pk)',
  ExpressionAttributeNames: { '#pk': 'pk' },
};

const losses = {
  push: { UpdateExpression: 'REMOVE #push, #hash', ConditionExpression: '#hash = :hash' },
  activity: {
    UpdateExpression: 'REMOVE #activity, #activityHash',
    ConditionExpression: '#activityHash = :activityHash',
  },
  both: {
    UpdateExpression: 'REMOVE #push, #hash, #activity, #activityHash',
    ConditionExpression: '#hash = :hash AND #activityHash = :activityHash',
  },
};
const names = {
  push: { '#push': 'push', '#hash': 'addressHash' },
  activity: { '#activity': 'activity', '#activityHash': 'activityHash' },
};

/** One change of one row, though it may lose both: a transaction touches no item twice. */
const loses = (TableName: string, { tenant }: Actor, { row, push, activity }: Loss) => ({
  Update: {
    ...{ TableName, Key: deviceKey(tenant, row.person, row.device) },
    ...losses[push && activity ? 'both' : push ? 'push' : 'activity'],
    ExpressionAttributeNames: { ...(push ? names.push : {}), ...(activity ? names.activity : {}) },
    ExpressionAttributeValues: {
      ...(push ? { ':hash': row.addressHash } : {}),
      ...(activity ? { ':activityHash': row.activityHash } : {}),
    },
  },
});
type Loss = { row: Device; push: boolean; activity: boolean };

const isSame = (a: Pick<Owner, 'person' | 'device'>, b: Pick<Owner, 'person' | 'device'>): boolean =>
  a.person === b.person && a.device === b.device;

/** Takes a device's addresses over: each gets a new owner, and the rows of those before lose it. */
export const takeOver = async (deps: Rows, actor: Actor, after: Device) => {
  const TableName = deps.env.DEVICES_TABLE;
  const [push, activity] = await Promise.all(
    [after.addressHash, after.activityHash].map(async (hash) => (hash ? ownerOf(deps, actor.tenant, hash) : undefined)),
  );
  const put = (hash: string | undefined, owner: Found | undefined) => {
    if (!hash) return [];
    const { person, device, epoch } = after;
    const Item = { ...addressKey(actor.tenant, hash), person, device, epoch };
    return [{ Put: { TableName, Item, ...(owner ? asRead(owner) : nobody) } }];
  };
  const rows = [push, activity].flatMap((owner) => (owner?.row && !isSame(owner, after) ? [owner.row] : []));
  const others = new Map(rows.map((row) => [`${row.person} ${row.device}`, row]));
  const lost = [...others.values()]
    .map((row) => ({
      row,
      push: after.addressHash !== undefined && row.addressHash === after.addressHash,
      activity: after.activityHash !== undefined && row.activityHash === after.activityHash,
    }))
    .filter((loss) => loss.push || loss.activity);
  return [
    ...put(after.addressHash, push),
    ...put(after.activityHash, activity),
    ...lost.map((loss) => loses(TableName, actor, loss)),
  ];
};
