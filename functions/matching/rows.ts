/** Rows of what two people make of each other, under each of them: written by the version of their pair's stream, never removed. */
import type { Deps } from '../../core/deps.ts';
import { type Actor, type TenantId, UserId } from '../../core/ids.ts';
import { inboxKey, parseViewKey, viewKey, viewPrefix } from '../../core/keys.ts';
import type { Row, RowChange, View } from '../../core/views.ts';
import { MatchEvent, pairId } from './match.ts';

type Views = Pick<Deps, 'ddb' | 'env'>;
type Fields = { v: number; at: string } & Record<string, unknown>;

/** A row of `user` about `other`. */
export type Put = (user: UserId, other: UserId, fields: Record<string, unknown>) => RowChange;

const putIn =
  (tenant: TenantId, view: string, always: Fields): Put =>
  (user, other, fields) => {
    const key = viewKey(tenant, user, view, other);
    return { key, row: { ...key, ...always, ...fields } };
  };

/** Of several changes of a row by one commit the last one holds: all have its version, so no later look could tell. */
const lastOf = (changes: RowChange[]): RowChange[] => [
  ...new Map(changes.map((change) => [`${change.key.pk} ${change.key.sk}`, change])).values(),
];

/** A view of rows about another person, by the events of the two. */
export const pairView = (
  name: string,
  changes: (event: MatchEvent, put: Put, tenant: TenantId) => RowChange[],
): View => ({
  name,
  kind: 'pair',
  changes: ({ tenant }, { v, events }) =>
    lastOf(
      events.flatMap((each) => {
        const event = MatchEvent.parse(each);
        return changes(event, putIn(tenant, name, { at: event.at, v }), tenant);
      }),
    ),
  causeOf: (key) => {
    const row = parseViewKey(key);
    const other = UserId.safeParse(row?.id);
    if (row?.view !== name || !other.success) return undefined;
    return { tenant: row.tenant, kind: 'pair', id: pairId(row.user, other.data) };
  },
});

export type Listing = { after?: UserId | undefined; limit: number };
/** More rows than anybody has that are no more what they were. */
const PAGES = 200;

/** A page of rows by the other's id, after `after`, without those that are lost. */
export const readLive = async <T>(
  { ddb, env }: Views,
  { tenant, user }: Actor,
  view: string,
  { after, limit }: Listing,
  parse: (row: Omit<Row, 'pk' | 'sk'>) => T | undefined,
): Promise<{ rows: T[]; more: boolean }> => {
  const rows: T[] = [];
  let start = after && viewKey(tenant, user, view, after);
  for (let page = 0; page < PAGES && rows.length <= limit; page++) {
    const items = await ddb.query(
      {
        TableName: env.VIEWS_TABLE,
        KeyConditionExpression: '#pk = :pk AND begins_with(#sk, :view)',
        ExpressionAttributeNames: { '#pk': 'pk', '#sk': 'sk' },
        ExpressionAttributeValues: { ':pk': inboxKey(tenant, user), ':view': viewPrefix(view) },
        ...(start ? { ExclusiveStartKey: start } : {}),
      },
      limit + 1,
    );
    for (const { pk: _pk, sk: _sk, lost, ...row } of items)
      rows.push(...(lost ? [] : ([parse(row) ?? []].flat() as T[])));
    const last = items.at(-1);
    if (!last || items.length <= limit) break;
    start = { pk: String(last.pk), sk: String(last.sk) };
  }
  return { rows: rows.slice(0, limit), more: rows.length > limit };
};
