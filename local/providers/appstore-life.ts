/**
 * A model of the App Store: given what customers do and what time does, it yields what Apple says of it (every type of notification,
 * with its transaction, renewal and verdict) and answers like the App Store Server API. Deterministic: clock and ids are handed in.
 * It signs and sends nothing, and knows nothing of how we read it: so it is the oracle for that.
 */
import { history, standing, statuses, transactionInfo } from './appstore-life-answers.ts';
import { extendAll, externalPurchase, rescindConsent, test } from './appstore-life-notices.ts';
import type { Told } from './appstore-life-payloads.ts';
import { type Ending, end, fail, pass, renewNow } from './appstore-life-periods.ts';
import { advanced, askConsumption, buyOnce, decline, refund, reverse, unshare } from './appstore-life-returns.ts';
import {
  ensure,
  household,
  isSubscription,
  type LifeOptions,
  type Line,
  lineOf,
  type Offer,
  productOf,
  type World,
  willRenew,
} from './appstore-life-state.ts';
import {
  askConsent,
  type Buying,
  change,
  consent,
  extend,
  redeem,
  setRenewing,
  share,
  subscribe,
} from './appstore-life-subscriptions.ts';

export type { Told } from './appstore-life-payloads.ts';
export { Impossible, type LifeOptions, type Offer, type Product } from './appstore-life-state.ts';

type Act = (now: World<Told>) => void;

const acting = (world: World<Told>) => {
  /** What time has brought about comes first. @returns what was told */
  const act = (what: Act): Told[] => {
    const from = world.told.length;
    pass(world);
    what(world);
    return world.told.slice(from);
  };
  /** Who pays for a subscription decides for the family. */
  const on = (original: string, what: (line: Line) => void): Told[] =>
    act(() => {
      const line = lineOf(world, original);
      ensure(isSubscription(line.product), 'it is not a subscription');
      ensure(!line.payer, 'another one of the family pays for it');
      what(line);
    });
  return { act, on };
};

const buying = (world: World<Told>, { act, on }: ReturnType<typeof acting>) => {
  const product = (id: string) => productOf(world, id);
  return {
    buy: ({ product: id, ...how }: Buying & { product: string }) =>
      act(() => (isSubscription(product(id)) ? subscribe : buyOnce)(world, product(id), how)),
    change: (original: string, to: string) => on(original, (line) => change(world, line, product(to))),
    redeem: (original: string, to: string, offer: Offer) =>
      on(original, (line) => redeem(world, line, product(to), offer)),
    cancel: (original: string) => on(original, (line) => setRenewing(world, line, false)),
    resume: (original: string) => on(original, (line) => setRenewing(world, line, true)),
    share: (original: string, customer: string) => act(() => share(world, lineOf(world, original), customer)),
    /** Of the member's own purchase. */
    unshare: (original: string) => act(() => unshare(world, lineOf(world, original))),
    askConsent: (original: string) => on(original, (line) => askConsent(world, line)),
    consent: (original: string) => on(original, (line) => consent(world, line)),
    refund: (transaction: string, percent?: number) => act(() => refund(world, transaction, percent)),
    reverseRefund: (transaction: string) => act(() => reverse(world, transaction)),
    declineRefund: (transaction: string) => act(() => decline(world, transaction)),
    requestConsumption: (transaction: string, reason = 'UNINTENDED_PURCHASE') =>
      act(() => askConsumption(world, transaction, reason)),
  };
};

/** What the store does by itself, on demand: time is not waited for. */
const storekeeping = (world: World<Told>, { act, on }: ReturnType<typeof acting>) => {
  const all = (line: Line, what: (line: Line) => void) => household(world, line).forEach(what);
  const charged = (line: Line) => {
    ensure(
      line.phase === 'retry' || line.phase === 'grace' || (line.phase === 'paid' && willRenew(line)),
      'nothing is due',
    );
    all(line, (each) => renewNow(world, each));
  };
  return {
    /** Nothing but time. */
    pass: () => act(() => undefined),
    card: (customer: string, works: boolean) =>
      act(() => (works ? world.broken.delete(customer) : world.broken.add(customer))),
    /** The next period is charged now; or a failed charge succeeds. */
    renew: (original: string) => on(original, charged),
    /** The period ends now and the next can not be charged. */
    failBilling: (original: string) =>
      on(original, (line) => {
        world.broken.add(line.customer);
        all(line, (each) => fail(world, each));
      }),
    recover: (original: string) =>
      on(original, (line) => {
        ensure(line.phase === 'retry' || line.phase === 'grace', 'no charge failed');
        world.broken.delete(line.customer);
        charged(line);
      }),
    expire: (original: string, why: Ending = 'VOLUNTARY') =>
      on(original, (line) => all(line, (each) => end(world, each, why))),
    extend: (original: string, ms: number) => on(original, (line) => extend(world, line, ms)),
    extendAll: (product: string, ms: number) => act(() => extendAll(world, productOf(world, product), ms)),
    withdraw: (product: string) => act(() => world.withdrawn.add(productOf(world, product).id)),
    advanced: (original: string, type: Parameters<typeof advanced>[2]) =>
      on(original, (line) => advanced(world, line, type)),
    test: () => act(test),
    externalPurchase: (what: Parameters<typeof externalPurchase>[1]) => act(() => externalPurchase(world, what)),
    rescindConsent: () => act(rescindConsent),
  };
};

const asking = (world: World<Told>) => {
  const now = <T>(answer: () => T): T => {
    pass(world);
    return answer();
  };
  return {
    /** Everything that was told, in the order of its signatures. */
    told: (): readonly Told[] => world.told,
    purchases: () => now(() => [...world.lines.values()].map(standing)),
    purchase: (original: string) => now(() => standing(lineOf(world, original))),
    statuses: (transaction: string) => now(() => statuses(world, transaction)),
    history: (transaction: string) => now(() => history(world, transaction)),
    transaction: (id: string) => now(() => transactionInfo(world, id)),
  };
};

export const createLife = (options: LifeOptions) => {
  const world: World<Told> = {
    options,
    lines: new Map(),
    broken: new Set(),
    withdrawn: new Set(),
    told: [],
    clock: 0,
    lastSigned: 0,
    ids: 0,
  };
  const ways = acting(world);
  return { ...buying(world, ways), ...storekeeping(world, ways), ...asking(world) };
};
export type Life = ReturnType<typeof createLife>;
