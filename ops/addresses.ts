/** Push addresses: the one owner of each, and the device that holds it, agree. */
import { z } from 'zod';
import type { Item } from '../core/ddb.ts';
import type { Deps } from '../core/deps.ts';
import { Device, hashesOf } from '../core/devices.ts';
import { DeviceId, TenantId, UserId } from '../core/ids.ts';
import { addressKey, deviceKey, type Key, parsePersonKey, splitKey } from '../core/keys.ts';
import type { Suspicion } from './finding.ts';

const Owner = z.object({ person: UserId, device: DeviceId });
export type Owner = z.infer<typeof Owner>;
type Rows = Pick<Deps, 'ddb' | 'env'>;

/** A device's address, seen from either of its two rows. */
export type Address = {
  tenant: TenantId;
  hash: string;
  /** Who has it by the address's own row; who holds it by the row of a device. */
  owner: Owner | undefined;
  holder: Owner | undefined;
};

/** What a row of the table says of addresses: an owner's of one, a device's of up to two. */
export const addressesOf = (item: Item): Address[] | 'undecodable' => {
  const pk = String(item.pk);
  const [tenant, kind, hash = ''] = splitKey(pk);
  if (kind === 'token') {
    const [parsed, owner] = [TenantId.safeParse(tenant), Owner.safeParse(item)];
    if (!parsed.success || !owner.success) return 'undecodable';
    return [{ tenant: parsed.data, hash, owner: owner.data, holder: undefined }];
  }
  const person = parsePersonKey(pk);
  if (!person) return [];
  const row = Device.safeParse(item);
  if (!row.success) return 'undecodable';
  const holder = { person: person.user, device: row.data.device };
  return hashesOf(row.data).map((each) => ({ tenant: person.tenant, hash: each, owner: undefined, holder }));
};

const read = (deps: Rows, key: Key): Promise<Item | undefined> =>
  deps.ddb.get({ TableName: deps.env.DEVICES_TABLE, Key: key, ConsistentRead: true });

export const readOwner = async (
  deps: Rows,
  { tenant, hash }: Pick<Address, 'tenant' | 'hash'>,
): Promise<Owner | undefined> => Owner.safeParse(await read(deps, addressKey(tenant, hash))).data;

export const holds = async (
  deps: Rows,
  { tenant, hash }: Pick<Address, 'tenant' | 'hash'>,
  of: Owner,
): Promise<boolean> => {
  const row = await read(deps, deviceKey(tenant, of.person, of.device));
  return row?.addressHash === hash || row?.activityHash === hash;
};

const isSame = (a: Owner | undefined, b: Owner | undefined): boolean =>
  a?.person === b?.person && a?.device === b?.device;

const compare = async (deps: Rows, address: Address): Promise<Suspicion[]> => {
  const { tenant, hash, owner, holder } = address;
  const now = await readOwner(deps, address);
  if (owner && isSame(now, owner) && !(await holds(deps, address, owner)))
    return [{ kind: 'address without device', tenant, about: hash, detail: `${owner.person} ${owner.device} lost it` }];
  if (!holder || isSame(now, holder) || !(await holds(deps, address, holder))) return [];
  const about = `${holder.person} ${holder.device}`;
  const detail = now ? `${hash} belongs to ${now.person} ${now.device}` : `${hash} belongs to nobody`;
  return [{ kind: 'device without address', tenant, about, detail }];
};

/** Reads the item again unless it is given, and the other row always. */
export const lookAtDevice = async (deps: Rows, { pk, sk }: Key, given?: Item): Promise<Suspicion[]> => {
  const item = given ?? (await read(deps, { pk, sk }));
  const addresses = item ? addressesOf(item) : [];
  if (addresses === 'undecodable')
    return [{ kind: 'undecodable', tenant: splitKey(pk)[0] ?? '', about: `${pk} ${sk}`, detail: 'is no device' }];
  return (await Promise.all(addresses.map((address) => compare(deps, address)))).flat();
};
