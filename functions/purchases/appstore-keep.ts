/** What the App Store signed comes into the audit, as it was received, once it was verified. */
import type { Deps } from '../../core/deps.ts';
import type { TenantId } from '../../core/ids.ts';
import type { Tenant } from '../../core/tenants.ts';
import { chainOf, factOf } from './appstore-facts.ts';
import { type Appended, append, isKept } from './audit.ts';
import type { Fact } from './facts.ts';
import { isNews } from './news.ts';
import { revokedBy } from './revocation.ts';
import { type Refusal, trustOf, type Verified, verifyTransaction } from './verify.ts';

type Audit = Pick<Deps, 'ddb' | 'env' | 'now' | 'random' | 'sleep'>;

/** @returns also the chain that it is in; as often as it is called, it is there once */
export const keep = async (
  deps: Audit,
  tenant: TenantId,
  verified: Verified,
  raw: string,
): Promise<Appended & { chain: string }> => {
  const { id, source } = verified;
  const chain = chainOf(verified);
  return { chain, ...(await append(deps, tenant, { chain, id, source, store: 'appstore', raw })) };
};

const DAY_MS = 24 * 3_600_000;

/** Devices get the same signed anew at any time. Once a day is often enough to hear that nothing changed. */
const isWorthKeeping = (known: readonly Fact[], fact: Fact | undefined): boolean => {
  const { transaction } = fact ?? {};
  // Of a kind that nobody can have here: once.
  if (!fact || !transaction) return known.length === 0;
  if (isNews(known, fact)) return true;
  const last = Math.max(
    ...known.map((each) => (each.transaction?.id === transaction.id ? each.transaction.signed : 0)),
  );
  return transaction.signed - last >= DAY_MS;
};

/**
 * A transaction as a device holds it, for years if need be: its certificates must have been good when it was signed.
 * @param factsOf what is known of a chain
 * @returns the chain that it is in; undefined when the tenant sells nothing in this store
 */
export const takeTransaction = async (
  deps: Deps,
  tenant: Tenant,
  signedTransaction: string,
  factsOf: (chain: string) => Promise<readonly Fact[]>,
): Promise<{ chain: string } | Refusal | undefined> => {
  if (!tenant.purchases?.appstore) return undefined;
  const demands = { live: false, revoked: revokedBy(deps, tenant.tenant) };
  const verified = await verifyTransaction(trustOf(tenant), signedTransaction, deps.now(), demands);
  if ('refused' in verified) return verified;
  const chain = chainOf(verified);
  // Apps show all that they hold at each launch.
  if (await isKept(deps, tenant.tenant, { chain, id: verified.id })) return { chain };
  if (!isWorthKeeping(await factsOf(chain), factOf(verified))) return { chain };
  return keep(deps, tenant.tenant, verified, signedTransaction);
};
