import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { chainOf, factOf } from '../../functions/purchases/appstore-facts.ts';
import {
  type Environment,
  NotificationPayload,
  RenewalPayload,
  TransactionPayload,
} from '../../functions/purchases/appstore-payload.ts';
import { Fact } from '../../functions/purchases/facts.ts';
import { fold } from '../../functions/purchases/purchase.ts';

const AT = Date.UTC(2026, 10, 23);
const ACCOUNT = '3F2504E0-4F89-41D3-9A0C-0305E82C3301';

const bare = {
  transactionId: '2000000000012',
  originalTransactionId: '2000000000011',
  bundleId: 'app.example',
  productId: 'gold',
  type: 'Auto-Renewable Subscription',
  environment: 'Sandbox',
  purchaseDate: AT,
  expiresDate: AT + 1000,
  signedDate: AT + 5,
};
const renewing = {
  originalTransactionId: '2000000000011',
  productId: 'gold',
  environment: 'Sandbox',
  autoRenewStatus: 1,
  signedDate: AT + 4,
};
type Fields = Record<string, unknown>;
const fact = (transaction: Fields = {}, renewal?: Fields, verdict?: number) =>
  factOf({
    signed: AT + 9,
    environment: 'Sandbox',
    type: 'DID_RENEW',
    verdict,
    transaction: TransactionPayload.parse({ ...bare, ...transaction }),
    renewal: renewal && RenewalPayload.parse({ ...renewing, ...renewal }),
  });

describe('a payload of the App Store as a fact', () => {
  test('says everything in our words', () =>
    expect(
      fact(
        {
          subscriptionGroupIdentifier: '21',
          quantity: 1,
          inAppOwnershipType: 'PURCHASED',
          appAccountToken: ACCOUNT,
          price: 9990,
          currency: 'USD',
          offerType: 4,
          offerIdentifier: 'COME_BACK',
          offerDiscountType: 'PAY_UP_FRONT',
          revocationDate: AT + 3,
          revocationType: 'REFUND_PRORATED',
          revocationPercentage: 33_333,
          billingPlanType: 'MONTHLY',
          commitmentInfo: { billingPeriodNumber: 2, totalBillingPeriods: 12, commitmentExpiresDate: AT + 9000 },
        },
        {
          autoRenewProductId: 'silver',
          isInBillingRetryPeriod: true,
          gracePeriodExpiresDate: AT + 2000,
          expirationIntent: 2,
          priceIncreaseStatus: 0,
          commitmentInfo: { commitmentAutoRenewStatus: 0 },
        },
        4,
      ),
    ).toEqual({
      store: 'appstore',
      environment: 'sandbox',
      purchase: 'appstore-sandbox-2000000000011',
      transaction: {
        id: '2000000000012',
        product: 'gold',
        kind: 'subscription',
        group: '21',
        purchased: AT,
        expires: AT + 1000,
        quantity: 1,
        ownership: 'own',
        upgraded: false,
        revoked: { at: AT + 3, percent: 33.333, reason: 'prorated-refund' },
        offer: { type: 'win-back', id: 'COME_BACK', discount: 'pay-up-front' },
        price: { milliunits: 9990, currency: 'USD' },
        account: ACCOUNT.toLowerCase(),
        commitment: { until: AT + 9000, period: 2, of: 12 },
        signed: AT + 5,
      },
      renewal: {
        product: 'gold',
        next: 'silver',
        renews: true,
        retrying: true,
        graceUntil: AT + 2000,
        expiredBecause: 'billing',
        priceIncrease: 'pending',
        recommits: false,
        signed: AT + 4,
      },
      verdict: 'grace',
      what: 'DID_RENEW',
      signed: AT + 9,
    }));

  test('needs no more than Apple always says', () => {
    const small = fact();
    expect(small).toEqual(Fact.parse(small));
    expect(small?.transaction).toMatchObject({ quantity: 1, ownership: 'own', upgraded: false });
    expect(fact({}, {})?.renewal).toMatchObject({ next: 'gold', renews: true, retrying: false });
    expect(fact({}, { autoRenewStatus: undefined })?.renewal?.renews).toBe(false);
  });

  test.each([
    ['Auto-Renewable Subscription', 'subscription'],
    ['Non-Renewing Subscription', 'non-renewing'],
    ['Non-Consumable', 'lasting'],
    ['Consumable', 'consumable'],
  ])('%s is of the kind %s', (type, kind) => expect(fact({ type })?.transaction?.kind).toBe(kind));

  test('of an unknown kind of product is kept, and gives nothing', () => {
    const unknown = fact({ type: 'Lease' }, {}, 1);
    expect(unknown).toMatchObject({ purchase: 'appstore-sandbox-2000000000011', verdict: 'active' });
    expect(fold([unknown].flatMap((each) => each ?? []))).toBeUndefined();
  });

  test.each([
    ['an account that is no UUID', { appAccountToken: 'ada' }, 'account', undefined],
    ['a price without its currency', { price: 5 }, 'price', undefined],
    ['half of a commitment', { commitmentInfo: { billingPeriodNumber: 2 } }, 'commitment', undefined],
    [
      'a commitment of nothing',
      { commitmentInfo: { billingPeriodNumber: 0, totalBillingPeriods: 0, commitmentExpiresDate: AT } },
      'commitment',
      undefined,
    ],
    ['a new kind of offer', { offerType: 9 }, 'offer', { type: 'offer-9' }],
    ['a family', { inAppOwnershipType: 'FAMILY_SHARED' }, 'ownership', 'family'],
    ['a refund without a word', { revocationDate: AT }, 'revoked', { at: AT, reason: 'refund' }],
    [
      'a family that shares no more',
      { revocationDate: AT, inAppOwnershipType: 'FAMILY_SHARED' },
      'revoked',
      { at: AT, reason: 'family' },
    ],
    [
      'a new reason to revoke',
      { revocationDate: AT, revocationType: 'ASSIGNMENT_REVOKE', revocationPercentage: 100_001 },
      'revoked',
      { at: AT, percent: 100, reason: 'assignment_revoke' },
    ],
  ] as const)('takes %s', (_, fields, name, expected) => {
    const taken = fact(fields);
    expect(taken).toEqual(Fact.parse(taken));
    expect(taken?.transaction?.[name]).toEqual(expected);
  });

  test.each([
    [1, 'active'],
    [2, 'expired'],
    [3, 'retry'],
    [4, 'grace'],
    [5, 'revoked'],
    [0, undefined],
    [6, undefined],
    [undefined, undefined],
  ])('takes the verdict %s as %s', (status, verdict) => expect(fact({}, {}, status)?.verdict).toBe(verdict));

  test('belongs to its original transaction in its environment, or to the notices of its month', () => {
    const chain = (environment: Environment, transaction?: Fields, renewal?: Fields) =>
      chainOf({
        signed: Date.UTC(2026, 11, 31, 23, 59, 59, 999),
        environment,
        type: 'NEW',
        transaction: transaction && TransactionPayload.parse({ ...bare, ...transaction }),
        renewal: renewal && RenewalPayload.parse({ ...renewing, ...renewal }),
      });
    expect(chain('Production', {})).toBe('appstore-production-2000000000011');
    expect(chain('Sandbox', undefined, {})).toBe('appstore-sandbox-2000000000011');
    expect(chain('Sandbox')).toBe('appstore-sandbox-notices-2026-12');
    expect(factOf({ signed: AT, environment: 'Sandbox', type: 'TEST' })).toBeUndefined();
  });
});

describe('the shape of what is signed', () => {
  const notification = { notificationType: 'TEST', notificationUUID: 'u-1', signedDate: AT };
  const data = { bundleId: 'app.example', environment: 'Sandbox' };
  const token = { bundleId: 'app.example', externalPurchaseId: 'SANDBOX_1' };

  test('lets new words pass and leaves out what nobody knows', () =>
    expect(
      NotificationPayload.parse({
        ...notification,
        notificationType: 'BRAND_NEW',
        subtype: 'TOO',
        data,
        more: { a: 1 },
      }),
    ).toEqual({ ...notification, notificationType: 'BRAND_NEW', subtype: 'TOO', data }));

  test.each([
    ['no body', {}],
    ['two bodies', { data, externalPurchaseToken: token }],
    ['no type', { data, notificationType: undefined }],
    ['no id', { data, notificationUUID: undefined }],
    ['an id that would be another key', { data, notificationUUID: 'u#1' }],
    ['an unknown environment', { data: { ...data, environment: 'Moon' } }],
    ['a signature beyond all dates', { data, signedDate: 8.64e15 + 1 }],
    ['a signature at half a millisecond', { data, signedDate: AT + 0.5 }],
    ['a signature before 1970', { data, signedDate: -1 }],
    ['a signature in words', { data, signedDate: '2026-11-23' }],
  ])('a notification with %s is refused', (_, fields) =>
    expect(NotificationPayload.safeParse({ ...notification, ...fields }).success).toBe(false),
  );

  test.each([
    ['no original', { originalTransactionId: undefined }],
    ['an original that would be another key', { originalTransactionId: '1#2' }],
    ['an end beyond all dates', { expiresDate: 9e15 }],
    ['no product', { productId: '' }],
    ['none of it', { quantity: 0 }],
    ['a revocation in the past of time', { revocationDate: -5 }],
  ])('a transaction with %s is refused', (_, fields) =>
    expect(TransactionPayload.safeParse({ ...bare, ...fields }).success).toBe(false),
  );
});

describe('what every store shares', () => {
  test.each(['facts.ts', 'purchase.ts', 'known.ts'])('%s has no word of one store', (name) => {
    const text = readFileSync(new URL(`../../functions/purchases/${name}`, import.meta.url), 'utf8');
    const said = text.replace("z.enum(['appstore'])", '').match(/app ?store|apple|jws|storekit|google|play\b/gi);
    expect(said).toBeNull();
  });
});
