/**
 * What the App Store knows by now of the customers who made our person's purchases; nothing is claimed by it. And what it is told when
 * it asks.
 */
import { assert } from '../../core/assert.ts';
import type { Deps } from '../../core/deps.ts';
import type { TenantId } from '../../core/ids.ts';
import type { Tenant } from '../../core/tenants.ts';
import { type AppStoreApi, createAppStoreApi } from './appstore-api.ts';
import { bodyOf } from './appstore-consumption.ts';
import { readEntry } from './appstore-entry.ts';
import { chainOf, factOf } from './appstore-facts.ts';
import { keep } from './appstore-keep.ts';
import type { AppStore } from './appstore-token.ts';
import { rawOfStatus, type Verified } from './appstore-verified.ts';
import { type Entry, readChain } from './audit.ts';
import type { Consumption } from './consumption.ts';
import type { Fact } from './facts.ts';
import { isNews } from './news.ts';
import { revokedBy } from './revocation.ts';
import { StoreError } from './store-error.ts';
import { type Refusal, trustOf, verifyStatus, verifyTransaction } from './verify.ts';

/** A person may have bought with several Apple accounts; each is asked for once. */
const CUSTOMERS = 10;
/** Of 20 transactions, the newest first. */
const PAGES = 20;
/** Well within the time of the queue's function. */
const ENOUGH_MS = 15_000;

type Environment = AppStore['environments'][number];
export type LookedUp = { asked: number; read: number; fresh: number; refused: number };

const NAME = /^appstore-(production|sandbox)-([A-Za-z0-9.]+)$/;

/** Environment and original transaction of a chain, or undefined for one of another store. */
export const parseChain = (chain: string): { environment: Environment; original: string } | undefined => {
  const [, environment, original] = NAME.exec(chain) ?? [];
  return original === undefined
    ? undefined
    : { environment: environment === 'production' ? 'Production' : 'Sandbox', original };
};

/** What nobody can read is told where the purchase is assessed. */
const factIn = (entry: Entry): Fact[] => {
  try {
    return [readEntry(entry).fact ?? []].flat();
  } catch {
    return [];
  }
};

const factsOf = async (deps: Deps, tenant: TenantId, chain: string): Promise<Fact[]> =>
  (await readChain(deps, tenant, chain)).flatMap(factIn);

/** What is known of each chain, read once. */
const createMemory = (deps: Deps, tenant: Tenant) => {
  const known = new Map<string, Fact[]>();
  const recall = async (chain: string): Promise<Fact[]> => {
    const before = known.get(chain);
    if (before) return before;
    const facts = await factsOf(deps, tenant.tenant, chain);
    known.set(chain, facts);
    return facts;
  };
  return async (verified: Verified, raw: string): Promise<boolean> => {
    const fact = factOf(verified);
    const facts = await recall(chainOf(verified));
    if (fact && !isNews(facts, fact)) return false;
    const { fresh } = await keep(deps, tenant.tenant, verified, raw);
    if (fact) facts.push(fact);
    return fresh;
  };
};

type Asking = {
  deps: Deps;
  tenant: Tenant;
  api: AppStoreApi;
  tally: LookedUp;
  remember: ReturnType<typeof createMemory>;
  /** Original transactions whose customer was asked for. */
  seen: Set<string>;
};

const take = async ({ deps, tally, remember, seen }: Asking, verified: Verified | Refusal, raw: string) => {
  tally.read++;
  if ('refused' in verified) {
    tally.refused++;
    deps.log({ level: 'error', msg: 'purchase refused', from: 'ask', rule: verified.refused });
    return;
  }
  if (verified.transaction) seen.add(verified.transaction.originalTransactionId);
  if (await remember(verified, raw)) tally.fresh++;
};

/** Who only ever bought what does not renew has no statuses. */
const orNothing = <T>(asking: Promise<T>, nothing: T): Promise<T> =>
  asking.catch((error: unknown) => {
    if (error instanceof StoreError && error.trouble.kind === 'notFound') return nothing;
    throw error;
  });

const askCustomer = async (asking: Asking, original: string, deadline: number): Promise<void> => {
  const { deps, tenant, api, tally } = asking;
  tally.asked++;
  asking.seen.add(original);
  const trust = trustOf(tenant);
  const demands = { live: false, revoked: revokedBy(deps, tenant.tenant) };
  for (const item of await orNothing(api.statuses(original), []))
    await take(asking, await verifyStatus(trust, item, deps.now(), demands), rawOfStatus(item));
  let revision: string | undefined;
  for (let pages = 0; pages < PAGES && deps.now().getTime() < deadline; pages++) {
    const page = await orNothing(api.history(original, revision), { signed: [] });
    for (const signed of page.signed)
      await take(asking, await verifyTransaction(trust, signed, deps.now(), demands), signed);
    revision = page.next;
    if (revision === undefined) break;
  }
};

/**
 * Asks for every customer behind these chains, and keeps what is new.
 * @throws StoreError; what was kept stays
 */
export const askAppStore = async (deps: Deps, tenant: Tenant, chains: readonly string[]): Promise<LookedUp> => {
  const tally: LookedUp = { asked: 0, read: 0, fresh: 0, refused: 0 };
  const config = tenant.purchases?.appstore;
  if (!config) return tally;
  const deadline = deps.now().getTime() + ENOUGH_MS;
  const remember = createMemory(deps, tenant);
  for (const environment of config.environments) {
    const originals = chains.flatMap((chain) => parseChain(chain) ?? []).filter((of) => of.environment === environment);
    if (originals.length === 0) continue;
    const api = await createAppStoreApi(deps, config, environment);
    const asking: Asking = { deps, tenant, api, tally, remember, seen: new Set() };
    for (const { original } of originals) {
      if (asking.seen.has(original) || tally.asked >= CUSTOMERS || deps.now().getTime() >= deadline) continue;
      await askCustomer(asking, original, deadline);
    }
  }
  return tally;
};

/** What became of a purchase that is to be refunded. @throws StoreError */
export const tellAppStore = async (
  deps: Deps,
  tenant: Tenant,
  { chain, transaction }: { chain: string; transaction: string },
  told: Consumption,
): Promise<void> => {
  const [config, place] = [tenant.purchases?.appstore, parseChain(chain)];
  assert(config && place, `${chain} is not of the App Store`);
  const api = await createAppStoreApi(deps, config, place.environment);
  await api.sendConsumption(transaction, bodyOf(told));
};
