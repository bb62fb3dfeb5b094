/** Purchases whose stream says less than the audit knows: after a restore of the one and not of the other, or a silent stream. */
import type { Item } from '../core/ddb.ts';
import type { Deps } from '../core/deps.ts';
import type { TenantId } from '../core/ids.ts';
import { parseChainKey } from '../core/purchase-keys.ts';
import { entitle, isBehind, purchaseStream } from '../functions/purchases/entitle.ts';
import { type Suspicion, suspicion } from './finding.ts';
import type { Mend } from './mend.ts';
import { partitions, readable } from './walk.ts';

export type Chain = { tenant: TenantId; chain: string; n: number };

/** The chains of the audit, by their keys alone. */
export const chainsOf = async function* (pages: AsyncIterable<Item[]>): AsyncGenerator<Chain[]> {
  const partitioned = partitions(pages, () => {
    const entries: Chain[] = [];
    return {
      add: ({ pk, sk, n }: Item) => {
        const of = parseChainKey({ pk: String(pk), sk: String(sk) });
        if (of) entries[0] = { ...of, n: Number(n) };
      },
      end: () => entries,
    };
  });
  for await (const chains of partitioned) yield chains.flat();
};

/** What nobody can read is told of the audit itself. */
export const lookAtChain = async (deps: Deps, { tenant, chain }: Chain): Promise<Suspicion[]> =>
  (await readable(() => isBehind(deps, tenant, chain)))
    ? [suspicion('purchase behind', purchaseStream(tenant, chain), { detail: 'the audit knows more of it' })]
    : [];

export const mendChain = async (mend: Mend, { tenant, chain }: Chain): Promise<void> => {
  if (await isBehind(mend.deps, tenant, chain)) await mend.mend('purchases', () => entitle(mend.deps, tenant, chain));
};
