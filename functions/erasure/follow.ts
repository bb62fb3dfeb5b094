/** What follows from leaving: a job, also where whoever began died before they came to it. */
import type { Commit } from '../../core/commit.ts';
import type { Deps } from '../../core/deps.ts';
import { UserId } from '../../core/ids.ts';
import type { Stream } from '../../core/keys.ts';
import { openAndEnqueue } from './erase.ts';

export const followLeaving = async (
  deps: Deps,
  { tenant, kind, id }: Stream,
  { events }: Pick<Commit, 'events'>,
): Promise<void> => {
  if (kind === 'person' && events.some(({ type }) => type === 'ErasureBegun'))
    await openAndEnqueue(deps, { tenant, user: UserId.parse(id) });
};
