/** Repairing push addresses. The address's own row decides who has it, as long as that device holds it. */
import type { Item } from '../core/ddb.ts';
import { addressKey, deviceKey } from '../core/keys.ts';
import { type Address, addressOf, holds, type Owner, readOwner } from './addresses.ts';
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

const rowsOf = ({ deps }: Mend, { tenant, hash }: Address) => {
  const TableName = deps.env.DEVICES_TABLE;
  const held = { ExpressionAttributeNames: { '#hash': 'addressHash' }, ExpressionAttributeValues: { ':hash': hash } };
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
        ConditionExpression: 'attribute_not_exists(#hash) OR #hash <> :hash',
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
    { ConditionCheck: { ...device(holder), ConditionExpression: '#hash = :hash' } },
  ]);
};

/** The device loses what belongs to another. */
const lose = (mend: Mend, address: Address, holder: Owner, owner: Owner) => {
  const { address: row, device } = rowsOf(mend, address);
  const { ExpressionAttributeNames, ...held } = device(holder);
  const names = { ...ExpressionAttributeNames, '#push': 'push' };
  return mend.deps.ddb.transact([
    {
      Update: {
        ...{ ...held, ExpressionAttributeNames: names },
        UpdateExpression: 'REMOVE #push, #hash',
        ConditionExpression: '#hash = :hash',
      },
    },
    { ConditionCheck: { ...row, ...ownerIs(owner) } },
  ]);
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
  const address = addressOf(item);
  if (!address || address === 'undecodable') return;
  const change = await remedy(mend, address);
  if (change) await mend.mend('addresses', async () => (await change()) === undefined);
};
