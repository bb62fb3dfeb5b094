/** Generated lives of customers of the model App Store, and the facts that its payloads become. */
import fc from 'fast-check';
import { factOf } from '../../functions/purchases/appstore-facts.ts';
import { NotificationPayload, RenewalPayload, TransactionPayload } from '../../functions/purchases/appstore-payload.ts';
import type { Fact } from '../../functions/purchases/facts.ts';
import { createLife, Impossible, type Life, type Product, type Told } from '../../local/providers/appstore-life.ts';

export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;
export const START = Date.UTC(2026, 0, 1);

const month = { type: 'Auto-Renewable Subscription', group: 'club', period: 30 * DAY, family: true } as const;
export const PRODUCTS: readonly Product[] = [
  { id: 'gold', ...month, level: 2, price: 9_990, grace: 6 * DAY },
  { id: 'platinum', ...month, level: 1, price: 19_990, grace: 16 * DAY },
  { id: 'silver', ...month, level: 3, price: 4_990 },
  { id: 'year', ...month, level: 2, price: 7_990, promise: 12 },
  { id: 'news', type: 'Auto-Renewable Subscription', group: 'news', period: 7 * DAY, level: 1, price: 990 },
  { id: 'coins', type: 'Consumable', price: 1_990 },
  { id: 'unlock', type: 'Non-Consumable', price: 29_990, family: true },
  { id: 'season', type: 'Non-Renewing Subscription', price: 5_990 },
];

/** The same ids and times in every run. */
export const lifeAt = (start = START, environment: 'Production' | 'Sandbox' = 'Production') => {
  const clock = { now: start };
  let uuids = 0;
  const life = createLife({
    bundleId: 'app.example',
    appAppleId: 1234,
    environment,
    products: PRODUCTS,
    now: () => clock.now,
    uuid: () => `00000000-0000-4000-8000-${String(++uuids).padStart(12, '0')}`,
  });
  return { life, clock };
};

/** As if signed, verified and read again: what is not in our schemas is gone. */
export const verifiedOf = ({ data, ...told }: Told) => {
  const { transaction, renewal, ...rest } = data ?? {};
  const payload = NotificationPayload.parse({ ...told, ...(data && { data: rest }) });
  return {
    signed: payload.signedDate,
    environment: payload.data?.environment ?? payload.summary?.environment ?? ('Production' as const),
    type: payload.notificationType,
    subtype: payload.subtype,
    verdict: payload.data?.status,
    transaction: transaction && TransactionPayload.parse(transaction),
    renewal: renewal && RenewalPayload.parse(renewal),
  };
};

export const factsOf = (told: readonly Told[]): Fact[] => told.flatMap((each) => factOf(verifiedOf(each)) ?? []);

/** As a device hands it in: a transaction and nothing else. */
export const handedIn = (life: Life, id: string): Fact[] => {
  const transaction = TransactionPayload.parse(life.transaction(id));
  const { signedDate: signed, environment } = transaction;
  return [factOf({ signed, environment, type: 'TRANSACTION', transaction }) ?? []].flat();
};

/** As Get All Subscription Statuses says it. */
export const asked = (life: Life, id: string): Fact[] =>
  life.statuses(id).flatMap(({ lastTransactions }) =>
    lastTransactions.flatMap((last) => {
      const transaction = TransactionPayload.parse(last.transaction);
      const renewal = RenewalPayload.parse(last.renewal);
      const signed = Math.max(transaction.signedDate, renewal.signedDate);
      const { environment } = transaction;
      return factOf({ signed, environment, type: 'STATUS', verdict: last.status, transaction, renewal }) ?? [];
    }),
  );

export const chainsOf = (facts: readonly Fact[]): Map<string, Fact[]> => Map.groupBy(facts, ({ purchase }) => purchase);

const WAITS = ['none', 'minute', 'day', 'week', 'month', 'before the end', 'after the end'] as const;
const waited = (wait: (typeof WAITS)[number], now: number, end: number): number => {
  const ends = end > now && Number.isFinite(end);
  if (wait === 'before the end') return ends ? end - 5 * HOUR : now + DAY;
  if (wait === 'after the end') return ends ? end + HOUR : now + DAY;
  return now + { none: 0, minute: 60_000, day: DAY, week: 7 * DAY, month: 31 * DAY }[wait];
};

type Picked = { original: string; charge: string; product: string; customer: string };
const percents = [25, 50, 99.5];
const ACTS: Record<string, (life: Life, picked: Picked, n: number) => unknown> = {
  buy: (life, { product, customer }, n) =>
    life.buy({ product, customer, quantity: 1 + (n % 3), ...(n % 2 && { account: accountOfCustomer(customer) }) }),
  introductory: (life, { product, customer }) =>
    life.buy({ product, customer, offer: { type: 1, discount: 'FREE_TRIAL' } }),
  change: (life, { original, product }) => life.change(original, product),
  redeem: (life, { original, product }) => life.redeem(original, product, { type: 3, id: 'SUMMER' }),
  cancel: (life, { original }) => life.cancel(original),
  resume: (life, { original }) => life.resume(original),
  renew: (life, { original }) => life.renew(original),
  failBilling: (life, { original }) => life.failBilling(original),
  recover: (life, { original }) => life.recover(original),
  brokenCard: (life, { customer }) => life.card(customer, false),
  goodCard: (life, { customer }) => life.card(customer, true),
  expire: (life, { original }) => life.expire(original, 'OTHER'),
  refund: (life, { charge }) => life.refund(charge),
  refundSome: (life, { charge }, n) => life.refund(charge, percents[n % percents.length]),
  reverse: (life, { charge }) => life.reverseRefund(charge),
  decline: (life, { charge }) => life.declineRefund(charge),
  consumption: (life, { charge }) => life.requestConsumption(charge),
  share: (life, { original }, n) => life.share(original, ['eve', 'kim'][n % 2] ?? 'eve'),
  unshare: (life, { original }) => life.unshare(original),
  askConsent: (life, { original }) => life.askConsent(original),
  consent: (life, { original }) => life.consent(original),
  extend: (life, { original }, n) => life.extend(original, (1 + (n % 20)) * DAY),
  extendAll: (life, { product }) => life.extendAll(product, DAY),
  advanced: (life, { original }) => life.advanced(original, 'PRICE_CHANGE'),
  withdraw: (life, { product }) => life.withdraw(product),
};
export const accountOfCustomer = (customer: string): string =>
  `00000000-0000-4000-8000-${Buffer.from(customer.padEnd(6)).toString('hex')}`;

export type Step = { act: string; wait: (typeof WAITS)[number]; line: number; charge: number; n: number };
const number = fc.nat({ max: 1000 });
const Step: fc.Arbitrary<Step> = fc.record({
  act: fc.constantFrom(
    ...Object.keys(ACTS),
    'device',
    'statuses',
    'buy',
    'buy',
    'renew',
    'refund',
    'reverse',
    'change',
  ),
  wait: fc.constantFrom(...WAITS),
  line: number,
  charge: number,
  n: number,
});
export const Steps = fc.array(Step, { minLength: 6, maxLength: 30, size: 'max' });

/** How the store itself saw a purchase at a time. */
export type Seen = ReturnType<Life['purchase']> & { at: number };

const attempt = (what: () => unknown): boolean => {
  try {
    what();
    return true;
  } catch (error) {
    if (!(error instanceof Impossible)) throw error;
    return false;
  }
};

/** On the first purchase from the one picked on to which it can happen; perhaps to none. */
const happen = (life: Life, { act, line, charge, n }: Step, facts: Fact[]): void => {
  const all = life.purchases();
  for (let i = 0; i < all.length; i++) {
    const one = all[(line + i) % all.length];
    if (!one) return;
    const { original, transaction } = one;
    const own = life.history(transaction).filter((each) => each.originalTransactionId === original);
    const { transactionId = '' } = own.at(-1 - (charge % Math.min(own.length, 3))) ?? {};
    const group = PRODUCTS.filter((each) => act === 'buy' || each.group === groupOf(one.product));
    const product = group[n % group.length]?.id ?? 'gold';
    const customer = line % 4 === 0 ? 'ben' : one.customer;
    const done = attempt(() => {
      if (act === 'device') facts.push(...handedIn(life, transactionId));
      else if (act === 'statuses') facts.push(...asked(life, transactionId));
      else ACTS[act]?.(life, { original, charge: transactionId, product, customer }, n);
    });
    if (done) return;
  }
};
const groupOf = (id: string) => PRODUCTS.find((each) => each.id === id)?.group;

/** A life as it went: what was signed, and how things stood after each step. What can not happen did not. */
export const live = (steps: readonly Step[]): { facts: Fact[]; seen: Seen[] } => {
  const { life, clock } = lifeAt();
  const [facts, seen]: [Fact[], Seen[]] = [[], []];
  let told = 0;
  life.buy({ product: 'gold', customer: 'ada', account: accountOfCustomer('ada') });
  for (const step of steps) {
    const all = life.purchases();
    clock.now = waited(step.wait, clock.now, all[step.line % all.length]?.expires ?? 0);
    happen(life, step, facts);
    const news = life.told();
    facts.push(...factsOf(news.slice(told)));
    told = news.length;
    const at = Math.max(clock.now, ...facts.map(({ signed }) => signed));
    seen.push(...life.purchases().map((each) => ({ ...each, at })));
  }
  return { facts, seen };
};
