/** Repairing push addresses. The address's own row decides who has it, as long as that device holds it. */
import type { Item } from '../core/ddb.ts';
import { addressKey, deviceKey } from '../core/keys.ts';
import { type Address, addressesOf, holds, type Owner, readOwner } from './addresses.ts';
import type { Mend } from './mend.ts';

const isOwner = {
  ConditionExpression: '#person = :person AND #device = :device',
  ExpressionAttributeNames: { '#person': 'person', '#device': 'device' },
};
const nobody = { ConditionExpression: 'attribute_not_exists(#pk)', ExpressionAttributeNames: { '#pk': 'pk' } };
const ownerIs = ({ person, device }: Owner) => ({
  ...isOwner,
  ExpressionAttributeValues: { ':person': person, ':device': device },
});

/** An address is a device's for notifications or for a Live Activity. */
const HOLDS = '#hash = :hash OR #activityHash = :hash';
const HOLDS_NOT =
  '(attribute_not_exists(#hash) OR #hash <> :hash) AND (attribute_not_exists(#activityHash) OR #activityHash <> :hash)';

const rowsOf = ({ deps }: Mend, { tenant, hash }: Address) => {
  const TableName = deps.env.DEVICES_TABLE;
  const held = {
    ExpressionAttributeNames: { '#hash': 'addressHash', '#activityHash': 'activityHash' },
    ExpressionAttributeValues: { ':hash': hash },
  };
  return {
    address: { TableName, Key: addressKey(tenant, hash) },
    device: ({ person, device }: Owner) => ({ TableName, Key: deviceKey(tenant, person, device), ...held }),
  };
};

/** The address's row goes, if the device still does not hold it. */
const forget = (mend: Mend, address: Address, owner: Owner) => {
  const rows = rowsOf(mend, address);
  return mend.deps.ddb.transact([
    { Delete: { ...rows.address, ...ownerIs(owner) } },
    {
      ConditionCheck: {
        ...rows.device(owner),
        ConditionExpression: HOLDS_NOT,
      },
    },
  ]);
};

/** The device becomes its owner, if nobody else does meanwhile. */
const own = (mend: Mend, address: Address, holder: Owner, before: Owner | undefined) => {
  const { address: row, device } = rowsOf(mend, address);
  const Item = { ...row.Key, ...holder };
  return mend.deps.ddb.transact([
    { Put: { TableName: row.TableName, Item, ...(before ? ownerIs(before) : nobody) } },
    { ConditionCheck: { ...device(holder), ConditionExpression: HOLDS } },
  ]);
};

const asPush = { '#address': 'push', '#hash': 'addressHash' };
const asActivity = { '#address': 'activity', '#hash': 'activityHash' };

/** The device loses what belongs to another, as whichever of its two it holds it. */
const lose = async (mend: Mend, address: Address, holder: Owner, owner: Owner) => {
  const { address: row, device } = rowsOf(mend, address);
  const loseAs = (names: Record<string, string>) =>
    mend.deps.ddb.transact([
      {
        Update: {
          ...{ ...device(holder), ExpressionAttributeNames: names },
          UpdateExpression: 'REMOVE #address, #hash',
          ConditionExpression: '#hash = :hash',
        },
      },
      { ConditionCheck: { ...row, ...ownerIs(owner) } },
    ]);
  return (await loseAs(asPush)) && loseAs(asActivity);
};

/** What must change, or nothing; each change holds only while both rows are as they were read. */
const remedy = async (mend: Mend, address: Address): Promise<(() => Promise<unknown>) | undefined> => {
  const { owner, holder } = address;
  const now = await readOwner(mend.deps, address);
  const isHeld = now !== undefined && (await holds(mend.deps, address, now));
  if (owner && now && !isHeld) return () => forget(mend, address, now);
  if (!holder || (now?.person === holder.person && now.device === holder.device)) return undefined;
  if (!(await holds(mend.deps, address, holder))) return undefined;
  return now && isHeld ? () => lose(mend, address, holder, now) : () => own(mend, address, holder, now);
};

export const mendAddress = async (mend: Mend, item: Item): Promise<void> => {
  const addresses = addressesOf(item);
  if (addresses === 'undecodable') return;
  for (const address of addresses) {
    const change = await remedy(mend, address);
    if (change) await mend.mend('addresses', async () => (await change()) === undefined);
  }
};
