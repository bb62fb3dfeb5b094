/**
 * What is known of one purchase once its facts were read: of each transaction the statement signed last, and what is intended for the
 * end of the period. A set: the same for every order and every repetition of the facts.
 */
import { assert } from '../../core/assert.ts';
import { canonicalJson } from '../../core/json.ts';
import type { Fact, Renewal, Transaction } from './facts.ts';

export type Said = { newest: Transaction; since: number; renewal?: Renewal };
/** What the facts say, of each transaction and of what is to come; a set, whatever the order they were learnt in. */
export type Known = { transactions: Map<string, Said>; renewal?: Renewal; of?: Fact };

export const nothing = (): Known => ({ transactions: new Map() });

/** The later signed of two statements; of two signed at once always the same one. */
const later = <S extends { signed: number }>(a: S | undefined, b: S): S => {
  if (!a || a.signed !== b.signed) return a && a.signed > b.signed ? a : b;
  return canonicalJson(a) > canonicalJson(b) ? a : b;
};

export const learn = (known: Known, fact: Fact): void => {
  const { transaction, renewal } = fact;
  assert(!known.of || known.of.purchase === fact.purchase, 'facts of one purchase are folded');
  known.of ??= fact;
  if (renewal) known.renewal = later(known.renewal, renewal);
  if (!transaction) return;
  const said = known.transactions.get(transaction.id);
  const with_ = renewal ? later(said?.renewal, renewal) : said?.renewal;
  known.transactions.set(transaction.id, {
    newest: later(said?.newest, transaction),
    since: Math.min(said?.since ?? transaction.signed, transaction.signed),
    ...(with_ && { renewal: with_ }),
  });
};

/** Bought later, or at once and lasting longer. */
export const follows = (a: Transaction, b: Transaction): boolean => {
  if (a.purchased !== b.purchased) return a.purchased > b.purchased;
  if (a.expires !== b.expires) return (a.expires ?? 0) > (b.expires ?? 0);
  return a.id > b.id;
};

/** Another one took its place, or it was taken back before it began. */
const isVoid = ({ upgraded, revoked, purchased }: Transaction): boolean =>
  upgraded || (revoked !== undefined && revoked.at < purchased);

/** The one bought last; of those that are void only if there is no other. */
const lastOf = ({ transactions }: Known, fits: (said: Said) => boolean = () => true): Said | undefined => {
  let last: Said | undefined;
  for (const said of transactions.values()) {
    if (!fits(said)) continue;
    const [is, was] = [isVoid(said.newest), last && isVoid(last.newest)];
    if (!last || (is === was ? follows(said.newest, last.newest) : was)) last = said;
  }
  return last;
};

/**
 * The transaction that counts: the one bought last. But a renewal is charged up to a day before its period begins, and who upgrades
 * on that day buys something that begins earlier. So if the store has since named another product as the current one, and this
 * product was bought since, it is that.
 */
export const currentOf = (known: Known): Said | undefined => {
  const [last, { renewal }] = [lastOf(known), known];
  if (!last || !renewal || renewal.signed < last.since || renewal.product === last.newest.product) return last;
  const isNamed = ({ newest, since }: Said) =>
    newest.product === renewal.product && since > last.since && !isVoid(newest);
  return lastOf(known, isNamed) ?? last;
};

/**
 * The newest intention that is about this transaction: signed beside it, or since it is known. An older one spoke of the period before
 * (its failed charge, its end), and a device hands in transactions without any.
 */
export const renewalOf = ({ renewal: newest }: Known, { since, renewal }: Said): Renewal | undefined =>
  newest && newest.signed >= since ? newest : renewal;
