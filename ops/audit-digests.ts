/** The digests of the audit: each signed by a key that we know, each holding the hash of the one before. */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Deps } from '../core/deps.ts';
import { readSecret } from '../core/secrets.ts';
import {
  AUDIT_KEY,
  DIGESTS,
  type Digest,
  digestHash,
  digestKey,
  isSigned,
  keyName,
  listKeys,
  merkleRoot,
  readDigest,
} from '../functions/purchases/digests.ts';
import { OpsError } from './command.ts';
import type { Finding } from './finding.ts';
import type { OnProgress } from './walk.ts';

export type Keys = ReadonlyMap<string, KeyObject>;
/** What the digests hold: each hash, and in which of them it stands. */
export type Digested = { findings: Finding[]; hashes: Map<string, string>; count: number; newest: string | undefined };

const ALL = 200_000;
const PEM = /-----BEGIN [A-Z ]+-----[^-]+-----END [A-Z ]+-----/g;

/**
 * The keys that may have signed: those of a file (PEM, public ones are enough), or the one that signs now.
 * @throws OpsError when there is none to be had
 */
export const readKeys = async (file: string | undefined): Promise<Keys> => {
  try {
    const text = file === undefined ? await readSecret(AUDIT_KEY) : readFileSync(file, 'utf8');
    const keys = (text.match(PEM) ?? []).map((pem) => createPublicKey(pem));
    if (keys.length === 0) throw new Error('it holds no key');
    return new Map(await Promise.all(keys.map(async (key) => [await keyName(key), key] as const)));
  } catch (error) {
    const what = file === undefined ? `the parameter ${AUDIT_KEY}` : file;
    const why = error instanceof Error ? error.message : String(error);
    throw new OpsError(`${what} can not be read (${why}): say --key <file> with the public keys, in PEM`);
  }
};

const readable = (jws: string): Digest | undefined => {
  try {
    return readDigest(jws);
  } catch {
    return undefined;
  }
};

const wrongIn = async (key: string, jws: string, previous: string | undefined, keys: Keys): Promise<string[]> => {
  const digest = readable(jws);
  if (!digest) return ['is no digest'];
  const isSorted = digest.hashes.every((hash, i) => i === 0 || (digest.hashes[i - 1] ?? '') < hash);
  return [
    ...((await isSigned(jws, keys)) ? [] : ['is signed by none of the keys']),
    ...(digestKey(digest) === key ? [] : [`says that it is ${digestKey(digest)}`]),
    ...(digest.previous === previous ? [] : ['does not hold the hash of the one before']),
    ...(isSorted && merkleRoot(digest.hashes) === digest.root ? [] : ['has another root than its hashes']),
  ];
};

/** Reads them all, in order. */
export const readDigests = async (
  deps: Pick<Deps, 'archive'>,
  keys: Keys,
  onProgress: OnProgress = () => undefined,
): Promise<Digested> => {
  const found: Digested = { findings: [], hashes: new Map(), count: 0, newest: undefined };
  for (const key of await listKeys(deps, DIGESTS, ALL)) {
    const jws = (await deps.archive.get(key)) ?? '';
    for (const detail of await wrongIn(key, jws, found.newest, keys))
      found.findings.push({ kind: 'digest', tenant: '', about: key, detail });
    for (const hash of readable(jws)?.hashes ?? []) found.hashes.set(hash, key);
    found.newest = digestHash(jws);
    found.count++;
    onProgress('digests', 1);
  }
  return found;
};
