/**
 * Digests of the audit: whoever can rewrite a whole chain still can't rewrite what was said of it. Each new entry leaves a
 * leaf in the archive; by the clock, the leaves that wait go into the next digest: their hashes, the root of their
 * Merkle tree, the hash of the digest before, signed.
 */
import { createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { CompactSign, calculateJwkThumbprint, compactVerify, decodeProtectedHeader, exportJWK } from 'jose';
import { z } from 'zod';
import type { Deps } from '../../core/deps.ts';
import { sortable } from '../../core/keys.ts';
import type { Entry } from './audit.ts';

/** The parameter that holds the private key, PEM of P-256. */
export const AUDIT_KEY = '/chorus-audit/key';
export const LEAVES_LIMIT = 5000;
const PAGE = 1000;
const PAGES = 200;
export const LEAVES = 'leaves/';
export const DIGESTS = 'digests/';
const TYPE = 'chorus-audit-digest';

const Hash = z.string().regex(/^[0-9a-f]{64}$/);
const Hour = z.string().regex(/^\d{4}-\d\d-\d\dT\d\d$/);

export const Digest = z.object({
  /** The hour in which it was made, UTC; with a number, for there may be several. */
  hour: Hour,
  part: z.int().min(1),
  at: z.iso.datetime(),
  /** Of the digest before, as it stands in the archive; absent from the first. */
  previous: Hash.optional(),
  /** Of the tree over these hashes. */
  root: Hash,
  /** Of the entries that were new, sorted. */
  hashes: z.array(Hash).min(1).max(LEAVES_LIMIT),
});
export type Digest = z.infer<typeof Digest>;

const sha256 = (...parts: (string | Buffer)[]): Buffer => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};
export const digestHash = (jws: string): string => sha256(jws).toString('hex');

const LEAF = Buffer.of(0);
const NODE = Buffer.of(1);

const rootOf = (leaves: Buffer[]): Buffer => {
  const [only] = leaves;
  if (!only) return sha256();
  if (leaves.length === 1) return sha256(LEAF, only);
  const half = 2 ** Math.floor(Math.log2(leaves.length - 1));
  return sha256(NODE, rootOf(leaves.slice(0, half)), rootOf(leaves.slice(half)));
};
/** The root of the Merkle tree (RFC 9162, 2.1.1) over hashes, in their order. */
export const merkleRoot = (hashes: readonly string[]): string =>
  rootOf(hashes.map((hash) => Buffer.from(hash, 'hex'))).toString('hex');

export const digestKey = ({ hour, part }: Pick<Digest, 'hour' | 'part'>): string =>
  `${DIGESTS}${hour}-${sortable(part)}.jws`;
export const hourOf = (at: string): string => Hour.parse(at.slice(0, 13));
export const leafKey = ({ received, hash }: Pick<Entry, 'received' | 'hash'>): string =>
  `${LEAVES}${hourOf(received)}/${hash}`;

export const leafHash = (key: string): string => Hash.parse(key.split('/').at(-1));

/** How a key is named in what it signed. */
export const keyName = async (key: KeyObject): Promise<string> => calculateJwkThumbprint(await exportJWK(key));

export const signDigest = async (digest: Digest, pem: string): Promise<string> =>
  new CompactSign(Buffer.from(JSON.stringify(digest)))
    .setProtectedHeader({ alg: 'ES256', typ: TYPE, kid: await keyName(createPublicKey(pem)) })
    .sign(createPrivateKey(pem));

/** What it says, whoever signed it. @throws for what is no digest */
export const readDigest = (jws: string): Digest =>
  Digest.parse(JSON.parse(Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString()));

/** Did one of these keys sign it? Keys by their names. */
export const isSigned = async (jws: string, keys: ReadonlyMap<string, KeyObject>): Promise<boolean> => {
  try {
    const key = keys.get(decodeProtectedHeader(jws).kid ?? '');
    if (!key) return false;
    const { protectedHeader } = await compactVerify(jws, key, { algorithms: ['ES256'] });
    return protectedHeader.typ === TYPE;
  } catch {
    return false;
  }
};

type Store = Pick<Deps, 'archive'>;

/** Keys under a prefix, in their order, at most `limit`. */
export const listKeys = async ({ archive }: Store, prefix: string, limit: number, from?: string): Promise<string[]> => {
  const keys: string[] = [];
  let after = from;
  for (let page = 0; page < PAGES && keys.length < limit; page++) {
    const { objects, more } = await archive.list(prefix, { after, limit: Math.min(PAGE, limit - keys.length) });
    keys.push(...objects.map(({ key }) => key));
    after = keys.at(-1);
    if (!more || !after) break;
  }
  return keys;
};
