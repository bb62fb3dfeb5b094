/** The App Store's own history of the notifications that it made for an app: what reconciliation reads. */
import type { Deps } from '../../core/deps.ts';
import type { Tenant } from '../../core/tenants.ts';
import { type AppStoreApi, createAppStoreApi } from './appstore-api.ts';
import { keep } from './appstore-keep.ts';
import type { AppStore } from './appstore-token.ts';
import type { Source } from './reconcile.ts';
import { revokedBy } from './revocation.ts';
import { trustOf, verifyNotification } from './verify.ts';

const DAY_MS = 24 * 3_600_000;
/** How long Apple keeps its history. */
const REACH_DAYS = { Production: 180, Sandbox: 30 } as const;

const sourceOf = (
  deps: Deps,
  tenant: Tenant,
  config: AppStore,
  environment: AppStore['environments'][number],
): Source => {
  let connected: Promise<AppStoreApi> | undefined;
  const connect = (): Promise<AppStoreApi> => {
    connected ??= createAppStoreApi(deps, config, environment);
    return connected;
  };
  return {
    tenant: tenant.tenant,
    store: 'appstore',
    environment: environment.toLowerCase(),
    reachMs: REACH_DAYS[environment] * DAY_MS,
    page: async (span, token) => (await connect()).notifications(span, token),
    take: async (signed) => {
      // What was signed months ago may bear a certificate that has ended since.
      const verified = await verifyNotification(trustOf(tenant), signed, deps.now(), {
        live: false,
        revoked: revokedBy(deps, tenant.tenant),
      });
      return 'refused' in verified ? { refused: verified.refused } : keep(deps, tenant.tenant, verified, signed);
    },
  };
};

/** One for each environment whose payloads the tenant takes. */
export const sourcesOf = (deps: Deps, tenant: Tenant): Source[] => {
  const config = tenant.purchases?.appstore;
  return config ? config.environments.map((environment) => sourceOf(deps, tenant, config, environment)) : [];
};
