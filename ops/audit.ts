/**
 * audit verify: reads the whole audit and proves it: what it holds is what was received, and all of what was received.
 * audit leave: mends the one thing that can be mended.
 */
import type { Item } from '../core/ddb.ts';
import { chainKey, joinKey } from '../core/keys.ts';
import { leafKey, merkleRoot } from '../functions/purchases/digests.ts';
import {
  type Anchors,
  type Chain,
  examineChain,
  examineChainAgain,
  isOverdue,
  type Link,
  ownerOf,
} from './audit-chains.ts';
import { type Digested, type Keys, readDigests, readKeys } from './audit-digests.ts';
import { type Command, type Flags, insistOnYes, type Output, textOf, UsageError } from './command.ts';
import { createFindings, FINDINGS_LIMIT, type Finding } from './finding.ts';
import { showProgress } from './show.ts';
import type { Target } from './target.ts';
import { createPace, type OnProgress, partitions, rateOf, type Walk } from './walk.ts';

export type Proof = {
  findings: Finding[];
  chains: number;
  entries: number;
  digests: number;
  /** Of one chain its newest hash; of all, the root of the Merkle tree over them, in the order of the chains' keys. */
  head: string;
  /** Hash of the newest digest. */
  digest: string | undefined;
};
/** With what should be in a digest by now, and is not: at most 10,000. */
type Examined = { proof: Proof; overdue: Link[] };
type Options = { keys: Keys; only?: string; rate?: number; onProgress?: OnProgress };

/** Digested hashes that no entry has: entries are there before their digest is. */
const lost = (hashes: Digested['hashes']): Finding[] =>
  [...hashes].flatMap(([hash, digest]) =>
    digest === SEEN
      ? []
      : [{ kind: 'entry missing', tenant: '', about: digest, detail: `no entry has the hash ${hash}` } as const],
  );
/** In place of its digest: an entry has this hash. */
const SEEN = '';

async function* only(walk: Walk, pk: string, anchors: Anchors): AsyncGenerator<Chain[]> {
  yield [await examineChainAgain(walk.deps, pk, anchors)];
}

/** @param only the partition key of one chain; all, if not said */
export const verifyAudit = async (walk: Walk, options: Options): Promise<Examined> => {
  const { keys, only: pk, rate, onProgress = () => undefined } = options;
  const { deps, scan } = walk;
  const { findings: wrong, hashes, count, newest } = await readDigests(deps, keys, onProgress);
  const anchors: Anchors = { has: (hash) => hashes.has(hash), now: deps.now };
  const findings = createFindings(deps);
  const pace = createPace(walk, rate);
  const heads: [pk: string, hash: string][] = [];
  const overdue: Link[] = [];
  let entries = 0;
  let isWhole = pk === undefined;
  const pages = (): AsyncIterable<Item[]> => scan('transactions', { consistent: true });
  const chains =
    pk === undefined ? partitions(pages(), (each) => examineChain(each, anchors)) : only(walk, pk, anchors);
  for await (const some of chains) {
    for (const { pk: own, links, wrong: suspicions, forged } of some) {
      findings.suspect([...suspicions, ...(await forged)], async () => {
        const again = await examineChainAgain(deps, own, anchors);
        return [...again.wrong, ...(await again.forged)];
      });
      for (const { hash } of links) if (hashes.has(hash)) hashes.set(hash, SEEN);
      for (const link of links) if (overdue.length < FINDINGS_LIMIT && isOverdue(link, anchors)) overdue.push(link);
      const head = links.at(-1);
      if (head) heads.push([own, head.hash]);
      entries += links.length;
    }
    onProgress('chains', some.length);
    await pace();
    isWhole &&= await findings.pause();
    if (!isWhole) break;
  }
  const ordered = heads.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, hash]) => hash);
  const all = [...wrong, ...(await findings.end()), ...(isWhole ? lost(hashes) : [])].slice(0, FINDINGS_LIMIT);
  const head = pk === undefined ? merkleRoot(ordered) : (ordered[0] ?? '');
  return { proof: { findings: all, chains: heads.length, entries, digests: count, digest: newest, head }, overdue };
};

/** @throws UsageError for what names no chain */
const partitionOf = (name: string | undefined): string | undefined => {
  if (name === undefined) return undefined;
  const slash = name.indexOf('/');
  const owner = slash > 0 ? ownerOf(joinKey(name.slice(0, slash), name.slice(slash + 1))) : undefined;
  if (!owner) throw new UsageError('--chain is <tenant>/<chain>, such as demo/appstore-sandbox-2000000012');
  return chainKey(owner.tenant, owner.chain, 1).pk;
};

type Run = (target: Target, flags: Flags, out: Output) => Promise<0 | 1>;

const examined = async (target: Target, flags: Flags, out: Output): Promise<Examined> => {
  const pk = partitionOf(textOf(flags, 'chain'));
  const keys = await readKeys(textOf(flags, 'key'));
  const { onProgress, done } = showProgress(out);
  const asked = { keys, onProgress, ...rateOf(target, flags), ...(pk === undefined ? {} : { only: pk }) };
  const found = await verifyAudit(target, asked);
  done();
  out.table(found.proof.findings);
  return found;
};

const verify: Run = async (target, flags, out) => {
  const { proof } = await examined(target, flags, out);
  const { findings, chains, entries, digests, head } = proof;
  out.json(proof);
  out.line(`${entries} entries in ${chains} chains, ${digests} digests; head ${head}`);
  out.line(findings.length === 0 ? 'Nothing is wrong.' : 'This is not what was received: see docs/recovery.md.');
  return findings.length === 0 ? 0 : 1;
};

/** Only where nothing else is wrong: a chain that was written anew is sound too, but then digested hashes are missing. */
const leave: Run = async (target, flags, out) => {
  insistOnYes(target, flags, 'lets entries that no digest holds be anchored');
  const { proof, overdue } = await examined(target, flags, out);
  const wrong = proof.findings.filter(({ kind }) => kind !== 'not anchored').length;
  const done = wrong === 0 && !flags.dryRun;
  if (done) for (const link of overdue) await target.deps.archive.add(leafKey(link), '{}');
  out.json({ leaves: overdue.length, done, findings: proof.findings });
  if (wrong > 0) out.line('More is wrong than leaves that are missing: nothing was done.');
  else out.line(`${overdue.length} leaves ${done ? 'wait for the next digest' : 'would wait for the next digest'}`);
  return wrong === 0 ? 0 : 1;
};

const subcommands: Record<string, Run> = { verify, leave };

export const audit: Command = {
  name: 'audit',
  summary: 'prove that the audit of purchases holds what was received',
  usage: `verify [--chain <tenant/chain>] | leave

verify reads every entry of the audit (consistently) and every digest: recomputes the hashes, the chains, the digests and
their signatures, and compares them. It prints how much there is and the head: who keeps it can tell whether anything
before it was changed. Changes nothing. leave lets entries into the next digest whose stream was silent for too long, if
nothing else is wrong.`,
  flags: {
    chain: { value: 'tenant/chain', help: 'verify: only this chain' },
    key: { value: 'file', help: 'public keys (PEM) that signed the digests, instead of the one that signs now' },
  },
  run: async (target, [name = '', ...rest], flags, out) => {
    const subcommand = Object.hasOwn(subcommands, name) ? subcommands[name] : undefined;
    if (!subcommand || rest.length > 0)
      throw new UsageError(`audit has ${Object.keys(subcommands).join(' and ')}, and nothing else`);
    if (name !== 'verify' && flags.chain !== undefined) throw new UsageError('--chain is for audit verify');
    return subcommand(target, flags, out);
  },
};
