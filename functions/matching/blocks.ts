/** Blocks, under both people: whom one blocks, and by whom one is blocked, which only the system asks. */
import { z } from 'zod';
import type { Deps } from '../../core/deps.ts';
import { type Actor, Timestamp, UserId } from '../../core/ids.ts';
import type { RowChange } from '../../core/views.ts';
import type { MatchEvent } from './match.ts';
import { type Listing, type Put, pairView, readLive } from './rows.ts';

export const BLOCK_VIEW = 'block';
export const Block = z.strictObject({ userId: UserId, at: Timestamp });
export type Block = z.infer<typeof Block>;
/** `at` is when it last changed. */
const Row = z.object({ about: UserId, by: z.enum(['me', 'them', 'both']), at: Timestamp });

const changes = (event: MatchEvent, put: Put): RowChange[] => {
  if (event.type !== 'Blocked' && event.type !== 'Unblocked') return [];
  const { by, about } = event;
  const rows = (mine: object, theirs: object): RowChange[] => [
    put(by, about, { about, ...mine }),
    put(about, by, { about: by, ...theirs }),
  ];
  if (event.type === 'Blocked')
    return event.both ? rows({ by: 'both' }, { by: 'both' }) : rows({ by: 'me' }, { by: 'them' });
  const left = event.now === 'blocked';
  return left ? rows({ by: 'them' }, { by: 'me' }) : rows({ lost: true }, { lost: true });
};

export const blocksView = pairView(BLOCK_VIEW, changes);

/** A page of one's own blocks by the other's id, after `after`. */
export const readBlocks = async (
  deps: Pick<Deps, 'ddb' | 'env'>,
  actor: Actor,
  listing: Listing,
): Promise<{ blocks: Block[]; more: boolean }> => {
  const { rows: blocks, more } = await readLive(deps, actor, BLOCK_VIEW, listing, (row) => {
    const { about, by, at } = Row.parse(row);
    return by === 'them' ? undefined : { userId: about, at };
  });
  return { blocks, more };
};
