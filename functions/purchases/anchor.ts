/**
 * Making digests. The archive's own keys are the lock: a digest is added under the next key, once; who finds it there
 * stops. A leaf is hidden when a digest holds it; after a crash in between, the next run finds it in the newest digest.
 */
import type { Deps } from '../../core/deps.ts';
import { inLanes } from '../../core/lanes.ts';
import {
  DIGESTS,
  type Digest,
  digestHash,
  digestKey,
  hourOf,
  LEAVES,
  LEAVES_LIMIT,
  leafHash,
  listKeys,
  merkleRoot,
  readDigest,
  signDigest,
} from './digests.ts';

/** Of one run. What is left waits for the next. */
const DIGESTS_LIMIT = 20;
const ALL = 200_000;
const WIDTH = 16;

type Store = Pick<Deps, 'archive' | 'now' | 'log'>;
/** As it stands in the archive. */
type Kept = { jws: string; digest: Digest };

/** Found within this year and the last, or, after a long silence, among all. */
const readNewest = async (deps: Store): Promise<Kept | undefined> => {
  const lastYear = deps.now().getUTCFullYear() - 1;
  for (const from of [`${DIGESTS}${lastYear}`, DIGESTS]) {
    const key = (await listKeys(deps, DIGESTS, ALL, from)).at(-1);
    const jws = key && (await deps.archive.get(key));
    if (jws) return { jws, digest: readDigest(jws) };
  }
  return undefined;
};

const hide = async ({ archive }: Store, keys: readonly string[]): Promise<void> => {
  const failures = await inLanes(
    keys,
    (key) => key,
    WIDTH,
    (key) => archive.hide(key),
  );
  if (failures[0]) throw failures[0].error;
};

/** Leaves that wait, by their hashes; those that the newest digest holds are hidden on the way. */
const readWaiting = async (deps: Store, newest: Kept | undefined): Promise<Map<string, string>> => {
  const known = new Set(newest?.digest.hashes);
  const waiting = new Map((await listKeys(deps, LEAVES, LEAVES_LIMIT)).map((key) => [key, leafHash(key)]));
  await hide(
    deps,
    [...waiting].flatMap(([key, hash]) => (known.has(hash) ? [key] : [])),
  );
  for (const [key, hash] of waiting) if (known.has(hash)) waiting.delete(key);
  return waiting;
};

const digestOf = (hashes: string[], newest: Kept | undefined, at: string): Digest => {
  const hour = [hourOf(at), newest?.digest.hour ?? ''].sort().at(-1) ?? '';
  return {
    hour,
    part: newest?.digest.hour === hour ? newest.digest.part + 1 : 1,
    at,
    ...(newest ? { previous: digestHash(newest.jws) } : {}),
    root: merkleRoot(hashes),
    hashes,
  };
};

/**
 * Puts the leaves that wait into digests.
 * @param readKey the private key, read only when there is something to sign
 * @returns how many digests it made
 * @throws whatever the archive says; the next run goes on where this one ended
 */
export const anchor = async (deps: Store, readKey: () => Promise<string>): Promise<number> => {
  let newest = await readNewest(deps);
  for (let made = 0; made < DIGESTS_LIMIT; made++) {
    const waiting = await readWaiting(deps, newest);
    if (waiting.size === 0) return made;
    const digest = digestOf([...new Set(waiting.values())].sort(), newest, deps.now().toISOString());
    const jws = await signDigest(digest, await readKey());
    if (!(await deps.archive.add(digestKey(digest), jws))) {
      deps.log({ level: 'warn', msg: 'another anchors', digest: digestKey(digest) });
      return made;
    }
    deps.log({ level: 'info', msg: 'anchored', digest: digestKey(digest), hashes: digest.hashes.length });
    await hide(deps, [...waiting.keys()]);
    newest = { jws, digest };
  }
  deps.log({ level: 'warn', msg: 'anchor behind' });
  return DIGESTS_LIMIT;
};
