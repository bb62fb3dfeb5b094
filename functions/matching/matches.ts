/** The matches of a person: a read model, kept by a reaction, rebuildable from the pairs' events. */
import { z } from 'zod';
import type { Deps } from '../../core/deps.ts';
import { type Actor, ConversationId, type TenantId, Timestamp, UserId } from '../../core/ids.ts';
import { inboxKey, parseViewKey, viewKey, viewPrefix } from '../../core/keys.ts';
import type { RowChange, View } from '../../core/views.ts';
import { conversationOf, MatchEvent, pairId } from './match.ts';

const VIEW = 'match';
export const Match = z.strictObject({ with: UserId, conversationId: ConversationId, at: Timestamp });
export type Match = z.infer<typeof Match>;

type Views = Pick<Deps, 'ddb' | 'env'>;

const rowOf = (tenant: TenantId, user: UserId, match: Match): RowChange => {
  const key = viewKey(tenant, user, VIEW, match.with);
  return { key, row: { ...key, ...match } };
};

/** One row for each of the two. */
export const matchesView: View = {
  name: VIEW,
  kind: 'pair',
  changes: ({ tenant }, { events }) =>
    events.flatMap((each) => {
      const event = MatchEvent.parse(each);
      if (event.type !== 'Matched') return [];
      const { between, at } = event;
      const [a, b] = between;
      const conversationId = conversationOf(a, b);
      return [rowOf(tenant, a, { with: b, conversationId, at }), rowOf(tenant, b, { with: a, conversationId, at })];
    }),
  causeOf: (key) => {
    const row = parseViewKey(key);
    const other = UserId.safeParse(row?.id);
    if (row?.view !== VIEW || !other.success) return undefined;
    return { tenant: row.tenant, kind: 'pair', id: pairId(row.user, other.data) };
  },
};

/** A page of matches by the other's id, after `after`. */
export const readMatches = async (
  { ddb, env }: Views,
  { tenant, user }: Actor,
  { after, limit }: { after?: UserId | undefined; limit: number },
): Promise<{ matches: Match[]; more: boolean }> => {
  const items = await ddb.query(
    {
      TableName: env.VIEWS_TABLE,
      KeyConditionExpression: '#pk = :pk AND begins_with(#sk, :view)',
      ExpressionAttributeNames: { '#pk': 'pk', '#sk': 'sk' },
      ExpressionAttributeValues: { ':pk': inboxKey(tenant, user), ':view': viewPrefix(VIEW) },
      ...(after ? { ExclusiveStartKey: viewKey(tenant, user, VIEW, after) } : {}),
    },
    limit + 1,
  );
  const matches = items.map(({ pk: _pk, sk: _sk, ...row }) => Match.parse(row));
  return { matches: matches.slice(0, limit), more: matches.length > limit };
};
