/** What a tenant trusts: its app, its environments, its roots. */
import { X509Certificate } from 'node:crypto';
import { assert } from '../../core/assert.ts';
import type { Tenant } from '../../core/tenants.ts';
import { rootsOf } from './appstore-roots.ts';

export type Trust = {
  bundleId: string;
  appAppleId: number;
  environments: ('Production' | 'Sandbox')[];
  /** DER. */
  roots: Buffer[];
};

/** @throws when the tenant sells nothing in the App Store */
export const trustOf = ({ purchases }: Pick<Tenant, 'purchases'>): Trust => {
  const appstore = purchases?.appstore;
  assert(appstore, 'the tenant sells nothing in the App Store');
  const { bundleId, appAppleId, environments, roots } = appstore;
  return { bundleId, appAppleId, environments, roots: rootsOf(roots) };
};

/** The root that issued a certificate, if it is one that is trusted. */
export const issuerOf = ({ roots }: Pick<Trust, 'roots'>, certificate: X509Certificate): X509Certificate | undefined =>
  roots
    .map((root) => new X509Certificate(root))
    .find((root) => certificate.issuer === root.subject && certificate.verify(root.publicKey));
