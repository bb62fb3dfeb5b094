/** What the App Store signed, in our words. A kind of product that we do not know gives nothing, so nothing is granted by mistake. */
import type { Environment, RenewalPayload, TransactionPayload } from './appstore-payload.ts';
import { type Fact, Renewal, Transaction, type Verdict } from './facts.ts';

/** What is read here of a payload that was verified. */
type Verified = {
  signed: number;
  environment: Environment;
  type: string;
  subtype?: string | undefined;
  verdict?: number | undefined;
  transaction?: TransactionPayload | undefined;
  renewal?: RenewalPayload | undefined;
};

const KINDS: Record<string, Transaction['kind']> = {
  'Auto-Renewable Subscription': 'subscription',
  'Non-Renewing Subscription': 'non-renewing',
  'Non-Consumable': 'lasting',
  Consumable: 'consumable',
};
const OFFERS = [undefined, 'introductory', 'promotional', 'code', 'win-back'];
const REVOCATIONS: Record<string, string> = {
  REFUND_FULL: 'refund',
  REFUND_PRORATED: 'prorated-refund',
  FAMILY_REVOKE: 'family',
};
const EXPIRATIONS = [undefined, 'cancelled', 'billing', 'price-increase', 'not-for-sale'];
const VERDICTS: (Verdict | undefined)[] = [undefined, 'active', 'expired', 'retry', 'grace', 'revoked'];

const environmentOf = ({ environment }: Verified): Fact['environment'] =>
  environment === 'Production' ? 'production' : 'sandbox';

/** Month of a time, UTC: `2026-11`. */
const monthOf = (ms: number): string => new Date(ms).toISOString().slice(0, 7);

/** Where a payload is kept: with its original transaction, or with the notices of its month. */
export const chainOf = (payload: Verified): string => {
  const original = payload.transaction?.originalTransactionId ?? payload.renewal?.originalTransactionId;
  return `appstore-${environmentOf(payload)}-${original ?? `notices-${monthOf(payload.signed)}`}`;
};

/** A share is in thousandths of a percent. Without a word for why: a family member is not refunded, the one who paid is. */
const revokedOf = (payload: TransactionPayload): Transaction['revoked'] => {
  const { revocationDate, revocationPercentage, revocationType, inAppOwnershipType } = payload;
  if (revocationDate === undefined) return undefined;
  const reason = revocationType || (inAppOwnershipType === 'FAMILY_SHARED' ? 'FAMILY_REVOKE' : 'REFUND_FULL');
  return {
    at: revocationDate,
    ...(revocationPercentage !== undefined && { percent: Math.min(revocationPercentage / 1000, 100) }),
    reason: REVOCATIONS[reason] ?? reason.toLowerCase(),
  };
};

const offerOf = (payload: TransactionPayload): Transaction['offer'] =>
  payload.offerType === undefined
    ? undefined
    : {
        type: OFFERS[payload.offerType] ?? `offer-${payload.offerType}`,
        ...(payload.offerIdentifier && { id: payload.offerIdentifier }),
        ...(payload.offerDiscountType && { discount: payload.offerDiscountType.toLowerCase().replaceAll('_', '-') }),
      };

const commitmentOf = ({ commitmentInfo }: TransactionPayload): Transaction['commitment'] => {
  const { commitmentExpiresDate: until, billingPeriodNumber: period, totalBillingPeriods: of } = commitmentInfo ?? {};
  return until === undefined || !period || !of || period < 1 || of < 1 ? undefined : { until, period, of };
};

/** Undefined when it is of a kind that we do not know. */
const transactionOf = (payload: TransactionPayload): Transaction | undefined => {
  const kind = KINDS[payload.type];
  if (!kind) return undefined;
  const { price, currency, subscriptionGroupIdentifier: group, expiresDate: expires } = payload;
  const account = Transaction.shape.account.safeParse(payload.appAccountToken?.toLowerCase()).data;
  const [revoked, offer, commitment] = [revokedOf(payload), offerOf(payload), commitmentOf(payload)];
  return Transaction.parse({
    id: payload.transactionId,
    product: payload.productId,
    kind,
    ...(group && { group }),
    purchased: payload.purchaseDate,
    ...(expires !== undefined && { expires }),
    quantity: payload.quantity ?? 1,
    ownership: payload.inAppOwnershipType === 'FAMILY_SHARED' ? 'family' : 'own',
    ...(revoked && { revoked }),
    upgraded: payload.isUpgraded ?? false,
    ...(offer && { offer }),
    ...(price !== undefined && currency && { price: { milliunits: Math.round(price), currency } }),
    ...(account && { account }),
    ...(commitment && { commitment }),
    signed: payload.signedDate,
  });
};

const consentOf = (status: number | undefined): Renewal['priceIncrease'] =>
  status === undefined ? undefined : status === 1 ? 'accepted' : 'pending';

const intentOf = (payload: RenewalPayload): Renewal => {
  const { gracePeriodExpiresDate: graceUntil, expirationIntent, commitmentInfo } = payload;
  const priceIncrease = consentOf(payload.priceIncreaseStatus);
  const recommits = commitmentInfo?.commitmentAutoRenewStatus;
  return Renewal.parse({
    product: payload.productId,
    next: payload.autoRenewProductId ?? payload.productId,
    renews: payload.autoRenewStatus === 1,
    retrying: payload.isInBillingRetryPeriod ?? false,
    ...(graceUntil !== undefined && { graceUntil }),
    ...(expirationIntent !== undefined && { expiredBecause: EXPIRATIONS[expirationIntent] ?? 'other' }),
    ...(priceIncrease && { priceIncrease }),
    ...(recommits !== undefined && { recommits: recommits === 1 }),
    signed: payload.signedDate,
  });
};

/** Undefined when nothing in it is about a purchase. */
export const factOf = (payload: Verified): Fact | undefined => {
  const { type, subtype, signed } = payload;
  if (!payload.transaction && !payload.renewal) return undefined;
  const transaction = payload.transaction && transactionOf(payload.transaction);
  const verdict = VERDICTS[payload.verdict ?? 0];
  return {
    store: 'appstore',
    environment: environmentOf(payload),
    purchase: chainOf(payload),
    ...(transaction && { transaction }),
    ...(payload.renewal && { renewal: intentOf(payload.renewal) }),
    ...(verdict && { verdict }),
    what: `${type}${subtype ? ` ${subtype}` : ''}`.slice(0, 256),
    signed,
  };
};
