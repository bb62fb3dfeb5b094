/**
 * Push addresses and their one owner: registering an address for another person or device moves it in one transaction,
 * and the device that had it loses it.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Deps } from '../../core/deps.ts';
import {
  DEVICES_LIMIT,
  type Device,
  LOGGED_OUT_SECONDS,
  PushAddress,
  readDevice,
  readDevices,
} from '../../core/devices.ts';
import { type Actor, DeviceId, UserId } from '../../core/ids.ts';
import { addressKey, deviceKey } from '../../core/keys.ts';
import { problems } from '../../core/problem.ts';
import { backoff } from '../../core/retry.ts';
import type { Tenant } from '../../core/tenants.ts';

const ATTEMPTS = 5;
const HEX = /^[0-9a-f]{64,200}$/i;

export const Registration = z.strictObject({
  platform: z.enum(['ios', 'android']),
  push: PushAddress.optional(),
  locale: z.string().regex(/^[A-Za-z]{2,3}([_-][A-Za-z0-9]{2,8}){0,3}$/, 'must be a language tag such as en or pt-BR'),
  appVersion: z.string().regex(/^[A-Za-z0-9.+_-]{1,40}$/, 'must be 1 to 40 of letters, digits and . + _ -'),
});
export type Registration = z.infer<typeof Registration>;

const Owner = z.object({ person: UserId, device: DeviceId });

/** @throws Problem `invalid` for an address that this tenant can't reach */
export const checkAddress = ({ push: { apns, fcm } }: Tenant, { push }: Registration): void => {
  if (!push) return;
  const apps = push.kind === 'apns' ? apns?.topics : fcm?.apps;
  if (!apps?.includes(push.app))
    throw problems.invalid([{ field: 'body.push.app', rule: `is not an app of yours for ${push.kind}` }]);
  if (push.kind === 'apns' && !HEX.test(push.value))
    throw problems.invalid([{ field: 'body.push.value', rule: 'must be an APNs token in hex, 64 to 200 digits' }]);
};

const hashOf = ({ kind, value, app, environment }: PushAddress): string =>
  createHash('sha256')
    .update(JSON.stringify([kind, value, app, environment]))
    .digest('base64url');

type Rows = Pick<Deps, 'ddb' | 'env' | 'log'>;
const ownerOf = async (deps: Rows, { tenant }: Actor, hash: string) => {
  const item = await deps.ddb.get({
    TableName: deps.env.DEVICES_TABLE,
    Key: addressKey(tenant, hash),
    ConsistentRead: true,
  });
  if (!item) return undefined;
  const owner = Owner.parse(item);
  const row = await readDevice(deps, tenant, owner.person, owner.device);
  // A row that expired left its address behind: there is nothing to take it from.
  return { ...owner, holds: row?.addressHash === hash };
};

const device = (
  before: Device | undefined,
  { user }: Actor,
  id: DeviceId,
  { push, ...rest }: Registration,
  at: string,
): Device => ({
  ...(before?.connection ? { connection: before.connection } : {}),
  epoch: (before?.epoch ?? 0) + 1,
  loggedOut: false,
  device: id,
  person: user,
  ...rest,
  ...(push ? { push, addressHash: hashOf(push) } : {}),
  registeredAt: at,
});

type Condition = {
  ConditionExpression: string;
  ExpressionAttributeNames: Record<string, string>;
  ExpressionAttributeValues?: Record<string, unknown>;
};

/** The row is as it was read: a connection or an address made meanwhile would be lost with it. */
const rowUnchanged = (before: Device | undefined): Condition => {
  const names = { '#epoch': 'epoch', '#hash': 'addressHash' };
  if (!before)
    return { ConditionExpression: 'attribute_not_exists(#epoch)', ExpressionAttributeNames: { '#epoch': 'epoch' } };
  const hash = before.addressHash;
  return {
    ConditionExpression: hash ? '#epoch = :epoch AND #hash = :hash' : '#epoch = :epoch AND attribute_not_exists(#hash)',
    ExpressionAttributeNames: names,
    ExpressionAttributeValues: { ':epoch': before.epoch, ...(hash ? { ':hash': hash } : {}) },
  };
};

type Owner = z.infer<typeof Owner>;

const ownerUnchanged = (owner: Owner | undefined): Condition =>
  owner
    ? {
        ConditionExpression: '#person = :person AND #device = :device',
        ExpressionAttributeNames: { '#person': 'person', '#device': 'device' },
        ExpressionAttributeValues: { ':person': owner.person, ':device': owner.device },
      }
    : { ConditionExpression: 'attribute_not_exists(#pk)', ExpressionAttributeNames: { '#pk': 'pk' } };

const holds = (hash: string): Condition => ({
  ConditionExpression: '#hash = :hash',
  ExpressionAttributeNames: { '#hash': 'addressHash' },
  ExpressionAttributeValues: { ':hash': hash },
});

/** Takes an address over: it gets a new owner, and the row of the one before loses it. */
const takeOver = (
  TableName: string,
  { tenant, user }: Actor,
  { device, addressHash: hash }: Device,
  owner: (Owner & { holds: boolean }) | undefined,
) => {
  if (!hash) return [];
  const put = {
    Put: { TableName, Item: { ...addressKey(tenant, hash), person: user, device }, ...ownerUnchanged(owner) },
  };
  if (!owner?.holds || (owner.person === user && owner.device === device)) return [put];
  const { ExpressionAttributeNames, ...held } = holds(hash);
  const names = { ...ExpressionAttributeNames, '#push': 'push' };
  const Key = deviceKey(tenant, owner.person, owner.device);
  return [
    put,
    { Update: { TableName, Key, UpdateExpression: 'REMOVE #push, #hash', ...held, ExpressionAttributeNames: names } },
  ];
};

/** What one registration changes, all or nothing; it holds only while everything is as it was read. */
const changes = async (deps: Rows, actor: Actor, before: Device | undefined, after: Device) => {
  const TableName = deps.env.DEVICES_TABLE;
  const owner = after.addressHash ? await ownerOf(deps, actor, after.addressHash) : undefined;
  const left = before?.addressHash === after.addressHash ? undefined : before?.addressHash;
  const row = { ...deviceKey(actor.tenant, actor.user, after.device), ...after };
  return [
    { Put: { TableName, Item: row, ...rowUnchanged(before) } },
    ...takeOver(TableName, actor, after, owner),
    ...(left ? [{ Delete: { TableName, Key: addressKey(actor.tenant, left) } }] : []),
  ];
};

/** Registers a device, with its push address if it has one. @throws Problem `too-many-devices`, `busy` */
export const registerDevice = async (
  deps: Deps,
  actor: Actor,
  id: DeviceId,
  registration: Registration,
): Promise<void> => {
  for (let tries = 0; tries < ATTEMPTS; tries++) {
    if (tries > 0) await deps.sleep(backoff(deps.random, tries));
    const before = await readDevice(deps, actor.tenant, actor.user, id);
    if ((!before || before.loggedOut) && (await readDevices(deps, actor.tenant, actor.user)).length >= DEVICES_LIMIT)
      throw problems.tooManyDevices();
    const after = device(before, actor, id, registration, deps.now().toISOString());
    if (!(await deps.ddb.transact(await changes(deps, actor, before, after)))) return;
  }
  throw problems.busy();
};

/**
 * Forgets a device and its push address. Its epoch stays for a while, so that a registration or a logout that was begun
 * before and lands later changes nothing.
 * @returns what it was, or undefined if there was none
 */
export const removeDevice = async (deps: Deps, actor: Actor, id: DeviceId): Promise<Device | undefined> => {
  const TableName = deps.env.DEVICES_TABLE;
  for (let tries = 0; tries < ATTEMPTS; tries++) {
    if (tries > 0) await deps.sleep(backoff(deps.random, tries));
    const before = await readDevice(deps, actor.tenant, actor.user, id);
    if (before?.loggedOut) return undefined;
    const left = {
      ...deviceKey(actor.tenant, actor.user, id),
      ...{ device: id, person: actor.user, epoch: (before?.epoch ?? 0) + 1, loggedOut: true },
      expires: Math.floor(deps.now().getTime() / 1000) + LOGGED_OUT_SECONDS,
    };
    const address = before?.addressHash
      ? [{ Delete: { TableName, Key: addressKey(actor.tenant, before.addressHash) } }]
      : [];
    if (!(await deps.ddb.transact([{ Put: { TableName, Item: left, ...rowUnchanged(before) } }, ...address])))
      return before;
  }
  throw problems.busy();
};
