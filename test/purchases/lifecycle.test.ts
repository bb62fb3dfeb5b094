import { NotificationTypeV2, Subtype } from '@apple/app-store-server-library';
import { describe, expect, test } from 'vitest';
import { chainOf } from '../../functions/purchases/appstore-facts.ts';
import { type Fact, Fact as FactSchema } from '../../functions/purchases/facts.ts';
import { disagreements, fold, isEntitled, type Status, statusAt } from '../../functions/purchases/purchase.ts';
import type { Life, Told } from '../../local/providers/appstore-life.ts';
import { DAY, factsOf, lifeAt, verifiedOf } from './lives.ts';

type Stage = { life: Life; clock: { now: number }; original: string; charge: () => string };
type Act = (stage: Stage) => unknown;
type Stands = 'none' | Status;

const stageOf = (): Stage => {
  const { life, clock } = lifeAt();
  return { life, clock, original: '', charge: () => '' };
};

const buy =
  (product: string, quantity = 1, customer = 'ada'): Act =>
  (stage) => {
    const told = stage.life.buy({ product, customer, quantity });
    stage.original = told[0]?.data?.transaction?.originalTransactionId ?? '';
    stage.charge = () => stage.life.purchase(stage.original).transaction;
  };
const after =
  (days: number, then: Act = ({ life }) => life.pass()): Act =>
  (stage) => {
    stage.clock.now += days * DAY;
    then(stage);
  };
const all =
  (...acts: Act[]): Act =>
  (stage) =>
    void acts.map((act) => act(stage));

const cancel: Act = ({ life, original }) => life.cancel(original);
const refund =
  (percent?: number): Act =>
  ({ life, charge }) =>
    life.refund(charge(), percent);
const change =
  (to: string): Act =>
  ({ life, original }) =>
    life.change(original, to);
const redeem =
  (to: string): Act =>
  ({ life, original }) =>
    life.redeem(original, to, { type: 3, id: 'SUMMER' });
const brokenCard: Act = ({ life }) => life.card('ada', false);
const recover: Act = ({ life, original }) => life.recover(original);
/** What follows is about the member's own purchase. */
const share =
  (member = 'eve'): Act =>
  (stage) => {
    stage.original = stage.life.share(stage.original, member)[0]?.data?.transaction?.originalTransactionId ?? '';
  };
/** Without a grace period. */
const failing = all(buy('silver'), brokenCard, after(30));
const graceful = all(buy('gold'), brokenCard, after(30));

type Row = [pair: string, before: Act, act: Act, from: Stands, to: Stands, verdict?: Status];
/** Every pair of type and subtype: what came before, what brings it about, how the purchase stands before and after, Apple's verdict. */
const rows: Row[] = [
  ['SUBSCRIBED INITIAL_BUY', () => undefined, buy('gold'), 'none', 'active', 'active'],
  ['SUBSCRIBED INITIAL_BUY', buy('gold'), share(), 'none', 'active', 'active'],
  ['SUBSCRIBED RESUBSCRIBE', all(buy('gold'), cancel, after(40)), buy('gold'), 'expired', 'active', 'active'],
  ['SUBSCRIBED RESUBSCRIBE', all(buy('gold'), after(5), refund()), buy('silver'), 'revoked', 'active', 'active'],
  ['DID_CHANGE_RENEWAL_PREF UPGRADE', all(buy('gold'), after(9)), change('platinum'), 'active', 'active', 'active'],
  ['DID_CHANGE_RENEWAL_PREF DOWNGRADE', all(buy('gold'), after(9)), change('silver'), 'active', 'active', 'active'],
  ['DID_CHANGE_RENEWAL_PREF', all(buy('gold'), change('silver')), change('gold'), 'active', 'active', 'active'],
  [
    'DID_CHANGE_RENEWAL_STATUS AUTO_RENEW_ENABLED',
    all(buy('gold'), cancel),
    ({ life, original }) => life.resume(original),
    'active',
    'active',
    'active',
  ],
  ['DID_CHANGE_RENEWAL_STATUS AUTO_RENEW_DISABLED', buy('gold'), cancel, 'active', 'active', 'active'],
  ['OFFER_REDEEMED UPGRADE', buy('gold'), redeem('platinum'), 'active', 'active', 'active'],
  ['OFFER_REDEEMED DOWNGRADE', buy('gold'), redeem('silver'), 'active', 'active', 'active'],
  ['OFFER_REDEEMED', buy('gold'), redeem('gold'), 'active', 'active', 'active'],
  ['DID_RENEW', all(buy('gold'), after(20)), after(10.001), 'active', 'active', 'active'],
  ['DID_RENEW BILLING_RECOVERY', all(failing, after(3)), recover, 'retry', 'active', 'active'],
  ['DID_RENEW BILLING_RECOVERY', all(graceful, after(3)), recover, 'grace', 'active', 'active'],
  ['EXPIRED VOLUNTARY', all(buy('gold'), cancel, after(20)), after(10.001), 'active', 'expired', 'expired'],
  ['EXPIRED BILLING_RETRY', all(failing, after(30)), after(31), 'retry', 'expired', 'expired'],
  [
    'EXPIRED PRICE_INCREASE',
    all(buy('gold'), ({ life, original }) => life.askConsent(original)),
    after(30.001),
    'active',
    'expired',
    'expired',
  ],
  [
    'EXPIRED PRODUCT_NOT_FOR_SALE',
    all(buy('gold'), ({ life }) => life.withdraw('gold')),
    after(30.001),
    'active',
    'expired',
    'expired',
  ],
  [
    'EXPIRED',
    buy('gold'),
    after(1, ({ life, original }) => life.expire(original, 'OTHER')),
    'active',
    'expired',
    'expired',
  ],
  ['DID_FAIL_TO_RENEW GRACE_PERIOD', all(buy('gold'), brokenCard, after(29)), after(1.001), 'active', 'grace', 'grace'],
  ['DID_FAIL_TO_RENEW', all(buy('silver'), brokenCard, after(29)), after(1.001), 'active', 'retry', 'retry'],
  ['GRACE_PERIOD_EXPIRED', all(graceful, after(5)), after(1.001), 'grace', 'retry', 'retry'],
  [
    'PRICE_INCREASE PENDING',
    buy('gold'),
    ({ life, original }) => life.askConsent(original),
    'active',
    'active',
    'active',
  ],
  [
    'PRICE_INCREASE ACCEPTED',
    all(buy('gold'), ({ life, original }) => life.askConsent(original)),
    ({ life, original }) => life.consent(original),
    'active',
    'active',
    'active',
  ],
  ['REFUND', all(buy('gold'), after(9)), refund(), 'active', 'revoked', 'revoked'],
  ['REFUND', all(buy('gold'), after(9)), refund(60), 'active', 'revoked', 'revoked'],
  ['REFUND', buy('coins', 3), refund(), 'consumed', 'revoked'],
  ['REFUND', buy('coins', 3), refund(33.333), 'consumed', 'consumed'],
  ['REFUND', buy('season'), refund(), 'active', 'revoked'],
  ['REFUND_DECLINED', buy('gold'), ({ life, charge }) => life.declineRefund(charge()), 'active', 'active', 'active'],
  [
    'REFUND_REVERSED',
    all(buy('gold'), after(9), refund(), after(1)),
    ({ life, charge }) => life.reverseRefund(charge()),
    'revoked',
    'active',
    'active',
  ],
  [
    'REFUND_REVERSED',
    all(buy('gold'), after(9), refund(), after(60)),
    ({ life, charge }) => life.reverseRefund(charge()),
    'revoked',
    'expired',
    'expired',
  ],
  [
    'CONSUMPTION_REQUEST',
    buy('coins'),
    ({ life, charge }) => life.requestConsumption(charge()),
    'consumed',
    'consumed',
  ],
  [
    'RENEWAL_EXTENDED',
    buy('gold'),
    ({ life, original }) => life.extend(original, 14 * DAY),
    'active',
    'active',
    'active',
  ],
  ['RENEWAL_EXTENSION SUMMARY', buy('gold'), ({ life }) => life.extendAll('gold', DAY), 'active', 'active'],
  ['RENEWAL_EXTENSION FAILURE', failing, ({ life }) => life.extendAll('silver', DAY), 'retry', 'retry', 'retry'],
  [
    'REVOKE',
    all(buy('gold'), share()),
    after(2, ({ life, original }) => life.unshare(original)),
    'active',
    'revoked',
    'revoked',
  ],
  ['REVOKE', all(buy('unlock'), share()), ({ life, original }) => life.unshare(original), 'active', 'revoked'],
  ['ONE_TIME_CHARGE', () => undefined, buy('coins', 5), 'none', 'consumed'],
  ['ONE_TIME_CHARGE', () => undefined, buy('unlock'), 'none', 'active'],
  ['ONE_TIME_CHARGE', () => undefined, buy('season'), 'none', 'active'],
  ['ONE_TIME_CHARGE', buy('unlock'), share(), 'none', 'active'],
  ...(['CREATED', 'ACTIVE_TOKEN_REMINDER', 'UNREPORTED'] as const).map(
    (what): Row => [
      `EXTERNAL_PURCHASE_TOKEN ${what}`,
      buy('gold'),
      ({ life }) => life.externalPurchase(what),
      'active',
      'active',
    ],
  ),
  ['RESCIND_CONSENT', buy('gold'), ({ life }) => life.rescindConsent(), 'active', 'active'],
  ...(['METADATA_UPDATE', 'MIGRATION', 'PRICE_CHANGE'] as const).map(
    (type): Row => [
      type,
      buy('gold'),
      ({ life, original }) => life.advanced(original, type),
      'active',
      'active',
      'active',
    ],
  ),
  ['TEST', buy('gold'), ({ life }) => life.test(), 'active', 'active'],
];

const pairOf = ({ notificationType, subtype }: Told): string => [notificationType, subtype].filter(Boolean).join(' ');
const standingAt = (facts: readonly Fact[], at: number): Stands => {
  const purchase = fold(facts);
  return purchase ? statusAt(purchase, at) : 'none';
};
const gives = (facts: readonly Fact[], at: number): boolean => {
  const purchase = fold(facts);
  return purchase !== undefined && isEntitled(purchase, at);
};

describe('every type and subtype of notification', () => {
  test.each(rows)('%s', (pair, before, act, from, to, verdict) => {
    const stage = stageOf();
    before(stage);
    const earlier = stage.life.told().length;
    act(stage);
    const news = stage.life.told().slice(earlier);
    const told = news.find((each) => pairOf(each) === pair);
    if (!told) throw new Error(`told were: ${news.map(pairOf).join(', ')}`);

    const chain = `appstore-production-${stage.original}`;
    const known = factsOf(stage.life.told()).filter(({ purchase }) => purchase === chain);
    const [past, present] = [
      known.filter(({ signed }) => signed < told.signedDate),
      known.filter(({ signed }) => signed <= told.signedDate),
    ];
    const at = told.signedDate;
    expect([standingAt(past, at - 1), standingAt(present, at)]).toEqual([from, to]);
    const access = ['active', 'grace'];
    expect([gives(past, at - 1), gives(present, at)]).toEqual([access.includes(from), access.includes(to)]);
    expect(verifiedOf(told).verdict).toBe({ active: 1, expired: 2, retry: 3, grace: 4, revoked: 5 }[verdict as string]);
    expect(disagreements(known)).toEqual([]);
    for (const fact of known) expect(FactSchema.parse(fact)).toEqual(fact);
  });

  test('is in the table: 39 pairs, every type and every subtype that Apple names', () => {
    const pairs = new Set(rows.map(([pair]) => pair));
    const words = new Set([...pairs].flatMap((pair) => pair.split(' ')));
    expect(pairs.size).toBe(39);
    expect(
      [...Object.values(NotificationTypeV2), ...Object.values(Subtype)].filter((word) => !words.has(word)),
    ).toEqual([]);
  });

  test('about no purchase is kept with the notices of its month', () => {
    const { life } = lifeAt(Date.UTC(2026, 10, 30, 23, 59));
    const told = [life.test(), life.externalPurchase('CREATED'), life.rescindConsent(), life.extendAll('gold', DAY)];
    expect(told.flat().map((each) => chainOf(verifiedOf(each)))).toEqual(
      Array(4).fill('appstore-production-notices-2026-11'),
    );
    expect(factsOf(told.flat())).toEqual([]);
  });
});
