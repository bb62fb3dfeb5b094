/**
 * A person's devices stay few: beyond the limit the oldest is retired, beyond another the oldest tombstone goes. This is
 * looked after when a row has come, so that whoever comes last sees all that came at once.
 */
import { isFault } from './ddb.ts';
import type { Deps } from './deps.ts';
import {
  type Connection,
  DEVICES_LIMIT,
  type Device,
  hashesOf,
  LOGGED_OUT_SECONDS,
  ROWS_LIMIT,
  readDevice,
  readRows,
  rowUnchanged,
  TOMBSTONES_LIMIT,
} from './devices.ts';
import type { Actor, DeviceId } from './ids.ts';
import { addressKey, deviceKey } from './keys.ts';
import { problems } from './problem.ts';
import { backoff } from './retry.ts';

const ROUNDS = 8;

/** Sorts who never registered before all others, then by the time of the registration. */
const ageOf = ({ registeredAt, connection }: Device): string =>
  registeredAt ?? String(connection?.lease ?? 0).padStart(16, '0');
const byAge = (a: Device, b: Device): number => (ageOf(a) < ageOf(b) ? -1 : ageOf(a) > ageOf(b) ? 1 : 0);

const first = (rows: Device[], count: number): Device[] => rows.slice(0, Math.max(0, count));

/** One attempt. @returns whether it surely was done */
const attempt = (deps: Deps, items: Parameters<Deps['ddb']['transact']>[0]): Promise<boolean> =>
  deps.ddb.transact(items).then(
    (refused) => !refused,
    (error: unknown) => {
      if (isFault(error)) throw error;
      return false;
    },
  );

/** Ends a device as a logout does, if it is as it was read. @returns whether it has ended so */
const retire = async (deps: Deps, { tenant, user }: Actor, row: Device): Promise<boolean> => {
  const TableName = deps.env.DEVICES_TABLE;
  const left = {
    ...deviceKey(tenant, user, row.device),
    ...{ device: row.device, person: user, epoch: row.epoch + 1, loggedOut: true, retired: 'too-many-devices' },
    expires: Math.floor(deps.now().getTime() / 1000) + LOGGED_OUT_SECONDS,
  };
  const done = await attempt(deps, [
    { Put: { TableName, Item: left, ...rowUnchanged(row) } },
    ...hashesOf(row).map((hash) => ({ Delete: { TableName, Key: addressKey(tenant, hash) } })),
  ]);
  if (done) deps.log({ level: 'info', msg: 'retired', tenant, user, device: row.device });
  if (done) return true;
  // Another did, or it was ours of which we were not told: either way its connection ends.
  const now = await readDevice(deps, tenant, user, row.device);
  return now?.loggedOut === true && now.retired !== undefined && now.epoch === row.epoch + 1;
};

/** What is left of a device goes too, if it did not come back meanwhile. */
const bury = (deps: Deps, { tenant, user }: Actor, row: Device) =>
  attempt(deps, [
    {
      Delete: {
        TableName: deps.env.DEVICES_TABLE,
        Key: deviceKey(tenant, user, row.device),
        ConditionExpression: '#epoch = :epoch AND #loggedOut = :true',
        ExpressionAttributeNames: { '#epoch': 'epoch', '#loggedOut': 'loggedOut' },
        ExpressionAttributeValues: { ':epoch': row.epoch, ':true': true },
      },
    },
  ]);

/** What is too much, oldest first. */
const surplusOf = (rows: Device[], keep: DeviceId) => {
  const live = rows.filter(({ loggedOut }) => !loggedOut);
  const others = live.filter(({ device }) => device !== keep).sort(byAge);
  const old = first(others, live.length - DEVICES_LIMIT);
  // How long a tombstone still stays says when it began.
  const tombstones = rows
    .filter(({ loggedOut, device }) => loggedOut && device !== keep)
    .sort((a, b) => (a.expires ?? 0) - (b.expires ?? 0));
  return { old, tombstones: first(tombstones, tombstones.length + old.length - TOMBSTONES_LIMIT) };
};

/**
 * Retires and buries what is too much. Over-careful where many do so at once: each spares its own, so that one more than
 * needed may go.
 * @param keep the device that has just come, or just gone
 * @returns the connections that have ended with their devices, to be closed
 * @throws Problem `busy`
 */
export const keepBounded = async (deps: Deps, actor: Actor, keep: DeviceId): Promise<Connection[]> => {
  const ended: Connection[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    if (round > 0) await deps.sleep(backoff(deps.random, round));
    const rows = await readRows(deps, actor.tenant, actor.user, { consistent: true });
    const { old, tombstones } = surplusOf(rows, keep);
    const retired = await Promise.all(old.map((row) => retire(deps, actor, row)));
    await Promise.all(tombstones.map((row) => bury(deps, actor, row)));
    ended.push(...old.flatMap(({ connection }, i) => (connection && retired[i] ? [connection] : [])));
    if (retired.includes(false)) continue;
    // Rows beyond what is read at once show when those before them are gone.
    if (rows.length < ROWS_LIMIT || round === ROUNDS - 1) return ended;
  }
  throw problems.busy();
};
