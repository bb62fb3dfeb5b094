/** What customers do with subscriptions: subscribe, change the product, cancel, redeem offers, share with the family. */
import { type Told, tell } from './appstore-life-payloads.ts';
import { charge, end, idOf } from './appstore-life-periods.ts';
import {
  currentOf,
  endOf,
  ensure,
  household,
  isSubscription,
  type Line,
  type Offer,
  type Product,
  type World,
} from './appstore-life-state.ts';

type Life = World<Told>;
export type Buying = { customer: string; account?: string; offer?: Offer; quantity?: number };

export const open = (world: Life, product: Product, { customer, account }: Buying, payer?: string): Line => {
  const line: Line = {
    original: idOf(world),
    customer,
    ...(account && { account }),
    ...(payer && { payer }),
    product,
    next: product,
    charges: [],
    phase: 'paid',
    renews: isSubscription(product),
  };
  world.lines.set(line.original, line);
  return line;
};

const runs = ({ phase }: Line): boolean => phase === 'paid' || phase === 'grace';

export const subscribe = (world: Life, product: Product, buying: Buying): Line => {
  ensure(!world.withdrawn.has(product.id), 'it is not for sale');
  ensure(!world.broken.has(buying.customer), 'the card does not work');
  const same = [...world.lines.values()].find(
    (line) => line.customer === buying.customer && !line.payer && line.product.group === product.group,
  );
  if (same && runs(same)) {
    change(world, same, product);
    return same;
  }
  const line = same ?? open(world, product, buying);
  if (buying.account) line.account = buying.account;
  for (const each of same ? household(world, line) : [line]) begin(world, each, product, buying.offer);
  return line;
};

/** A first period, or a first one again. */
export const begin = (world: Life, line: Line, product: Product, offer?: Offer): void => {
  first(world, line, product, offer);
  line.renews = true;
  welcome(world, line);
};

const first = (world: Life, line: Line, product: Product, offer?: Offer): void =>
  charge(world, line, { product, from: world.clock, reason: 'PURCHASE', offer });

const welcome = (world: Life, line: Line): void =>
  tell(world, 'SUBSCRIBED', line.charges.length > 1 ? 'RESUBSCRIBE' : 'INITIAL_BUY', { line });

const better = (a: Product, b: Product): boolean => (a.level ?? 0) < (b.level ?? 0);

/** The better product begins now, and what was paid for the rest of the other is paid back. */
const upgrade = (world: Life, line: Line, product: Product, type: string, offer?: Offer): void => {
  for (const each of line.charges)
    if ((each.expires ?? 0) > world.clock || each === currentOf(line)) each.upgraded = true;
  charge(world, line, { product, from: world.clock, reason: 'PURCHASE', offer });
  line.renews = true;
  tell(world, type, 'UPGRADE', { line });
};

const prefer = (world: Life, line: Line, product: Product, type: string, offer?: Offer): void => {
  const subtype = product === line.product ? undefined : 'DOWNGRADE';
  line.next = product;
  if (offer) line.offer = offer;
  tell(world, type, subtype, { line });
};

/** To the better product now, to a lesser one with the next period; to the same one takes a pending change back. */
export const change = (world: Life, line: Line, product: Product): void => {
  ensure(runs(line), 'it does not run');
  ensure(product.group === line.product.group, 'it is of another group');
  ensure(product !== line.next, 'it is so already');
  for (const each of household(world, line))
    if (better(product, each.product)) upgrade(world, each, product, 'DID_CHANGE_RENEWAL_PREF');
    else prefer(world, each, product, 'DID_CHANGE_RENEWAL_PREF');
};

/** An offer for the same product counts from the next period; for one that ended it begins a new one. */
export const redeem = (world: Life, line: Line, product: Product, offer: Offer): void => {
  ensure(product.group === line.product.group, 'it is of another group');
  ensure(line.phase !== 'retry', 'the last period is not paid');
  for (const each of household(world, line)) {
    if (!runs(each)) begin(world, each, product, offer);
    else if (better(product, each.product)) upgrade(world, each, product, 'OFFER_REDEEMED', offer);
    else prefer(world, each, product, 'OFFER_REDEEMED', offer);
  }
};

/** Whoever cancels keeps what is paid; while a charge is tried again nothing is. */
export const setRenewing = (world: Life, line: Line, renews: boolean): void => {
  ensure(line.phase !== 'ended' && line.phase !== 'revoked' && line.renews !== renews, 'it is so already');
  for (const each of household(world, line)) {
    each.renews = renews;
    if (!renews) each.next = each.product;
    tell(world, 'DID_CHANGE_RENEWAL_STATUS', renews ? 'AUTO_RENEW_ENABLED' : 'AUTO_RENEW_DISABLED', { line: each });
    if (!renews && each.phase === 'retry') end(world, each, 'VOLUNTARY');
  }
};

export const askConsent = (world: Life, line: Line): void => {
  ensure(line.phase === 'paid' && line.renews && !line.increase, 'there is nothing to ask');
  for (const each of household(world, line)) {
    each.increase = 'pending';
    tell(world, 'PRICE_INCREASE', 'PENDING', { line: each });
  }
};

export const consent = (world: Life, line: Line): void => {
  ensure(line.increase === 'pending', 'nobody asked');
  for (const each of household(world, line)) {
    each.increase = 'accepted';
    tell(world, 'PRICE_INCREASE', 'ACCEPTED', { line: each });
  }
};

/** More days for the same money. */
export const extend = (world: Life, line: Line, ms: number): void => {
  ensure(line.phase === 'paid', 'it does not run');
  for (const each of household(world, line)) {
    currentOf(each).expires = endOf(each) + ms;
    tell(world, 'RENEWAL_EXTENDED', undefined, { line: each });
  }
};

/** A member of the family gets what another pays for. */
export const share = (world: Life, line: Line, customer: string): Line => {
  ensure(line.product.family && !line.payer && customer !== line.customer, 'it is not to be shared');
  ensure(line.phase === 'paid', 'it does not run');
  const { product } = line;
  const former = [...world.lines.values()].find((each) => each.customer === customer && each.payer === line.original);
  ensure(!former || former.phase === 'revoked', 'it is shared already');
  const member = former ?? open(world, product, { customer }, line.original);
  first(world, member, product);
  const { next, renews, increase } = line;
  Object.assign(member, { next, renews }, increase && { increase });
  if (!isSubscription(product)) {
    tell(world, 'ONE_TIME_CHARGE', undefined, { line: member });
    return member;
  }
  const { promise } = currentOf(line);
  Object.assign(currentOf(member), { expires: endOf(line) }, promise && { promise });
  welcome(world, member);
  return member;
};
