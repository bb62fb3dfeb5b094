/**
 * The audit of purchases: every verified payload as it was received, exactly once, in the chain of its purchase. An entry
 * holds the hash of the one before it; entry and payload row are inserted together, under a right that can overwrite,
 * change and remove nothing. Positions are dense: 1, 2, 3, …
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { assert } from '../../core/assert.ts';
import { isFault } from '../../core/ddb.ts';
import type { Deps } from '../../core/deps.ts';
import type { TenantId } from '../../core/ids.ts';
import { canonicalJson } from '../../core/json.ts';
import { chainKey, entryPrefix, payloadKey } from '../../core/keys.ts';
import { backoff } from '../../core/retry.ts';

/** Half of what an item may hold. */
export const RAW_BYTES = 200 * 1024;
/** A purchase that is renewed each week reaches it after 30 years. */
export const ENTRIES_LIMIT = 5000;
/** Each round at least one writer of a chain gets on, so that 20 at once end within it. */
const ATTEMPTS = 40;

const Hash = z.string().regex(/^[0-9a-f]{64}$/);

export const Entry = z.object({
  chain: z.string().regex(/^[A-Za-z0-9.-]{1,200}$/),
  n: z.int().min(1),
  /** The payload's own name: what is delivered twice is one entry. */
  id: z.string().min(1).max(200),
  store: z.string().min(1),
  /** How it came. */
  source: z.string().min(1),
  /** As received, to the byte. */
  raw: z.string().min(1),
  received: z.iso.datetime(),
  /** Hash of the entry before; of the first one, a hash of the chain's own name. */
  prev: Hash,
  hash: Hash,
});
export type Entry = z.infer<typeof Entry>;

/** The row beside the entries that makes a payload known. */
export const Payload = z.object({ n: z.int().min(1), hash: Hash });
export type Payload = z.infer<typeof Payload>;

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

export const hashOf = (entry: Omit<Entry, 'hash'>): string => sha256(canonicalJson(entry));

/** What stands before a chain's first entry: so no chain can be passed off as another's, or another tenant's. */
export const genesisOf = (tenant: TenantId, chain: string): string => sha256(chainKey(tenant, chain, 1).pk);

/** Nobody else got on either, or the database never said: the same call later does it, or finds it done. */
export class AppendError extends Error {
  override name = 'ThrottlingException';
}

export type Received = Pick<Entry, 'chain' | 'id' | 'source' | 'store' | 'raw'>;
/** `fresh` when this call appended it. */
export type Appended = { n: number; hash: string; fresh: boolean };

type Store = Pick<Deps, 'ddb' | 'env'>;

const readEntries = async (
  { ddb, env }: Store,
  pk: string,
  { limit, newestFirst }: { limit: number; newestFirst: boolean },
): Promise<Entry[]> => {
  const items = await ddb.query(
    {
      TableName: env.TRANSACTIONS_TABLE,
      KeyConditionExpression: '#pk = :pk AND begins_with(#sk, :entries)',
      ExpressionAttributeNames: { '#pk': 'pk', '#sk': 'sk' },
      ExpressionAttributeValues: { ':pk': pk, ':entries': entryPrefix },
      ConsistentRead: true,
      ScanIndexForward: !newestFirst,
    },
    limit,
  );
  return items.map((item) => Entry.parse(item));
};

/** All entries of a chain, in order; the first 5,000. */
export const readChain = (store: Store, tenant: TenantId, chain: string): Promise<Entry[]> =>
  readEntries(store, chainKey(tenant, chain, 1).pk, { limit: ENTRIES_LIMIT, newestFirst: false });

const readPayload = async ({ ddb, env }: Store, tenant: TenantId, { chain, id }: Pick<Entry, 'chain' | 'id'>) => {
  const Key = payloadKey(tenant, chain, id);
  const item = await ddb.get({ TableName: env.TRANSACTIONS_TABLE, Key, ConsistentRead: true });
  return item && Payload.parse(item);
};

/** Is a payload in its chain? */
export const isKept = async (store: Store, tenant: TenantId, of: Pick<Entry, 'chain' | 'id'>): Promise<boolean> =>
  (await readPayload(store, tenant, of)) !== undefined;

/** How many entries a chain has. */
export const lengthOf = async (store: Store, tenant: TenantId, chain: string): Promise<number> => {
  const [head] = await readEntries(store, chainKey(tenant, chain, 1).pk, { limit: 1, newestFirst: true });
  return head?.n ?? 0;
};

/** The entry that comes next, and whether there is one of this payload already. */
const look = async (store: Store, tenant: TenantId, received: Received) => {
  const { chain } = received;
  const [known, [head]] = await Promise.all([
    readPayload(store, tenant, received),
    readEntries(store, chainKey(tenant, chain, 1).pk, { limit: 1, newestFirst: true }),
  ]);
  return { known, n: (head?.n ?? 0) + 1, prev: head?.hash ?? genesisOf(tenant, chain) };
};

/** One attempt. An error tells nothing: whoever sees one looks again. @throws what no other attempt can mend */
const insert = async ({ ddb, env }: Store, tenant: TenantId, entry: Entry): Promise<boolean> => {
  const { chain, n, id, hash } = entry;
  try {
    const there = await ddb.insert(env.TRANSACTIONS_TABLE, [
      { ...chainKey(tenant, chain, n), ...entry },
      { ...payloadKey(tenant, chain, id), n, hash },
    ]);
    return there === undefined;
  } catch (error) {
    if (isFault(error)) throw error;
    return false;
  }
};

/**
 * Appends a verified payload to the chain of its purchase, exactly once for (chain, id), whatever is lost on the way: an
 * attempt can only land while neither its position nor its payload is there.
 * @throws AppendError when it is not known to be there; anything else that the database says for good
 */
export const append = async (
  deps: Pick<Deps, 'ddb' | 'env' | 'now' | 'random' | 'sleep'>,
  tenant: TenantId,
  received: Received,
): Promise<Appended> => {
  assert(Buffer.byteLength(received.raw) <= RAW_BYTES, 'a payload is larger than its verifier lets through');
  const at = deps.now().toISOString();
  const tried = new Set<string>();
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (attempt > 0) await deps.sleep(backoff(deps.random, attempt, 5, 80));
    const { known, n, prev } = await look(deps, tenant, received);
    if (known) return { ...known, fresh: tried.has(known.hash) };
    const { chain, id, store, source, raw } = received;
    const entry = { chain, n, id, store, source, raw, received: at, prev };
    const hash = hashOf(entry);
    tried.add(hash);
    if (await insert(deps, tenant, Entry.parse({ ...entry, hash }))) return { n, hash, fresh: true };
  }
  throw new AppendError(`the chain ${received.chain} has too many writers at once, or the database does not answer`);
};
