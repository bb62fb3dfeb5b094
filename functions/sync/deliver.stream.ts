/** Events stream: rings for everyone in a commit's audience, whoever may have rung before. */
import { Commit } from '../../core/commit.ts';
import { deliver } from '../../core/deliver.ts';
import { parseStreamKey } from '../../core/keys.ts';
import { stream } from '../../core/stream.ts';

export const handler = stream('sync/deliver', ({ keys, after }, deps) =>
  deliver(deps, parseStreamKey(String(keys.pk)), Commit.parse(after)),
);
