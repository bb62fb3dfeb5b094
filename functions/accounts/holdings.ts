/** What a person has by their purchases, as their own stream tells it. Pure; the same for every order in which it is told. */
import { z } from 'zod';
import { Timestamp, UserId } from '../../core/ids.ts';
import { entitledUntil, Purchase } from '../purchased.ts';

/** What became of one purchase, for the person who has it, or had it. */
export const holding = {
  person: UserId,
  id: z.string().min(1).max(128),
  /** The version of the purchase's own stream: of two, the greater holds. */
  asOf: z.int().min(1),
  product: z.string(),
  /** Absent when it is theirs no more. */
  purchase: Purchase.optional(),
  /** What they have more of the product, or less. */
  units: z.int(),
  at: Timestamp,
};
const Holding = z.object(holding);
type Holding = z.infer<typeof Holding>;

const Held = z.object({ asOf: z.int().min(1), purchase: Purchase.optional() });
type Held = z.infer<typeof Held>;

export const Holdings = z.record(z.string(), Held);
export type Holdings = z.infer<typeof Holdings>;
/** Of what can be spent, by product. */
export const Units = z.record(z.string(), z.int());
export type Units = z.infer<typeof Units>;

const HOLDINGS_LIMIT = 100;

/** What is gone, or ended longest ago, makes room first. */
const endOf = ({ purchase }: Held): number => (purchase ? (entitledUntil(purchase) ?? Number.MAX_VALUE) : -1);
const byWorth = ([, a]: [string, Held], [, b]: [string, Held]): number =>
  endOf(b) - endOf(a) || (b.purchase?.purchased ?? 0) - (a.purchase?.purchased ?? 0);

const bounded = (holdings: Holdings): Holdings => {
  const all = Object.entries(holdings);
  return all.length <= HOLDINGS_LIMIT ? holdings : Object.fromEntries(all.sort(byWorth).slice(0, HOLDINGS_LIMIT));
};

/** What can be spent is only counted; all else is kept as it was last. */
export const holdingsAfter = (before: Holdings = {}, { id, asOf, purchase }: Holding): Holdings => {
  if (purchase?.kind === 'consumable' || (before[id]?.asOf ?? 0) >= asOf) return before;
  return bounded({ ...before, [id]: { asOf, ...(purchase && { purchase }) } });
};

export const unitsAfter = (before: Units = {}, { product, units }: Holding): Units =>
  units === 0
    ? before
    : { ...before, [product]: (Object.hasOwn(before, product) ? (before[product] ?? 0) : 0) + units };
