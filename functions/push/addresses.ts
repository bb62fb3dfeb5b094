/**
 * Devices and their addresses: registering an address for another person or device moves it in one transaction, and the
 * device that had it loses it.
 */
import { keepBounded } from '../../core/bounded.ts';
import type { Deps } from '../../core/deps.ts';
import {
  type Connection,
  type Device,
  hashesOf,
  LOGGED_OUT_SECONDS,
  readDevice,
  rowUnchanged,
} from '../../core/devices.ts';
import type { Actor, DeviceId } from '../../core/ids.ts';
import { addressKey, deviceKey } from '../../core/keys.ts';
import { problems } from '../../core/problem.ts';
import { backoff } from '../../core/retry.ts';
import { hashOf, takeOver } from './owners.ts';
import type { Registration } from './registration.ts';

const ATTEMPTS = 5;

const device = (
  before: Device | undefined,
  { user }: Actor,
  id: DeviceId,
  { push, activity, ...rest }: Registration,
  at: string,
): Device => ({
  ...(before?.connection ? { connection: before.connection } : {}),
  // What is known of its being there outlives its registrations.
  ...{ connectedAt: before?.connectedAt, activeAt: before?.activeAt },
  epoch: (before?.epoch ?? 0) + 1,
  loggedOut: false,
  device: id,
  person: user,
  ...rest,
  ...(push ? { push, addressHash: hashOf(push) } : {}),
  ...(activity ? { activity, activityHash: hashOf(activity) } : {}),
  registeredAt: at,
});

/** Every registration of a device has another time, however clocks differ: by it a push knows what it was sent to. */
const timeOf = (now: Date, before: Device | undefined): string => {
  const last = before?.registeredAt ? Date.parse(before.registeredAt) + 1 : 0;
  return new Date(Math.max(now.getTime(), last)).toISOString();
};

/** What one registration changes, all or nothing; it holds only while everything is as it was read. */
const changes = async (deps: Deps, actor: Actor, before: Device | undefined, after: Device) => {
  const TableName = deps.env.DEVICES_TABLE;
  const kept = hashesOf(after);
  const left = hashesOf(before).filter((hash) => !kept.includes(hash));
  const row = { ...deviceKey(actor.tenant, actor.user, after.device), ...after };
  return [
    { Put: { TableName, Item: row, ...rowUnchanged(before) } },
    ...(await takeOver(deps, actor, after)),
    ...left.map((hash) => ({ Delete: { TableName, Key: addressKey(actor.tenant, hash) } })),
  ];
};

/**
 * Registers a device, with its addresses if it has any. Is it one too many, the oldest is retired.
 * @returns connections that ended with their devices, to be closed
 * @throws Problem `busy`
 */
export const registerDevice = async (
  deps: Deps,
  actor: Actor,
  id: DeviceId,
  registration: Registration,
): Promise<Connection[]> => {
  for (let tries = 0; tries < ATTEMPTS; tries++) {
    if (tries > 0) await deps.sleep(backoff(deps.random, tries));
    const before = await readDevice(deps, actor.tenant, actor.user, id);
    const after = device(before, actor, id, registration, timeOf(deps.now(), before));
    if (!(await deps.ddb.transact(await changes(deps, actor, before, after)))) return keepBounded(deps, actor, id);
  }
  throw problems.busy();
};

/**
 * Forgets a device and its addresses. Its epoch stays for a while, so that a registration or a logout that was begun
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
    const addresses = hashesOf(before).map((hash) => ({ Delete: { TableName, Key: addressKey(actor.tenant, hash) } }));
    if (await deps.ddb.transact([{ Put: { TableName, Item: left, ...rowUnchanged(before) } }, ...addresses])) continue;
    await keepBounded(deps, actor, id);
    return before;
  }
  throw problems.busy();
};
