/** Where a person's export lies: parts of one archive, which go after seven days, or with the person. */

import { removeRows } from '../../core/clear.ts';
import type { Deps } from '../../core/deps.ts';
import { exportKey } from '../../core/erasure-keys.ts';
import type { Actor } from '../../core/ids.ts';

const PAGE = 50;

export const folderOf = ({ tenant, user }: Actor): string => `${tenant}/${encodeURIComponent(user)}/`;

/** Also those that were asked for earlier, and the row, without which none goes on. Yields after each page. */
export async function* removeExports(deps: Deps, actor: Actor): AsyncGenerator<void> {
  await removeRows(deps, deps.env.TRAIL_TABLE, [exportKey(actor.tenant, actor.user)]);
  for (;;) {
    const { objects } = await deps.exported.list(folderOf(actor), { limit: PAGE });
    if (objects.length === 0) break;
    for (const { key } of objects) await deps.exported.remove(key);
    yield;
  }
}
