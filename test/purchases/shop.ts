/** What the App Store would sign and send, by hand: for tests of the whole system that want every field in their own hands. */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { openPki, type Pki } from '../../local/providers/appstore-pki.ts';
import { type Raw, wire } from '../api/wire.ts';
import type { Json, World } from '../world.ts';

type Fields = Record<string, Json>;
const DAY = 24 * 3600_000;

const kinds: Record<string, string> = {
  'gold.monthly': 'Auto-Renewable Subscription',
  'gold.yearly': 'Auto-Renewable Subscription',
  'silver.monthly': 'Auto-Renewable Subscription',
  'plus.monthly': 'Auto-Renewable Subscription',
  'theme.dark': 'Non-Consumable',
  'coins.100': 'Consumable',
};

const apps: Record<string, { bundleId: string; appAppleId: number }> = {
  demo: { bundleId: 'example.chorus.demo', appAppleId: 1234567890 },
  aurora: { bundleId: 'example.chorus.aurora', appAppleId: 1234567891 },
};

let numbers = 0;
/** A transaction's id that no other test has. */
export const fresh = (): string => `${2_000_000_000 + ++numbers}`;

export type Shop = {
  pki: Pki;
  /** The fields of a transaction. */
  transaction: (more?: Fields, tenant?: string) => Fields;
  /** A transaction as a device has it. */
  bought: (more?: Fields, tenant?: string) => string;
  /** A notification about a transaction; a renewal for what renews. */
  notice: (type: string, transaction?: Fields, more?: Fields, tenant?: string) => string;
  /** As Apple posts it. */
  deliver: (signedPayload: string, tenant?: string) => Promise<Raw>;
};

/** Its certificates are the system's own; what a tenant is to say otherwise is said before anybody asks it. */
export const openShop = (world: World, tenants: Record<string, Fields> = {}): Shop => {
  const folder = world.env.TENANTS_DIR ?? '';
  const pki = openPki(dirname(folder));
  const roots = pki.roots.map((root) => root.toString('base64'));
  for (const tenant of Object.keys(apps)) {
    const file = join(folder, `${tenant}.json`);
    const said = JSON.parse(readFileSync(file, 'utf8'));
    const { appstore, ...purchases } = { ...said.purchases, ...tenants[tenant]?.purchases };
    const trusting = { ...appstore, roots, ...tenants[tenant]?.appstore };
    writeFileSync(file, JSON.stringify({ ...said, purchases: { ...purchases, appstore: trusting } }));
  }
  const transaction: Shop['transaction'] = (more = {}, tenant = 'demo') => {
    const signedDate = more.signedDate ?? Date.now() - 1000;
    const id = more.originalTransactionId ?? fresh();
    const type = kinds[more.productId ?? 'gold.monthly'];
    return {
      ...{ transactionId: id, originalTransactionId: id, bundleId: apps[tenant]?.bundleId, environment: 'Sandbox' },
      ...{ productId: 'gold.monthly', type, quantity: 1, purchaseDate: signedDate, originalPurchaseDate: signedDate },
      ...(type?.startsWith('Auto') ? { expiresDate: signedDate + 30 * DAY, subscriptionGroupIdentifier: '1' } : {}),
      ...{ inAppOwnershipType: 'PURCHASED', price: 9990, currency: 'EUR', signedDate },
      ...more,
    };
  };
  const renewalOf = ({ originalTransactionId, productId, environment, signedDate, expiresDate }: Fields): Fields => ({
    ...{ originalTransactionId, productId, autoRenewProductId: productId, autoRenewStatus: 1 },
    ...{ environment, signedDate, renewalDate: expiresDate },
  });
  const notice: Shop['notice'] = (notificationType, of, more = {}, tenant = 'demo') => {
    const { data, renewal, ...outer } = more;
    const infos = of && {
      signedTransactionInfo: pki.sign(of),
      ...(of.expiresDate && { signedRenewalInfo: pki.sign({ ...renewalOf(of), ...renewal }) }),
    };
    return pki.sign({
      ...{ notificationType, notificationUUID: crypto.randomUUID(), version: '2.0' },
      signedDate: of?.signedDate ?? Date.now() - 1000,
      data: { ...apps[tenant], environment: of?.environment ?? 'Sandbox', ...infos, ...data },
      ...outer,
    });
  };
  return {
    ...{ pki, transaction, notice },
    bought: (more, tenant) => pki.sign(transaction(more, tenant)),
    deliver: (signedPayload, tenant = 'demo') =>
      wire(world.http, 'POST', `/v1/appstore/notifications/${tenant}`, {
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ signedPayload }),
      }),
  };
};
