/** From the audit of a purchase to whose it is and what it is: reads the whole chain, folds it, and says so to its stream. */
import { z } from 'zod';
import { isRejection } from '../../core/decider.ts';
import { ringing } from '../../core/deliver.ts';
import type { Deps } from '../../core/deps.ts';
import { execute } from '../../core/execute.ts';
import type { TenantId } from '../../core/ids.ts';
import type { Stream } from '../../core/keys.ts';
import { load } from '../../core/load.ts';
import { errorName, reasonOf } from '../../core/log.ts';
import { personOfToken } from '../customer.ts';
import { react } from '../reactions.ts';
import { type Entry, readChain } from './audit.ts';
import type { Fact } from './facts.ts';
import { type OwnershipCommand, ownership } from './ownership.ts';
import { accountOf, fold } from './purchase.ts';
import { saidIn } from './stores.ts';

export const purchaseStream = (tenant: TenantId, chain: string): Stream => ({ tenant, kind: 'purchase', id: chain });

/** What an entry of the audit says of its purchase. */
export type Known = { n: number; fact: Fact };
export const factsOf = (known: readonly Known[]): Fact[] => known.map(({ fact }) => fact);

/** An entry that nobody can read any more keeps no other from being read. */
const knownOf = (deps: Pick<Deps, 'log'>, entry: Entry): Known[] => {
  try {
    const { fact } = saidIn(entry);
    return fact ? [{ n: entry.n, fact }] : [];
  } catch (error) {
    const reason = error instanceof z.ZodError ? reasonOf(error) : errorName(error);
    deps.log({ level: 'error', msg: 'entry unreadable', chain: entry.chain, n: entry.n, reason });
    return [];
  }
};

/** All that is known of a purchase. */
export const readFacts = async (deps: Deps, tenant: TenantId, chain: string): Promise<Fact[]> =>
  factsOf((await readChain(deps, tenant, chain)).flatMap((entry) => knownOf(deps, entry)));

type Assess = Extract<OwnershipCommand, { type: 'Assess' }>;

/**
 * What is to be said of a purchase by all that is known of it. Who bought it is found by the account token.
 * @returns no command where there is nothing to have
 */
const assessmentOf = async (
  deps: Deps,
  tenant: TenantId,
  chain: string,
): Promise<{ known: Known[]; command?: Assess }> => {
  const entries = await readChain(deps, tenant, chain);
  const known = entries.flatMap((entry) => knownOf(deps, entry));
  const facts = factsOf(known);
  const [purchase, token, n] = [fold(facts), accountOf(facts), entries.at(-1)?.n];
  if (!purchase || n === undefined) return { known };
  const account = token === undefined ? undefined : await personOfToken(deps, tenant, token);
  const at = deps.now().toISOString();
  return { known, command: { type: 'Assess', n, purchase, ...(account && { account }), at } };
};

/**
 * Assesses a purchase; as often as this is done, it says the same once.
 * @returns what was read, and whether there is anything to have
 */
export const entitle = async (
  deps: Deps,
  tenant: TenantId,
  chain: string,
): Promise<{ known: Known[]; isPurchase: boolean }> => {
  const { known, command } = await assessmentOf(deps, tenant, chain);
  if (!command) return { known, isPurchase: false };
  const stream = purchaseStream(tenant, chain);
  const id = `assess:${command.n}.${deps.random.id()}`;
  const done = await execute(deps, ownership, { stream, command, id, dedupe: 'state' });
  if (isRejection(done)) throw new Error(`${chain} could not be assessed`);
  const { commit } = done;
  if (commit) await ringing(deps, stream, commit, () => react(deps, stream, commit));
  return { known, isPurchase: true };
};

/** Does the audit know more of a purchase than its stream says? For who looks whether something is missing. */
export const isBehind = async (deps: Deps, tenant: TenantId, chain: string): Promise<boolean> => {
  const { command } = await assessmentOf(deps, tenant, chain);
  if (!command) return false;
  const decided = ownership.decide(command, (await load(deps, ownership, purchaseStream(tenant, chain))).state);
  return isRejection(decided) || decided.length > 0;
};
