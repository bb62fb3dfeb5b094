/** The tenants of a laptop: the files of `tenants/` with issuer, push origins and App Store replaced by local servers. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { limitNames } from '../core/limit-table.ts';
import { loadTenants, type Tenant } from '../core/tenants.ts';

/** Where the local App Store is, and the certificates (DER, base64) under which it signs. */
export type AppStoreOrigins = { production: string; sandbox: string; roots: string[] };
export type Origins = {
  issuer: string;
  jwksUri: string;
  apns: string;
  apnsSandbox: string;
  fcm: string;
  appstore: AppStoreOrigins;
};

/** What a laptop changes beside addresses. */
export type Changes = {
  /** How long pushes to connected devices wait. */
  graceSeconds?: number | undefined;
  limits?: Tenant['limits'] | undefined;
};

/** Limits that no test and no benchmark reaches. */
export const roomy: Tenant['limits'] = Object.fromEntries(limitNames.map((name) => [name, { burst: 100_000 }]));

const localize = (
  { auth, push, purchases, apple, ...tenant }: Tenant,
  { issuer, jwksUri, apns, apnsSandbox, fcm, appstore }: Origins,
  { graceSeconds = push.graceSeconds, limits }: Changes,
): Tenant => ({
  ...tenant,
  ...(limits && { limits }),
  auth: { ...auth, issuer, jwksUri, algorithms: ['RS256'] },
  push: {
    content: push.content,
    graceSeconds,
    ...(push.apns && { apns: { ...push.apns, production: apns, sandbox: apnsSandbox } }),
    ...(push.fcm && { fcm: { ...push.fcm, origin: fcm } }),
  },
  ...(apple && { apple: { ...apple, issuer, jwksUri } }),
  ...(purchases && {
    purchases: { ...purchases, ...(purchases.appstore && { appstore: { ...purchases.appstore, ...appstore } }) },
  }),
});

/**
 * Writes the derived files anew and reads them back.
 * @param from folder of the tenants as they are deployed
 * @param to folder for the derived ones
 * @throws TenantError for a broken file, naming field and rule
 */
export const deriveTenants = (from: string, to: string, origins: Origins, changes: Changes = {}): Tenant[] => {
  const tenants = loadTenants(from).map((tenant) => localize(tenant, origins, changes));
  rmSync(to, { recursive: true, force: true });
  mkdirSync(to, { recursive: true });
  for (const tenant of tenants)
    writeFileSync(join(to, `${tenant.tenant}.json`), `${JSON.stringify(tenant, null, 2)}\n`);
  return loadTenants(to);
};
