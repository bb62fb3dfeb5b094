/**
 * What a purchase is: a pure fold over the set of facts that a store signed about it. The same bytes for every order and every
 * repetition of them, because nothing here asks what came first, only what was signed last. Time is not folded in: whether the
 * purchase gives access is asked of the result and a clock.
 */
import { z } from 'zod';
import {
  Commitment,
  type Fact,
  Kind,
  Money,
  Offer,
  Ownership,
  type Renewal,
  Revoked,
  Store,
  StoreEnvironment,
  type Transaction,
  type Verdict,
} from './facts.ts';
import { currentOf, follows, type Known, learn, nothing, renewalOf } from './known.ts';

const Ms = z.int().min(0);

export const Purchase = z.object({
  store: Store,
  environment: StoreEnvironment,
  product: z.string(),
  kind: Kind,
  group: z.string().optional(),
  ownership: Ownership,
  purchased: Ms,
  /** Paid until. Nothing but a subscription must have an end; a non-renewing one is counted by the app. */
  until: Ms.optional(),
  /** The charge failed, and until then the store asks to give access all the same. */
  graceUntil: Ms.optional(),
  retrying: z.boolean(),
  renews: z.boolean(),
  /** Another product that follows at the end of the period. */
  next: z.string().optional(),
  revoked: Revoked.optional(),
  quantity: z.int().min(1),
  /** Units of a consumable that were taken back. */
  refunded: z.int().min(0),
  offer: Offer.optional(),
  price: Money.optional(),
  priceIncrease: z.enum(['pending', 'accepted']).optional(),
  expiredBecause: z.string().optional(),
  /** Promised for longer than it is paid. Access ends with what is paid. */
  commitment: Commitment.extend({ renews: z.boolean() }).optional(),
  /** The current transaction. */
  transaction: z.string(),
  /** The latest signature under what is said here. Stores sign the same again: this alone is no change. */
  signed: Ms,
});
export type Purchase = z.infer<typeof Purchase>;

/** A consumable is not a state to be in: it was handed over. */
export type Status = Verdict | 'consumed';

/** Whole units: of 3, a third that is written as 33.333 % is 1. What is paid back of less than a unit leaves it. */
const unitsBack = ({ quantity, revoked }: Transaction): number =>
  revoked ? Math.floor((quantity * (revoked.percent ?? 100)) / 100 + 0.005) : 0;

const units = ({ transactions }: Known, { kind, quantity }: Transaction): Pick<Purchase, 'quantity' | 'refunded'> => {
  if (kind !== 'consumable') return { quantity, refunded: 0 };
  const all = [...transactions.values()].map(({ newest }) => newest);
  const sum = (of: (each: Transaction) => number) => all.reduce((total, each) => total + of(each), 0);
  return { quantity: sum((each) => each.quantity), refunded: sum(unitsBack) };
};

/** What follows at the end of the period. A subscription of which nothing else is known renews. */
const intentOf = ({ kind, product }: Transaction, renewal: Renewal | undefined) => {
  const renews = renewal?.renews ?? kind === 'subscription';
  const { retrying = false, graceUntil, next, priceIncrease, expiredBecause } = renewal ?? {};
  return {
    renews,
    retrying,
    ...(retrying && graceUntil !== undefined && { graceUntil }),
    ...(renews && next !== undefined && next !== product && { next }),
    ...(priceIncrease && { priceIncrease }),
    ...(expiredBecause && { expiredBecause }),
  };
};

const conclude = (known: Known): Purchase | undefined => {
  const current = currentOf(known);
  if (!current || !known.of) return undefined;
  const { id, expires, account: _, upgraded: __, commitment, signed, ...transaction } = current.newest;
  const renewal = renewalOf(known, current);
  const intent = intentOf(current.newest, renewal);
  return {
    store: known.of.store,
    environment: known.of.environment,
    ...transaction,
    ...(expires !== undefined && { until: expires }),
    ...intent,
    ...(commitment && { commitment: { ...commitment, renews: renewal?.recommits ?? intent.renews } }),
    ...units(known, current.newest),
    transaction: id,
    signed: Math.max(signed, renewal?.signed ?? 0),
  };
};

/** The same result for every order and every repetition; undefined when no transaction is among them. */
export const fold = (facts: readonly Fact[]): Purchase | undefined => {
  const known = nothing();
  for (const fact of facts) learn(known, fact);
  return conclude(known);
};

/** Until when it gives access, as far as is known: 0 for what gives none, undefined for what has no end. */
export const entitledUntil = ({ kind, until, graceUntil, revoked }: Purchase): number | undefined => {
  if (kind === 'consumable') return 0;
  // A subscription without an end would be a mistake of the store's, and a gift of ours.
  const paid = until ?? (kind === 'subscription' ? 0 : Number.POSITIVE_INFINITY);
  const end = Math.min(Math.max(paid, graceUntil ?? 0), revoked?.at ?? Number.POSITIVE_INFINITY);
  return end === Number.POSITIVE_INFINITY ? undefined : end;
};

export const isEntitled = (purchase: Purchase, now: number): boolean => {
  const until = entitledUntil(purchase);
  return until === undefined || now < until;
};

export const statusAt = (purchase: Purchase, now: number): Status => {
  const { kind, until = 0, revoked, retrying, quantity, refunded } = purchase;
  if (kind === 'consumable') return refunded >= quantity ? 'revoked' : 'consumed';
  if (revoked && revoked.at <= now) return 'revoked';
  if (isEntitled(purchase, now)) return kind === 'subscription' && now >= until ? 'grace' : 'active';
  return retrying ? 'retry' : 'expired';
};

/** The account that our app named in the last transaction that names one; what a family shares binds nobody. */
export const accountOf = (facts: readonly Fact[]): string | undefined => {
  const known = nothing();
  for (const fact of facts) learn(known, fact);
  const named = [...known.transactions.values()]
    .map(({ newest }) => newest)
    .filter(({ account, ownership }) => account !== undefined && ownership === 'own');
  return named.reduce<Transaction | undefined>((a, b) => (a && follows(a, b) ? a : b), undefined)?.account;
};

export type Disagreement = { signed: number; ours: Status | 'nothing'; theirs: Verdict };

/** Where the store itself saw it differently: our status when it signed, from all that was signed until then, beside its own. */
export const disagreements = (facts: readonly Fact[]): Disagreement[] => {
  const bySignature = Map.groupBy(facts, ({ signed }) => signed);
  const known = nothing();
  return [...bySignature.keys()]
    .sort((a, b) => a - b)
    .flatMap((signed) => {
      const together = bySignature.get(signed) ?? [];
      for (const fact of together) learn(known, fact);
      const purchase = conclude(known);
      const ours = purchase ? statusAt(purchase, signed) : 'nothing';
      const verdicts = new Set(together.flatMap(({ verdict }) => verdict ?? []));
      return [...verdicts].sort().flatMap((theirs) => (theirs === ours ? [] : [{ signed, ours, theirs }]));
    });
};
