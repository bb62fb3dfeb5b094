/**
 * What a provider says of an address changes the row that it was sent to, and only that: a registration since, or another
 * owner, is kept. Each change names the hash and the registration that were read before the send.
 */
import { isFault, type Reason } from '../../core/ddb.ts';
import type { Deps } from '../../core/deps.ts';
import { type Device, type PushAddress, readDevice } from '../../core/devices.ts';
import type { TenantId } from '../../core/ids.ts';
import { addressKey, deviceKey } from '../../core/keys.ts';
import { problems } from '../../core/problem.ts';
import { backoff } from '../../core/retry.ts';
import { isOwner, type Which } from './owners.ts';

const ATTEMPTS = 5;

/** `device` as it was read before the send. */
type About = { tenant: TenantId; device: Device };
export type Kept = 'kept: registered since' | 'kept: changed';
type Items = Parameters<Deps['ddb']['transact']>[0];

const HASH = { push: 'addressHash', activity: 'activityHash' } as const;
const names = {
  push: { '#address': 'push', '#hash': HASH.push },
  activity: { '#address': 'activity', '#hash': HASH.activity },
};

/** The row still holds what was sent to, by the same registration; one more epoch, so that nothing older lands after. */
const change = (
  deps: Deps,
  { tenant, device }: About,
  which: Which,
  { say, ...more }: { say: string; names?: Record<string, string>; values?: Record<string, unknown> },
) => ({
  Update: {
    TableName: deps.env.DEVICES_TABLE,
    Key: deviceKey(tenant, device.person, device.device),
    UpdateExpression: say,
    ConditionExpression: '#hash = :hash AND #registeredAt = :registeredAt',
    ExpressionAttributeNames: {
      ...{ '#hash': HASH[which], '#registeredAt': 'registeredAt', '#epoch': 'epoch' },
      ...more.names,
    },
    ExpressionAttributeValues: {
      ...{ ':hash': device[HASH[which]], ':registeredAt': device.registeredAt, ':zero': 0, ':one': 1 },
      ...more.values,
    },
  },
});
const LATER = '#epoch = if_not_exists(#epoch, :zero) + :one';

/** Why it was not changed, or that it is done: by an attempt of ours of which we were not told. */
const lookAgain = async <Done>(
  deps: Deps,
  { tenant, device }: About,
  which: Which,
  isDone: (row: Device) => Done | undefined,
): Promise<Done | Kept | 'again'> => {
  const row = await readDevice(deps, tenant, device.person, device.device);
  if (!row || row.loggedOut) return 'kept: changed';
  if (row.registeredAt !== device.registeredAt) return 'kept: registered since';
  const done = isDone(row);
  if (done) return done;
  return row[HASH[which]] === device[HASH[which]] ? 'again' : 'kept: changed';
};

/** Repeated safely: what has landed, or lands late, finds another row. @throws Problem `busy` */
const settle = async <Done extends string>(
  deps: Deps,
  about: About,
  which: Which,
  { make, done, isDone }: { make: (reasons: Reason[]) => Items; done: Done; isDone: (row: Device) => boolean },
): Promise<Done | Kept> => {
  const { device } = about;
  if (!device[which] || !device[HASH[which]] || !device.registeredAt) return 'kept: changed';
  let reasons: Reason[] = [];
  for (let tries = 0; tries < ATTEMPTS; tries++) {
    if (tries > 0) await deps.sleep(backoff(deps.random, tries));
    try {
      const refused = await deps.ddb.transact(make(reasons));
      if (!refused) return done;
      reasons = refused;
    } catch (error) {
      if (isFault(error)) throw error;
    }
    const now = await lookAgain(deps, about, which, (row) => (isDone(row) ? done : undefined));
    if (now !== 'again') return now;
  }
  throw problems.busy();
};

const isRefused = (reason: Reason | undefined): boolean => reason?.code === 'ConditionalCheckFailed';

const LOSE = `SET #lost = :lost, ${LATER} REMOVE #address, #hash`;
/** A Live Activity's token ends with the activity: nothing is lost that could be registered again. */
const END = `SET ${LATER} REMOVE #address, #hash`;
const losing = (reason: string, at: string) => ({
  push: { say: LOSE, names: { ...names.push, '#lost': 'lost' }, values: { ':lost': { reason, at } } },
  activity: { say: END, names: names.activity },
});

type Forgetting = About & { reason: string /** When the provider learned so, Unix milliseconds. */; since?: number };

/** The provider knows the address no more. @throws Problem `busy` */
export const forgetAddress = async (
  deps: Deps,
  { reason, since, ...about }: Forgetting,
  which: Which = 'push',
): Promise<'forgotten' | Kept> => {
  const { tenant, device } = about;
  if (since !== undefined && device.registeredAt && since <= Date.parse(device.registeredAt))
    return 'kept: registered since';
  const row = change(deps, about, which, losing(reason, deps.now().toISOString())[which]);
  const hash = device[HASH[which]] ?? '';
  const owner = { TableName: deps.env.DEVICES_TABLE, Key: addressKey(tenant, hash), ...isOwner(device) };
  return settle(deps, about, which, {
    done: 'forgotten',
    // Where the owner's row is damaged, only the device's own goes.
    make: ([, other]) => (isRefused(other) ? [row] : [row, { Delete: owner }]),
    isDone: (now) => now[HASH[which]] === undefined && (which === 'activity' || now.lost !== undefined),
  });
};

const SUSPECT = `SET #suspect = :suspect, ${LATER}`;

/** The provider says that the address does not fit: kept, and not written to. @throws Problem `busy` */
export const suspectAddress = (
  deps: Deps,
  { reason, ...about }: About & { reason: string },
): Promise<'suspect' | Kept> => {
  const values = { ':suspect': { reason, at: deps.now().toISOString() } };
  const row = change(deps, about, 'push', { say: SUSPECT, names: { '#suspect': 'suspect' }, values });
  return settle(deps, about, 'push', {
    done: 'suspect',
    make: () => [row],
    isDone: ({ suspect }) => suspect !== undefined,
  });
};

const CORRECT = `SET #push.#environment = :environment, ${LATER}`;

/** It was the other environment's address: kept as that, with its owner and its age. @throws Problem `busy` */
export const correctEnvironment = (
  deps: Deps,
  { environment, ...about }: About & { environment: PushAddress['environment'] },
): Promise<'corrected' | Kept> => {
  const row = change(deps, about, 'push', {
    ...{ say: CORRECT, names: { '#push': 'push', '#environment': 'environment' } },
    values: { ':environment': environment },
  });
  return settle(deps, about, 'push', {
    done: 'corrected',
    make: () => [row],
    isDone: ({ push, addressHash }) => addressHash === about.device.addressHash && push?.environment === environment,
  });
};
