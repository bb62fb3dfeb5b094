/** The tenants of a laptop: the files of `tenants/` with issuer, push origins and App Store replaced by local servers. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
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

const localize = (
  { auth, push, purchases, ...tenant }: Tenant,
  { issuer, jwksUri, apns, apnsSandbox, fcm, appstore }: Origins,
  graceSeconds = push.graceSeconds,
): Tenant => ({
  ...tenant,
  auth: { ...auth, issuer, jwksUri, algorithms: ['RS256'] },
  push: {
    content: push.content,
    graceSeconds,
    ...(push.apns && { apns: { ...push.apns, production: apns, sandbox: apnsSandbox } }),
    ...(push.fcm && { fcm: { ...push.fcm, origin: fcm } }),
  },
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
export const deriveTenants = (from: string, to: string, origins: Origins, graceSeconds?: number): Tenant[] => {
  const tenants = loadTenants(from).map((tenant) => localize(tenant, origins, graceSeconds));
  rmSync(to, { recursive: true, force: true });
  mkdirSync(to, { recursive: true });
  for (const tenant of tenants)
    writeFileSync(join(to, `${tenant.tenant}.json`), `${JSON.stringify(tenant, null, 2)}\n`);
  return loadTenants(to);
};
