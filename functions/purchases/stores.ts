/** Who reads an entry of the audit: by the store that it came from. There is one so far. */
import type { Deps } from '../../core/deps.ts';
import type { TenantId } from '../../core/ids.ts';
import * as appstore from './appstore-entry.ts';
import type { Entry } from './audit.ts';
import type { Fact } from './facts.ts';

/** `asks`: the transaction of which the store wants to know how it was used. */
export type Said = { fact?: Fact | undefined; asks?: string | undefined };

type Store = {
  /** What an entry says, as it was when it was verified. @throws ZodError for what nobody can read */
  read: (entry: Entry) => Said;
  /** Asks whether who signed an entry may still sign: what is found is heeded by the next verification. */
  checkSigner: (deps: Deps, tenant: TenantId, entry: Entry) => Promise<void>;
  /** Did the store sign it, as far as can be told when it was received? */
  isGenuine: (tenant: TenantId, entry: Entry) => Promise<boolean>;
};

const stores: Readonly<Record<string, Store>> = {
  appstore: { read: appstore.readEntry, checkSigner: appstore.checkSigner, isGenuine: appstore.isGenuine },
};
const storeOf = ({ store }: Entry): Store | undefined => (Object.hasOwn(stores, store) ? stores[store] : undefined);

export const saidIn = (entry: Entry): Said => storeOf(entry)?.read(entry) ?? {};
/** Of a store that nobody here knows nothing can be told. */
export const isGenuine = async (tenant: TenantId, entry: Entry): Promise<boolean> =>
  (await storeOf(entry)?.isGenuine(tenant, entry)) ?? true;
export const checkSigner = async (deps: Deps, tenant: TenantId, entry: Entry): Promise<void> =>
  storeOf(entry)?.checkSigner(deps, tenant, entry);
