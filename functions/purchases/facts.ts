/**
 * What a store signed about a purchase, in our words: one fact per verified payload. The words are the same for every store, so that
 * what follows from them (purchase.ts) is written once. Everything is data of the payload; nothing says when it reached us.
 */
import { z } from 'zod';

/** Milliseconds since 1970 that a Date can hold. */
const Ms = z.int().min(0).max(8.64e15);
const Name = z.string().min(1).max(255);
const Code = z.string().min(1).max(512);

/** Thousandths of the currency's unit. */
export const Money = z.object({ milliunits: z.int(), currency: z.string().min(1).max(16) });
export const Offer = z.object({ type: Code, id: Code.optional(), discount: Code.optional() });

/** Taken back by the store. `percent` of the price was paid back; 100 when it does not say. */
export const Revoked = z.object({
  at: Ms,
  percent: z.number().min(0).max(100).optional(),
  reason: Code.optional(),
});

/** A long promise that is paid in short periods: this is period `period` of `of`, and the promise ends at `until`. */
export const Commitment = z.object({ until: Ms, period: z.int().min(1), of: z.int().min(1) });

export const Kind = z.enum(['subscription', 'non-renewing', 'lasting', 'consumable']);
export const Ownership = z.enum(['own', 'family']);
export const Store = z.enum(['appstore']);
export const StoreEnvironment = z.enum(['production', 'sandbox']);

/** One charge (or one gift) and what it gives. Of two statements about the same one, the later signed holds. */
export const Transaction = z.object({
  id: Name,
  product: Name,
  kind: Kind,
  group: Code.optional(),
  purchased: Ms,
  /** Paid until. A subscription has it; what else has none lasts until it is taken back. */
  expires: Ms.optional(),
  quantity: z.int().min(1),
  ownership: Ownership,
  revoked: Revoked.optional(),
  /** Another one of the same purchase took its place before its end. */
  upgraded: z.boolean(),
  offer: Offer.optional(),
  price: Money.optional(),
  /** The account that our app named when it bought: an opaque UUID of ours. */
  account: z.guid().lowercase().optional(),
  commitment: Commitment.optional(),
  signed: Ms,
});

/** What the store intends for the end of the period. The latest signed holds. */
export const Renewal = z.object({
  product: Name,
  next: Name,
  renews: z.boolean(),
  /** The charge failed; the store tries again. */
  retrying: z.boolean(),
  graceUntil: Ms.optional(),
  expiredBecause: Code.optional(),
  priceIncrease: z.enum(['pending', 'accepted']).optional(),
  /** Whether another promise follows the one that runs. */
  recommits: z.boolean().optional(),
  signed: Ms,
});

/** The store's own opinion at the time of signing. We compare ours with it, we do not take it. */
export const Verdict = z.enum(['active', 'expired', 'retry', 'grace', 'revoked']);

export const Fact = z.object({
  store: Store,
  environment: StoreEnvironment,
  /** The chain: everything that was signed about one purchase. */
  purchase: z.string().regex(/^[A-Za-z0-9.-]{1,128}$/),
  transaction: Transaction.optional(),
  renewal: Renewal.optional(),
  verdict: Verdict.optional(),
  /** The store's word for what happened, for people; nothing is decided by it. */
  what: z.string().max(256),
  signed: Ms,
});

export type Transaction = z.infer<typeof Transaction>;
export type Renewal = z.infer<typeof Renewal>;
export type Verdict = z.infer<typeof Verdict>;
export type Fact = z.infer<typeof Fact>;
