/** The matches of a person: a read model, kept by a reaction, rebuildable from the pairs' events. */
import { z } from 'zod';
import type { Deps } from '../../core/deps.ts';
import { type Actor, ConversationId, Timestamp, UserId } from '../../core/ids.ts';
import { inboxKey, viewKey, viewPrefix } from '../../core/keys.ts';

const VIEW = 'match';
export const Match = z.strictObject({ with: UserId, conversationId: ConversationId, at: Timestamp });
export type Match = z.infer<typeof Match>;

type Views = Pick<Deps, 'ddb' | 'env'>;

/** Writing it twice writes the same. */
export const putMatch = async ({ ddb, env }: Views, { tenant, user }: Actor, row: Match): Promise<void> => {
  await ddb.put({ TableName: env.VIEWS_TABLE, Item: { ...viewKey(tenant, user, VIEW, row.with), ...row } });
};

/** A page of matches by the other's id, after `after`. */
export const readMatches = async (
  { ddb, env }: Views,
  { tenant, user }: Actor,
  { after, limit }: { after?: UserId | undefined; limit: number },
): Promise<{ matches: Match[]; more: boolean }> => {
  const { items } = await ddb.query({
    TableName: env.VIEWS_TABLE,
    KeyConditionExpression: '#pk = :pk AND begins_with(#sk, :view)',
    ExpressionAttributeNames: { '#pk': 'pk', '#sk': 'sk' },
    ExpressionAttributeValues: { ':pk': inboxKey(tenant, user), ':view': viewPrefix(VIEW) },
    Limit: limit + 1,
    ...(after ? { ExclusiveStartKey: viewKey(tenant, user, VIEW, after) } : {}),
  });
  const matches = items.map(({ pk: _pk, sk: _sk, ...row }) => Match.parse(row));
  return { matches: matches.slice(0, limit), more: matches.length > limit };
};
