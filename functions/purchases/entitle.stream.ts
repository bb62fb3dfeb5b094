/**
 * Audit stream: something was signed about a purchase. What the purchase is by now, and whose, follows from its whole chain,
 * in whatever order its entries came. What must not hold up the answer to a store is done here too.
 */
import type { Deps } from '../../core/deps.ts';
import type { TenantId } from '../../core/ids.ts';
import { parseChainKey } from '../../core/purchase-keys.ts';
import { stream } from '../../core/stream.ts';
import type { AskJob } from './ask.ts';
import { Entry } from './audit.ts';
import { tellDoubts } from './doubts.ts';
import { entitle } from './entitle.ts';
import { checkSigner, type Said, saidIn } from './stores.ts';

/** A job said twice does no harm. */
const answerStore = async (deps: Deps, tenant: TenantId, { chain }: Entry, transaction: string): Promise<void> => {
  const job: AskJob = { type: 'consumption', tenant, chain, transaction, attempt: 0, notBefore: 0 };
  await deps.enqueue(deps.env.ASK_QUEUE_URL, job, 0);
};

/** Undefined when nobody can. */
const read = (entry: Entry): Said | undefined => {
  try {
    return saidIn(entry);
  } catch {
    return undefined;
  }
};

export const handler = stream('purchases/entitle', async ({ keys, after }, deps) => {
  const of = parseChainKey({ pk: String(keys.pk), sk: String(keys.sk) });
  if (!of || !after) return;
  const { tenant, chain } = of;
  const entry = Entry.parse(after);
  const said = read(entry);
  // What is about no purchase changes none: its chain, a month's, is not read again for each.
  if (!said || said.fact) {
    const { known } = await entitle(deps, tenant, chain);
    await tellDoubts(deps, tenant, chain, known);
  }
  await checkSigner(deps, tenant, entry);
  const { asks } = said ?? saidIn(entry);
  if (asks !== undefined) await answerStore(deps, tenant, entry, asks);
});
