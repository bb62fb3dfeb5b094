/** What the App Store says of what it knows: payloads as they are before they are signed. */
import type {
  JWSRenewalInfoDecodedPayload,
  JWSTransactionDecodedPayload,
  ResponseBodyV2DecodedPayload,
} from '@apple/app-store-server-library';
import {
  type Charge,
  currentOf,
  isSubscription,
  type Line,
  type Offer,
  TICK,
  type World,
  willRenew,
} from './appstore-life-state.ts';

type Outside = ResponseBodyV2DecodedPayload;
/** A notification whose transaction and renewal are still to be signed. */
export type Told = Omit<Outside, 'data' | 'notificationUUID' | 'signedDate' | 'notificationType'> & {
  notificationType: string;
  notificationUUID: string;
  signedDate: number;
  data?: Omit<NonNullable<Outside['data']>, 'signedTransactionInfo' | 'signedRenewalInfo'> & Said;
};
export type Said = { transaction?: JWSTransactionDecodedPayload; renewal?: JWSRenewalInfoDecodedPayload };

const STATUS = { paid: 1, ended: 2, retry: 3, grace: 4, revoked: 5 } as const;

/** Apple's own verdict; what is not a subscription has none. */
export const statusOf = (line: Line): 1 | 2 | 3 | 4 | 5 | undefined =>
  isSubscription(line.product) ? STATUS[line.phase] : undefined;

/** The next signature: later than every one before. */
export const sign = (world: World<Told>): number => {
  world.lastSigned = Math.max(world.clock, world.lastSigned + TICK);
  return world.lastSigned;
};

const offered = (offer: Offer | undefined) =>
  offer && {
    offerType: offer.type,
    ...(offer.id && { offerIdentifier: offer.id }),
    ...(offer.discount && { offerDiscountType: offer.discount }),
  };

const revoked = ({ revoked }: Charge) =>
  revoked && {
    revocationDate: revoked.at,
    revocationReason: 0,
    revocationType: revoked.type,
    revocationPercentage: Math.round(revoked.percent * 1000),
  };

const promised = ({ promise, product }: Charge) =>
  promise && {
    billingPlanType: 'MONTHLY',
    commitmentInfo: {
      billingPeriodNumber: promise.period,
      totalBillingPeriods: promise.of,
      commitmentExpiresDate: promise.until,
      commitmentPrice: product.price * promise.of,
    },
  };

/** Inside a notification each is signed for itself, a few milliseconds before. */
const before = (signed: number, by: number): number => signed - ((signed + by) % (TICK - 1));

export const transactionPayload = (
  { options }: World<Told>,
  line: Line,
  charge: Charge,
  signed: number,
): JWSTransactionDecodedPayload => ({
  transactionId: charge.id,
  originalTransactionId: line.original,
  webOrderLineItemId: `9${charge.id}`,
  bundleId: options.bundleId,
  productId: charge.product.id,
  type: charge.product.type,
  environment: options.environment,
  purchaseDate: charge.purchased,
  originalPurchaseDate: line.charges[0]?.purchased ?? charge.purchased,
  signedDate: before(signed, 3),
  quantity: charge.quantity,
  inAppOwnershipType: line.payer ? 'FAMILY_SHARED' : 'PURCHASED',
  transactionReason: charge.reason,
  storefront: 'USA',
  storefrontId: '143441',
  price: charge.product.price * charge.quantity,
  currency: 'USD',
  appTransactionId: `7${line.customer.length}${line.original}`,
  ...(charge.product.group && { subscriptionGroupIdentifier: charge.product.group }),
  ...(charge.expires !== undefined && { expiresDate: charge.expires }),
  ...(line.account && { appAccountToken: line.account }),
  ...(charge.upgraded && { isUpgraded: true }),
  ...offered(charge.offer),
  ...promised(charge),
  ...revoked(charge),
});

export const renewalPayload = ({ options }: World<Told>, line: Line, signed: number): JWSRenewalInfoDecodedPayload => {
  const charge = currentOf(line);
  const failed = line.phase === 'grace' || line.phase === 'retry';
  const intent = failed ? 2 : line.intent;
  return {
    originalTransactionId: line.original,
    productId: line.product.id,
    autoRenewProductId: line.next.id,
    autoRenewStatus: willRenew(line) ? 1 : 0,
    environment: options.environment,
    signedDate: before(signed, 11),
    isInBillingRetryPeriod: failed,
    recentSubscriptionStartDate: line.charges[0]?.purchased ?? 0,
    renewalPrice: line.next.price,
    currency: 'USD',
    ...(charge.expires !== undefined && { renewalDate: charge.expires }),
    ...(line.graceUntil !== undefined && { gracePeriodExpiresDate: line.graceUntil }),
    ...(intent !== undefined && { expirationIntent: intent }),
    ...(line.increase && { priceIncreaseStatus: line.increase === 'accepted' ? 1 : 0 }),
    ...(charge.promise && {
      renewalBillingPlanType: 'MONTHLY',
      commitmentInfo: { commitmentAutoRenewStatus: line.renews ? 1 : 0, commitmentRenewalDate: charge.promise.until },
    }),
    ...offered(line.offer),
  };
};

/** Signs and keeps a notification; those about a purchase say its charge (the current one) and, of a subscription, its renewal. */
export const tell = (
  world: World<Told>,
  type: string,
  subtype?: string,
  about: { line: Line; charge?: Charge; reason?: string } | Partial<Told> = {},
): void => {
  const signedDate = sign(world);
  const { bundleId, appAppleId, environment } = world.options;
  const app = { bundleId, environment, ...(environment === 'Production' && { appAppleId }) };
  const head = {
    notificationType: type,
    ...(subtype && { subtype }),
    notificationUUID: world.options.uuid(),
    version: '2.0',
    signedDate,
  };
  if (!('line' in about)) {
    const body = Object.keys(about).length > 0 ? about : { data: app };
    world.told.push({ ...head, ...body });
    return;
  }
  const { line, charge = currentOf(line), reason } = about;
  const status = statusOf(line);
  const data = {
    ...app,
    bundleVersion: '1',
    transaction: transactionPayload(world, line, charge, signedDate),
    ...(status && { status, renewal: renewalPayload(world, line, signedDate) }),
    ...(reason && { consumptionRequestReason: reason }),
  };
  world.told.push({ ...head, data });
};
