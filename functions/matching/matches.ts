/** The matches of a person: a read model, kept by a reaction, rebuildable from the pairs' events. */
import { z } from 'zod';
import type { Deps } from '../../core/deps.ts';
import { type Actor, ConversationId, digest, type TenantId, Timestamp, UserId } from '../../core/ids.ts';
import { conversationOf, pairId } from './match.ts';
import { type Listing, pairView, readLive } from './rows.ts';

const VIEW = 'match';
const MatchId = z.string().regex(/^mat_[A-Za-z0-9_-]{22}$/);
export const Match = z.strictObject({ id: MatchId, with: UserId, conversationId: ConversationId, at: Timestamp });
export type Match = z.infer<typeof Match>;

/** The same two have another one with every match that they make. */
export const matchIdOf = (tenant: TenantId, a: UserId, b: UserId, generation: number): string =>
  `mat_${digest('match', tenant, pairId(a, b), String(generation))}`;

/** One row for each of the two; of a match that has ended a mark stays. */
export const matchesView = pairView(VIEW, (event, put, tenant) => {
  if (event.type !== 'Matched' && event.type !== 'Unmatched') return [];
  const [a, b] = event.type === 'Matched' ? event.between : [event.by, event.about];
  const { generation = 1 } = event;
  const row = { id: matchIdOf(tenant, a, b, generation), conversationId: conversationOf(a, b, generation) };
  const lost = event.type === 'Unmatched' ? { lost: true } : {};
  return [put(a, b, { ...row, with: b, ...lost }), put(b, a, { ...row, with: a, ...lost })];
});

/** As the first format had it, which knew one match of two people. */
const Row = Match.partial({ id: true });

/** A page of matches by the other's id, after `after`. */
export const readMatches = async (
  deps: Pick<Deps, 'ddb' | 'env'>,
  actor: Actor,
  listing: Listing,
): Promise<{ matches: Match[]; more: boolean }> => {
  const { rows: matches, more } = await readLive(deps, actor, VIEW, listing, ({ v: _v, ...row }) => {
    const { id = matchIdOf(actor.tenant, actor.user, Row.parse(row).with, 1), ...match } = Row.parse(row);
    return { id, ...match };
  });
  return { matches, more };
};
