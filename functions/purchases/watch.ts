/**
 * What a change in the audit means: a new entry leaves a leaf for the next digest; anything else is tampering, for none of
 * our roles can do it.
 */
import type { Deps } from '../../core/deps.ts';
import { entryPrefix } from '../../core/keys.ts';
import type { Change } from '../../core/stream.ts';
import { Entry, hashOf } from './audit.ts';
import { leafKey } from './digests.ts';

/** How the change is none that we make; undefined when it is. */
const tamperingOf = ({ before, after }: Pick<Change, 'before' | 'after'>, entry: Entry | undefined) => {
  if (before) return after ? 'changed' : 'removed';
  if (!entry) return undefined;
  const { hash, ...rest } = entry;
  return hashOf(rest) === hash ? undefined : 'inserted with another hash';
};

/** @throws ZodError for an entry that can't be decoded */
export const watch = async ({ archive, log }: Pick<Deps, 'archive' | 'log'>, change: Change): Promise<void> => {
  const { keys, before, after } = change;
  const isEntry = String(keys.sk).startsWith(entryPrefix);
  const entry = isEntry && !before ? Entry.parse(after) : undefined;
  const how = tamperingOf({ before, after }, entry);
  if (how) log({ level: 'error', msg: 'audit tampered', key: `${keys.pk}|${keys.sk}`, how });
  // Also of a wrong one: so that the digest says that it was there.
  if (entry) await archive.add(leafKey(entry), '{}');
};
