/** An App Store for the tests of the verifier: its certificates, what it signs, and a tenant that sells in it. */

import type { Trust } from '../../functions/purchases/verify.ts';
import { createPki, type Pki, type Signing } from '../../local/providers/appstore-pki.ts';

export const now = new Date('2026-11-20T12:00:00.000Z');
export const bundleId = 'example.chorus.demo';
export const appAppleId = 1234567890;
export const pki: Pki = createPki();
export const trust: Trust = { bundleId, appAppleId, environments: ['Production', 'Sandbox'], roots: pki.roots };

type Fields = Record<string, unknown>;
const signedDate = now.getTime() - 1000;

export const transaction = (more: Fields = {}): Fields => ({
  ...{ transactionId: '2000000012', originalTransactionId: '2000000010', webOrderLineItemId: '2000000001' },
  ...{
    bundleId,
    productId: 'pro.monthly',
    subscriptionGroupIdentifier: '21000001',
    type: 'Auto-Renewable Subscription',
  },
  ...{
    purchaseDate: signedDate - 5000,
    originalPurchaseDate: signedDate - 9e9,
    expiresDate: signedDate + 2_592_000_000,
  },
  ...{ quantity: 1, inAppOwnershipType: 'PURCHASED', signedDate, environment: 'Production', storefront: 'DEU' },
  ...{ storefrontId: '143443', transactionReason: 'RENEWAL', price: 9990, currency: 'EUR' },
  ...{ appAccountToken: '7e3fb204-2f39-4b6c-b0d4-7b1b9d6c1a11', appTransactionId: '704012345678901234' },
  ...more,
});

export const renewal = (more: Fields = {}): Fields => ({
  ...{ originalTransactionId: '2000000010', autoRenewProductId: 'pro.monthly', productId: 'pro.monthly' },
  ...{ autoRenewStatus: 1, signedDate, environment: 'Production', recentSubscriptionStartDate: signedDate - 9e9 },
  ...{ renewalDate: signedDate + 2_592_000_000, renewalPrice: 9990, currency: 'EUR' },
  ...more,
});

export type Parts = {
  outer?: Fields;
  data?: Fields;
  transaction?: Fields;
  renewal?: Fields;
  signing?: { outer?: Signing; transaction?: Signing; renewal?: Signing };
  by?: Pki;
};

/** What the notification says, its two texts signed. */
export const notificationPayload = ({ outer, data, signing, by = pki, ...inner }: Parts = {}): Fields => ({
  ...{
    notificationType: 'DID_RENEW',
    notificationUUID: '3838df56-31ab-4e2e-9535-e6e9377c4c77',
    version: '2.0',
    signedDate,
  },
  data: {
    ...{ appAppleId, bundleId, bundleVersion: '42', environment: 'Production', status: 1 },
    signedTransactionInfo: by.sign(transaction(inner.transaction), signing?.transaction),
    signedRenewalInfo: by.sign(renewal(inner.renewal), signing?.renewal),
    ...data,
  },
  ...outer,
});

/** A good one, but for what is asked for. */
export const notification = (parts: Parts = {}): string =>
  (parts.by ?? pki).sign(notificationPayload(parts), parts.signing?.outer);
