/** What a person bought: a read model, kept by a reaction, rebuildable from the purchases' events. */
import { z } from 'zod';
import type { Deps } from '../../core/deps.ts';
import { tenantOf } from '../../core/env.ts';
import type { Actor, TenantId, UserId } from '../../core/ids.ts';
import { inboxKey, parseViewKey, type Stream, viewKey, viewPrefix } from '../../core/keys.ts';
import type { RowChange, View } from '../../core/views.ts';
import { OwnershipEvent } from './ownership.ts';
import { Purchase } from './purchase.ts';
import { type Shown, shownOf } from './shown.ts';

const VIEW = 'purchase';
const Row = z.object({ id: z.string(), purchase: Purchase });

export const PurchaseId = z.string().regex(/^[A-Za-z0-9.-]{1,128}$/, 'must be the id of a purchase');

type Views = Pick<Deps, 'ddb' | 'env' | 'now'>;

/** Who has it by an event, and who had it. */
const holdersOf = (event: OwnershipEvent): { has?: UserId | undefined; had?: UserId; purchase?: Purchase } => {
  switch (event.type) {
    case 'Assessed':
      return { has: event.owner, purchase: event.purchase };
    case 'Confirmed':
      return {};
    case 'Claimed':
      return { has: event.by, purchase: event.purchase };
    case 'Transferred':
      return { has: event.to, had: event.from, purchase: event.purchase };
  }
};

const rowOf = ({ tenant, id }: Stream, user: UserId, rest: object): RowChange => {
  const key = viewKey(tenant, user, VIEW, id);
  return { key, row: { ...key, id, ...rest } };
};

export const purchasesView: View = {
  name: VIEW,
  kind: 'purchase',
  changes: (stream, { v, events }) =>
    events.flatMap((each) => {
      const { has, had, purchase } = holdersOf(OwnershipEvent.parse(each));
      return [
        ...(had ? [rowOf(stream, had, { v, lost: true })] : []),
        ...(has ? [rowOf(stream, has, { v, purchase })] : []),
      ];
    }),
  causeOf: (key) => {
    const row = parseViewKey(key);
    return row?.view === VIEW ? { tenant: row.tenant, kind: 'purchase', id: row.id } : undefined;
  },
};

const readRows = async ({ ddb, env }: Views, { tenant, user }: { tenant: TenantId; user: UserId }, page: Page) => {
  const { after, limit } = page;
  const items = await ddb.query(
    {
      TableName: env.VIEWS_TABLE,
      KeyConditionExpression: '#pk = :pk AND begins_with(#sk, :view)',
      FilterExpression: 'attribute_not_exists(#lost)',
      ExpressionAttributeNames: { '#pk': 'pk', '#sk': 'sk', '#lost': 'lost' },
      ExpressionAttributeValues: { ':pk': inboxKey(tenant, user), ':view': viewPrefix(VIEW) },
      ...(after ? { ExclusiveStartKey: viewKey(tenant, user, VIEW, after) } : {}),
    },
    limit,
  );
  return items.map((item) => Row.parse(item));
};

type Page = { after?: string | undefined; limit: number };

/** A page of what a person bought by the purchases' ids, after `after`. */
export const readPurchases = async (
  deps: Views,
  actor: Actor,
  { after, limit }: Page,
): Promise<{ purchases: Shown[]; more: boolean }> => {
  const rows = await readRows(deps, actor, { after, limit: limit + 1 });
  const tenant = tenantOf(actor.tenant);
  const purchases = rows.slice(0, limit).map(({ id, purchase }) => shownOf(tenant, id, purchase, deps.now()));
  return { purchases, more: rows.length > limit };
};
