/** Events stream: rings for everyone in a commit's audience, whoever may have rung before. */
import { Commit } from '../../core/commit.ts';
import { deliver } from '../../core/deliver.ts';
import { parseStreamKey } from '../../core/keys.ts';
import { stream } from '../../core/stream.ts';
import { readings } from '../aggregates.ts';

export const handler = stream('sync/deliver', async ({ keys, after }, deps) => {
  const of = parseStreamKey(String(keys.pk));
  const commit = Commit.parse(after);
  await deliver(deps, of, commit);
  // Devices count every version, also one that nobody can read; that is an operator's to hear of.
  readings[of.kind].check(commit.events);
});
