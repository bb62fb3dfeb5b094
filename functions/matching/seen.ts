/** What a person last did about another, or what ended it: one row, which is all that a deck has to ask of a candidate. */
import { z } from 'zod';
import type { Deps } from '../../core/deps.ts';
import { type Actor, Timestamp, type UserId } from '../../core/ids.ts';
import { viewKey } from '../../core/keys.ts';
import type { RowChange } from '../../core/views.ts';
import type { MatchEvent } from './match.ts';
import { type Put, pairView } from './rows.ts';

export const SEEN_VIEW = 'seen';
/** `blocked`: one of them blocks the other, whichever it is. */
const types = ['like', 'super-like', 'pass', 'later', 'matched', 'unmatched', 'blocked', 'none'] as const;
export const Seen = z.object({ type: z.enum(types), at: Timestamp, v: z.int().min(1) });
export type Seen = z.infer<typeof Seen>;

const changes = (event: MatchEvent, put: Put): RowChange[] => {
  const [a, b] = event.type === 'Matched' ? event.between : [event.by, event.about];
  const own = (type: Seen['type']): RowChange[] => [put(a, b, { type })];
  const both = (type: Seen['type']): RowChange[] => [put(a, b, { type }), put(b, a, { type })];
  switch (event.type) {
    case 'Liked':
      return own(event.kind ? 'super-like' : 'like');
    case 'Passed':
      return own('pass');
    case 'Deferred':
      return own('later');
    case 'Undone':
      return own('none');
    case 'Matched':
      return both('matched');
    case 'Unmatched':
      return both('unmatched');
    case 'Blocked':
      return both('blocked');
    case 'Unblocked':
      return both(event.now);
  }
};

export const seenView = pairView(SEEN_VIEW, changes);

/** Undefined for whom they never met. */
export const readSeen = async (
  { ddb, env }: Pick<Deps, 'ddb' | 'env'>,
  { tenant, user }: Actor,
  other: UserId,
): Promise<Seen | undefined> => {
  const item = await ddb.get({ TableName: env.VIEWS_TABLE, Key: viewKey(tenant, user, SEEN_VIEW, other) });
  return item && Seen.parse(item);
};
