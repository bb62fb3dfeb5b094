/**
 * What can be done in the local App Store, and the file in which all of it stands: what customers have is what came of it, so that it
 * is the same after a restart.
 */
import { appendFileSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { StoreEnvironment } from './appstore-book.ts';
import { Impossible, type Life, type Told } from './appstore-life.ts';

/** All that somebody may do at `POST /dev/appstore/<name>`. */
export const actNames = [
  'buy',
  'renew',
  'fail-billing',
  'recover',
  'cancel',
  'resume',
  'resubscribe',
  'upgrade',
  'downgrade',
  'expire',
  'refund',
  'reverse-refund',
  'decline-refund',
  'share',
  'revoke',
  'consume-request',
  'test',
] as const;
export type ActName = (typeof actNames)[number];

const name = z.string().regex(/^[A-Za-z0-9_.-]{1,100}$/, 'must be 1 to 100 of letters, digits, _ . and -');

export const Act = z.strictObject({
  tenant: name.default('demo'),
  environment: z.preprocess(
    (text) => (typeof text === 'string' ? text.charAt(0).toUpperCase() + text.slice(1) : text),
    StoreEnvironment.default('Production'),
  ),
  /** Whose Apple account it is. */
  customer: name.default('ada'),
  product: name.optional(),
  accountToken: z.uuid().optional(),
  /** The original transaction; the newest purchase that fits, if none is given. */
  purchase: name.optional(),
  /** To be refunded or asked about; the newest of the purchase, if none is given. */
  transaction: name.optional(),
  quantity: z.int().min(1).max(100).optional(),
  /** Of the price, to be paid back. */
  percent: z.number().min(0).max(100).optional(),
});
export type Act = z.infer<typeof Act>;
type Purchase = ReturnType<Life['purchase']>;

/** The purchase that is meant. @throws Impossible */
export const purchaseOf = (life: Life, { purchase, customer, product }: Act): Purchase => {
  if (purchase !== undefined) return life.purchase(purchase);
  const found = life
    .purchases()
    .findLast((one) => one.customer === customer && (product ?? one.product) === one.product);
  const other = life.purchases().findLast((one) => one.customer === customer);
  if (!(found ?? other)) throw new Impossible(`${customer} has bought nothing yet`);
  return found ?? other ?? life.purchase('');
};

const productOf = ({ product }: Act): string => {
  if (product === undefined) throw new Impossible('say which product');
  return product;
};

/** @throws Impossible */
export const perform = (life: Life, what: ActName, act: Act): Told[] => {
  const bought = { customer: act.customer, ...(act.accountToken && { account: act.accountToken }) };
  const of = (): string => purchaseOf(life, act).original;
  const transaction = (): string => act.transaction ?? purchaseOf(life, act).transaction;
  switch (what) {
    case 'buy':
      return life.buy({ product: productOf(act), ...bought, ...(act.quantity && { quantity: act.quantity }) });
    case 'resubscribe':
      return life.buy({ product: act.product ?? purchaseOf(life, act).product, ...bought });
    case 'upgrade':
    case 'downgrade':
      return life.change(purchaseOf(life, { ...act, product: undefined }).original, productOf(act));
    case 'renew':
      return life.renew(of());
    case 'fail-billing':
      return life.failBilling(of());
    case 'recover':
      return life.recover(of());
    case 'cancel':
      return life.cancel(of());
    case 'resume':
      return life.resume(of());
    case 'expire':
      return life.expire(of());
    case 'refund':
      return life.refund(transaction(), act.percent);
    case 'reverse-refund':
      return life.reverseRefund(transaction());
    case 'decline-refund':
      return life.declineRefund(transaction());
    case 'share':
      return life.share(life.purchase(act.purchase ?? '').original, act.customer);
    case 'revoke':
      return life.unshare(of());
    case 'consume-request':
      return life.requestConsumption(transaction());
    case 'test':
      return life.test();
  }
};

const Done = z.object({ at: z.number(), what: z.enum(actNames), act: Act });
export type Done = z.infer<typeof Done>;

const parseLine = (line: string): Done[] => {
  try {
    return [Done.parse(JSON.parse(line))];
  } catch {
    // The last line, cut by a kill: who asked for it got no answer.
    return [];
  }
};

export const readActs = (file: string): Done[] => {
  try {
    return readFileSync(file, 'utf8').split('\n').filter(Boolean).flatMap(parseLine);
  } catch {
    return [];
  }
};

export const noteAct = (file: string, done: Done): void => appendFileSync(file, `${JSON.stringify(done)}\n`);
