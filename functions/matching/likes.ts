/** Who likes a person: a read model under the liked one. A like that was taken back, answered or cut off stays as a mark. */
import { z } from 'zod';
import type { Deps } from '../../core/deps.ts';
import { type Actor, Timestamp, UserId } from '../../core/ids.ts';
import type { RowChange } from '../../core/views.ts';
import type { MatchEvent } from './match.ts';
import { type Listing, type Put, pairView, readLive } from './rows.ts';

const VIEW = 'like';
export const Like = z.strictObject({
  by: UserId,
  kind: z.enum(['like', 'super-like']),
  note: z.string().optional(),
  at: Timestamp,
});
export type Like = z.infer<typeof Like>;

const lost = { lost: true };

/** What one likes stands under the other; who passes on a person does not see their like any more, until they undo that. */
const changes = (event: MatchEvent, put: Put): RowChange[] => {
  switch (event.type) {
    case 'Liked': {
      const { by, about, kind, note, passed } = event;
      const row = { by, kind: kind ? 'super-like' : 'like', ...(note && { note }) };
      return [put(about, by, { ...row, ...(passed && lost) })];
    }
    case 'Passed': {
      const { by, about, took = true, liked } = event;
      return [
        ...(took ? [put(about, by, { by, ...lost })] : []),
        ...(liked ? [put(by, about, { by: about, kind: liked, ...lost })] : []),
      ];
    }
    case 'Deferred': {
      const { by, about, took, liked } = event;
      return [
        ...(took ? [put(about, by, { by, ...lost })] : []),
        ...(liked ? [put(by, about, { by: about, kind: liked })] : []),
      ];
    }
    case 'Undone': {
      const { by, about, liked } = event;
      return liked ? [put(by, about, { by: about, kind: liked })] : [];
    }
    case 'Matched': {
      const [a, b] = event.between;
      return [put(a, b, { by: b, ...lost }), put(b, a, { by: a, ...lost })];
    }
    case 'Blocked': {
      const { by, about } = event;
      return [put(about, by, { by, ...lost }), put(by, about, { by: about, ...lost })];
    }
    case 'Unmatched':
    case 'Unblocked':
      return [];
  }
};

export const likesView = pairView(VIEW, changes);

/** A page of likes by who likes, after `after`. */
export const readLikes = async (
  deps: Pick<Deps, 'ddb' | 'env'>,
  actor: Actor,
  listing: Listing,
): Promise<{ likes: Like[]; more: boolean }> => {
  const { rows: likes, more } = await readLive(deps, actor, VIEW, listing, ({ v: _v, ...row }) => Like.parse(row));
  return { likes, more };
};
