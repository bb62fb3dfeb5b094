/** What the App Store answers who asks: the shapes of the App Store Server API before anything in them is signed. */
import { renewalPayload, type Said, sign, statusOf, type Told, transactionPayload } from './appstore-life-payloads.ts';
import { chargeOf, currentOf, endOf, isSubscription, type Line, type World, willRenew } from './appstore-life-state.ts';

type Life = World<Told>;
export type LastTransaction = Required<Said> & { originalTransactionId: string; status: 1 | 2 | 3 | 4 | 5 };
export type Statuses = { subscriptionGroupIdentifier: string; lastTransactions: LastTransaction[] }[];

/** All purchases of the customer of a transaction. */
const ofCustomer = (world: Life, transaction: string): Line[] => {
  const { customer } = chargeOf(world, transaction).line;
  return [...world.lines.values()].filter((line) => line.customer === customer);
};

const lastOf = (world: Life, line: Line): LastTransaction => {
  const signed = sign(world);
  return {
    originalTransactionId: line.original,
    status: statusOf(line) ?? 2,
    transaction: transactionPayload(world, line, currentOf(line), signed),
    renewal: renewalPayload(world, line, signed),
  };
};

/** Get All Subscription Statuses. */
export const statuses = (world: Life, transaction: string): Statuses => {
  const lines = ofCustomer(world, transaction).filter(({ product }) => isSubscription(product));
  return [...Map.groupBy(lines, ({ product }) => product.group ?? '')].map(([subscriptionGroupIdentifier, group]) => ({
    subscriptionGroupIdentifier,
    lastTransactions: group.map((line) => lastOf(world, line)),
  }));
};

/** Get Transaction History: of everything that the customer bought, the oldest first. Paging is the server's. */
export const history = (world: Life, transaction: string): NonNullable<Said['transaction']>[] => {
  const signed = sign(world);
  return ofCustomer(world, transaction)
    .flatMap((line) => line.charges.map((charge) => ({ line, charge })))
    .sort((a, b) => a.charge.purchased - b.charge.purchased)
    .map(({ line, charge }) => transactionPayload(world, line, charge, signed));
};

/** Get Transaction Info. */
export const transactionInfo = (world: Life, id: string): NonNullable<Said['transaction']> => {
  const { line, charge } = chargeOf(world, id);
  return transactionPayload(world, line, charge, sign(world));
};

/** For people and oracles: how one purchase stands. */
export const standing = (line: Line) => {
  const current = currentOf(line);
  const units = line.charges.reduce((sum, { quantity }) => sum + quantity, 0);
  return {
    original: line.original,
    customer: line.customer,
    product: line.product.id,
    kind: line.product.type,
    next: line.next.id,
    phase: line.phase,
    status: statusOf(line),
    /** Whether it gives access now. */
    entitled: line.product.type !== 'Consumable' && (line.phase === 'paid' || line.phase === 'grace'),
    renews: willRenew(line),
    transaction: current.id,
    units,
    ...(Number.isFinite(endOf(line)) && { expires: endOf(line) }),
    ...(line.graceUntil !== undefined && { graceUntil: line.graceUntil }),
    ...(line.payer && { payer: line.payer }),
  };
};
