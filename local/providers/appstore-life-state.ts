/**
 * What the App Store knows: who bought what, and in which phase each subscription is. The phase is moved by what happens, not computed
 * from dates and signatures: so its status can be an oracle for those who must compute it.
 */

export type Kind = 'Auto-Renewable Subscription' | 'Non-Renewing Subscription' | 'Non-Consumable' | 'Consumable';

export type Product = {
  id: string;
  type: Kind;
  /** Thousandths of a dollar. */
  price: number;
  /** Of a subscription: its group, its rank in it (1 is the best), how long a period is, how long a grace period. */
  group?: string;
  level?: number;
  period?: number;
  grace?: number;
  /** Sold as a promise of so many periods, each paid for itself. */
  promise?: number;
  /** May be shared with the family. */
  family?: boolean;
};

export type Offer = { type: 1 | 2 | 3 | 4; id?: string; discount?: string };
export type Revocation = { at: number; type: 'REFUND_FULL' | 'REFUND_PRORATED' | 'FAMILY_REVOKE'; percent: number };

/** What Apple calls a transaction. */
export type Charge = {
  id: string;
  product: Product;
  purchased: number;
  expires?: number;
  quantity: number;
  reason: 'PURCHASE' | 'RENEWAL';
  offer?: Offer;
  promise?: { period: number; of: number; until: number };
  revoked?: Revocation;
  upgraded: boolean;
  /** Refunded before its period began: as if it had never been. */
  void: boolean;
};

export type Phase = 'paid' | 'grace' | 'retry' | 'ended' | 'revoked';

/** All charges under one original transaction. */
export type Line = {
  original: string;
  customer: string;
  account?: string;
  /** The line of the family member who pays. */
  payer?: string;
  product: Product;
  /** At the next renewal. */
  next: Product;
  charges: Charge[];
  phase: Phase;
  renews: boolean;
  retrySince?: number;
  graceUntil?: number;
  /** Why it ended, in Apple's numbers. */
  intent?: number;
  increase?: 'pending' | 'accepted';
  /** Redeemed for the next renewal. */
  offer?: Offer;
};

export type LifeOptions = {
  bundleId: string;
  appAppleId: number;
  environment: 'Production' | 'Sandbox';
  products: readonly Product[];
  now: () => number;
  uuid: () => string;
  /** Ids of transactions; counted from 1 if not given. */
  id?: () => string;
  /** For how long a failed charge is tried again. */
  retry?: number;
};

/** Refused: it can not happen to this purchase now. */
export class Impossible extends Error {}

export const DAY = 86_400_000;
/** Between two signatures; what is inside a notification is signed a little before it. */
export const TICK = 20;

export type World<Told> = {
  options: LifeOptions;
  lines: Map<string, Line>;
  /** Customers whose card does not work. */
  broken: Set<string>;
  /** Products that are sold no more. */
  withdrawn: Set<string>;
  told: Told[];
  /** The time at which what happens now happens. */
  clock: number;
  lastSigned: number;
  ids: number;
};

export const isSubscription = ({ type }: Product): boolean => type === 'Auto-Renewable Subscription';

export const ensure: (possible: unknown, why: string) => asserts possible = (possible, why) => {
  if (!possible) throw new Impossible(why);
};

export const productOf = ({ options }: World<unknown>, id: string): Product => {
  const product = options.products.find((each) => each.id === id);
  ensure(product, `there is no product ${id}`);
  return product;
};

export const lineOf = (world: World<unknown>, original: string): Line => {
  const line = world.lines.get(original);
  ensure(line, `there is no purchase ${original}`);
  return line;
};

/** The charge that counts: the last that was neither upgraded nor void. */
export const currentOf = (line: Line): Charge => {
  const current = line.charges.findLast((charge) => !charge.void && !charge.upgraded) ?? line.charges.at(-1);
  ensure(current, 'it has no transaction');
  return current;
};

export const endOf = (line: Line): number => currentOf(line).expires ?? Number.POSITIVE_INFINITY;

export const chargeOf = (world: World<unknown>, id: string): { line: Line; charge: Charge } => {
  for (const line of world.lines.values()) {
    const charge = line.charges.find((each) => each.id === id);
    if (charge) return { line, charge };
  }
  throw new Impossible(`there is no transaction ${id}`);
};

/** The line and those of the family that still share it. */
export const household = (world: World<unknown>, line: Line): Line[] => [
  line,
  ...[...world.lines.values()].filter(({ payer, phase }) => payer === line.original && phase !== 'revoked'),
];

/** Whether another period follows: within a promise always. */
export const willRenew = (line: Line): boolean => {
  const { promise } = currentOf(line);
  return promise && promise.period < promise.of && line.phase !== 'revoked' ? true : line.renews;
};
