/**
 * What the App Store signs, decoded: notifications V2, transactions, renewal info. What we do not use is left out here; the whole of
 * it is in the audit as received. New words of Apple's (types, subtypes, reasons) pass as text: they are stored and answered like
 * those that we know. What all our rules rest on (ids, dates, product, environment) must be there and sane.
 */
import { z } from 'zod';

/** Milliseconds that a Date can hold. */
export const Instant = z.int().min(0).max(8.64e15);
const Text = z.string().max(512);
const Word = z.string().min(1).max(128);
/** Kept in the audit as it is; no rule reads it, so whatever it is by now keeps nothing out. */
const aside = Text.optional().catch(undefined);
const asideNumber = z.number().optional().catch(undefined);

/** Becomes a part of keys. Apple's are digits. */
export const AppStoreId = z.string().regex(/^[A-Za-z0-9.-]{1,64}$/, 'must be 1 to 64 of letters, digits, . and -');
const BundleId = z.string().min(1).max(255);
const ProductId = z.string().min(1).max(255);
const AppAppleId = z.int().min(0);

/** The two that a tenant may trust, and the two that sign nothing: named here so that a rule can refuse them by name. */
export const Environment = z.enum(['Production', 'Sandbox', 'Xcode', 'LocalTesting']);

/** Of 12 months promised and paid month by month: the end of one month is not the end of the promise. */
const TransactionCommitment = z.object({
  billingPeriodNumber: z.int().optional(),
  commitmentExpiresDate: Instant.optional(),
  commitmentPrice: asideNumber,
  totalBillingPeriods: z.int().optional(),
});
const RenewalCommitment = z.object({
  commitmentAutoRenewProductId: aside,
  commitmentAutoRenewStatus: z.int().optional(),
  commitmentRenewalBillingPlanType: aside,
  commitmentRenewalDate: Instant.optional(),
  commitmentRenewalPrice: asideNumber,
});

const offered = {
  offerType: asideNumber,
  offerIdentifier: aside,
  offerDiscountType: aside,
  offerPeriod: aside,
};

export const TransactionPayload = z.object({
  transactionId: AppStoreId,
  originalTransactionId: AppStoreId,
  bundleId: BundleId,
  productId: ProductId,
  type: Word,
  environment: Environment,
  purchaseDate: Instant,
  signedDate: Instant,
  webOrderLineItemId: aside,
  subscriptionGroupIdentifier: Text.optional(),
  originalPurchaseDate: Instant.optional(),
  expiresDate: Instant.optional(),
  quantity: z.int().min(1).max(1_000_000).optional(),
  inAppOwnershipType: Word.optional(),
  appAccountToken: Text.optional(),
  appTransactionId: aside,
  transactionReason: aside,
  isUpgraded: z.boolean().optional(),
  revocationDate: Instant.optional(),
  revocationReason: asideNumber,
  revocationType: Text.optional(),
  /** Thousandths of a percent. */
  revocationPercentage: z.number().min(0).optional(),
  storefront: aside,
  storefrontId: aside,
  /** Thousandths of the currency's unit. */
  price: z.number().optional(),
  currency: Text.optional(),
  billingPlanType: aside,
  commitmentInfo: TransactionCommitment.optional(),
  ...offered,
});

export const RenewalPayload = z.object({
  originalTransactionId: AppStoreId,
  productId: ProductId,
  environment: Environment,
  signedDate: Instant,
  autoRenewProductId: ProductId.optional(),
  autoRenewStatus: z.int().optional(),
  isInBillingRetryPeriod: z.boolean().optional(),
  gracePeriodExpiresDate: Instant.optional(),
  expirationIntent: z.int().optional(),
  priceIncreaseStatus: z.int().optional(),
  recentSubscriptionStartDate: asideNumber,
  renewalDate: Instant.optional(),
  renewalPrice: asideNumber,
  currency: Text.optional(),
  appAccountToken: Text.optional(),
  appTransactionId: aside,
  eligibleWinBackOfferIds: z.array(Text).optional().catch(undefined),
  renewalBillingPlanType: aside,
  commitmentInfo: RenewalCommitment.optional(),
  ...offered,
});

const Jws = z
  .string()
  .min(1)
  .max(256 * 1024);

const Data = z.object({
  bundleId: BundleId,
  environment: Environment,
  /** Not in the sandbox. */
  appAppleId: AppAppleId.optional(),
  bundleVersion: aside,
  signedTransactionInfo: Jws.optional(),
  signedRenewalInfo: Jws.optional(),
  /** Apple's own verdict when it signed: 1 active, 2 expired, 3 billing retry, 4 grace, 5 revoked. */
  status: z.int().optional(),
  consumptionRequestReason: Text.optional(),
});
const Summary = z.object({
  bundleId: BundleId,
  environment: Environment,
  appAppleId: AppAppleId.optional(),
  requestIdentifier: aside,
  productId: Text.optional(),
  storefrontCountryCodes: z.array(Text).optional().catch(undefined),
  succeededCount: asideNumber,
  failedCount: asideNumber,
});
/** Has no environment: in the sandbox the id begins with SANDBOX. */
const ExternalPurchaseToken = z.object({
  bundleId: BundleId,
  appAppleId: AppAppleId.optional(),
  externalPurchaseId: Word,
  tokenCreationDate: Instant.optional(),
});
const AppData = z.object({
  bundleId: BundleId,
  environment: Environment,
  appAppleId: AppAppleId.optional(),
  signedAppTransactionInfo: Jws.optional(),
});

/** A notification says one of these. */
const BODIES = ['data', 'summary', 'externalPurchaseToken', 'appData'] as const;

export const NotificationPayload = z
  .object({
    notificationType: Word,
    subtype: Text.optional(),
    notificationUUID: AppStoreId,
    version: aside,
    signedDate: Instant,
    data: Data.optional(),
    summary: Summary.optional(),
    externalPurchaseToken: ExternalPurchaseToken.optional(),
    appData: AppData.optional(),
  })
  .refine((payload) => BODIES.filter((body) => payload[body] !== undefined).length === 1, {
    error: `must have exactly one of ${BODIES.join(', ')}`,
  });

export type TransactionPayload = z.infer<typeof TransactionPayload>;
export type RenewalPayload = z.infer<typeof RenewalPayload>;
export type NotificationPayload = z.infer<typeof NotificationPayload>;
export type Environment = z.infer<typeof Environment>;
