/** Whose an account token is: a read model by token, kept by a reaction, rebuildable from the persons' events. */
import { z } from 'zod';
import type { Deps } from '../../core/deps.ts';
import { type TenantId, UserId } from '../../core/ids.ts';
import { parseTokenOwnerKey, TOKEN_OWNER, tokenOwnerKey, tokenOwnersKey } from '../../core/purchase-keys.ts';
import type { RowChange, View } from '../../core/views.ts';
import { PersonEvent } from './person.ts';

type Views = Pick<Deps, 'ddb' | 'env'>;

export const tokenRow = (tenant: TenantId, token: string, person: UserId): RowChange => {
  const key = tokenOwnerKey(tenant, token, person);
  return { key, row: { ...key, person } };
};

export const accountTokensView: View = {
  name: TOKEN_OWNER,
  kind: 'person',
  changes: ({ tenant }, { events }) =>
    events.flatMap((each) => {
      const event = PersonEvent.parse(each);
      return event.type === 'AccountTokenMade' && event.token ? [tokenRow(tenant, event.token, event.person)] : [];
    }),
  causeOf: (key) => {
    const row = parseTokenOwnerKey(key);
    return row && { tenant: row.tenant, kind: 'person', id: row.user };
  },
};

const Row = z.object({ person: UserId });

/** Read consistently: who was answered a token is found by it from then on. */
export const readTokenOwner = async (
  { ddb, env }: Views,
  tenant: TenantId,
  token: string,
): Promise<UserId | undefined> => {
  const [item] = await ddb.query(
    {
      TableName: env.VIEWS_TABLE,
      KeyConditionExpression: '#pk = :pk',
      ExpressionAttributeNames: { '#pk': 'pk' },
      ExpressionAttributeValues: { ':pk': tokenOwnersKey(tenant, token) },
      ConsistentRead: true,
    },
    1,
  );
  return item && Row.parse(item).person;
};
