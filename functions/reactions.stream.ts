/** Events stream: other contexts answer with commands of their own. */
import { Commit } from '../core/commit.ts';
import { parseStreamKey } from '../core/keys.ts';
import { stream } from '../core/stream.ts';
import { react } from './reactions.ts';

export const handler = stream('reactions', async ({ keys, after }, deps) => {
  await react(deps, parseStreamKey(String(keys.pk)), Commit.parse(after));
});
