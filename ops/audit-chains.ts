/** The chains of the audit: dense, linked, hashed, each payload known once. */
import type { Item } from '../core/ddb.ts';
import type { Deps } from '../core/deps.ts';
import { TenantId } from '../core/ids.ts';
import { chainKey, payloadKey, splitKey } from '../core/keys.ts';
import { Entry, genesisOf, hashOf, Payload } from '../functions/purchases/audit.ts';
import { isGenuine } from '../functions/purchases/stores.ts';
import type { FindingKind, Suspicion } from './finding.ts';
import { type Gather, itemsOf } from './walk.ts';

/** Time enough for the stream, and for the clock that makes digests. */
const ANCHORED_MS = 2 * 3600_000;

/** What is left of an entry when its payload has been hashed. */
export type Link = Pick<Entry, 'n' | 'id' | 'prev' | 'hash' | 'received'>;
export type Chain = {
  pk: string;
  tenant: string;
  name: string;
  links: Link[];
  wrong: Suspicion[];
  /** What no store signed, by its position. */
  forged: Promise<Suspicion[]>;
};
/** Where a hash is anchored, if it is. */
export type Anchors = { has: (hash: string) => boolean; now: () => Date };

/** Whose partition it is; undefined for none of ours. */
export const ownerOf = (pk: string): { tenant: TenantId; chain: string } | undefined => {
  const [tenant, chain, ...rest] = splitKey(pk);
  const parsed = TenantId.safeParse(tenant);
  return parsed.success && chain && rest.length === 0 ? { tenant: parsed.data, chain } : undefined;
};

/** Should stand in a digest by now, and doesn't. */
export const isOverdue = ({ received, hash }: Link, { has, now }: Anchors): boolean =>
  now().getTime() - Date.parse(received) > ANCHORED_MS && !has(hash);

type Say = (kind: FindingKind, detail: string) => void;
type Rows = { links: Link[]; known: Map<string, Payload>; forged: Promise<number[]>[] };

const addEntry = (say: Say, { links, forged }: Rows, item: Item, tenant: TenantId): void => {
  const { pk, sk, ...fields } = item;
  const parsed = Entry.strict().safeParse(fields);
  if (!parsed.success) {
    say('undecodable', `${sk}: is no entry`);
    return;
  }
  const { hash, ...rest } = parsed.data;
  const key = chainKey(tenant, rest.chain, rest.n);
  if (key.pk !== pk || key.sk !== sk) say('entry', `${sk}: says that it is ${rest.chain} ${rest.n}`);
  if (hashOf(rest) !== hash) say('entry', `${sk}: is not what was hashed`);
  const { n, id, prev, received } = rest;
  links.push({ n, id, prev, hash, received });
  forged.push(isGenuine(tenant, parsed.data).then((genuine) => (genuine ? [] : [n])));
};

const addPayload = (say: Say, { known }: Rows, { pk: _pk, sk, ...fields }: Item): void => {
  const parsed = Payload.strict().safeParse(fields);
  if (parsed.success) known.set(String(sk), parsed.data);
  else say('undecodable', `${sk}: is no payload’s row`);
};

/** Every link with the one before, and with its payload's row. */
const compare = (say: Say, { links, known }: Rows, tenant: TenantId, chain: string, anchors: Anchors): void => {
  let prev = genesisOf(tenant, chain);
  const rows = new Map(known);
  links.forEach((link, i) => {
    if (link.n !== i + 1) say('gap', `${link.n} stands where ${i + 1} should`);
    if (link.prev !== prev) say('entry', `${link.n}: does not hold the hash of the one before`);
    prev = link.hash;
    const { sk } = payloadKey(tenant, chain, link.id);
    const row = rows.get(sk);
    rows.delete(sk);
    if (row?.n !== link.n || row.hash !== link.hash) say('entry', `${link.n}: its payload’s row does not say so`);
    if (isOverdue(link, anchors)) say('not anchored', `${link.n}: its hash is in no digest`);
  });
  for (const sk of rows.keys()) say('entry', `${sk}: there is no entry of this payload`);
};

/** What one partition comes to. */
export const examineChain = (pk: string, anchors: Anchors): Gather<Chain> => {
  const owner = ownerOf(pk);
  const wrong: Suspicion[] = [];
  const rows: Rows = { links: [], known: new Map(), forged: [] };
  const name = owner ? `${owner.tenant}/${owner.chain}` : pk;
  const suspect = (kind: FindingKind, detail: string): Suspicion => ({
    ...{ kind, tenant: owner?.tenant ?? '', about: name, detail },
  });
  const say: Say = (kind, detail) => wrong.push(suspect(kind, detail));
  return {
    add: (item) => {
      if (!owner) say('undecodable', `${item.sk}: stands in no chain`);
      else if (String(item.sk).startsWith('id#')) addPayload(say, rows, item);
      else addEntry(say, rows, item, owner.tenant);
    },
    end: () => {
      if (owner) compare(say, rows, owner.tenant, owner.chain, anchors);
      const forged = Promise.all(rows.forged).then((all) =>
        all.flat().map((n) => suspect('entry', `${n}: no store signed it`)),
      );
      return { pk, tenant: owner?.tenant ?? '', name, links: rows.links, wrong, forged };
    },
  };
};

/** The same by consistent reads of the partition, as it is now. */
export const examineChainAgain = async (
  deps: Pick<Deps, 'ddb' | 'env'>,
  pk: string,
  anchors: Anchors,
): Promise<Chain> => {
  const { add, end } = examineChain(pk, anchors);
  for await (const item of itemsOf(deps, pk, deps.env.TRANSACTIONS_TABLE)) add(item);
  return end();
};
