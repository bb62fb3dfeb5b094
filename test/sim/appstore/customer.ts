/** A person as a customer: buys with or without their account token, shows what they bought, and what others did. */
import { z } from 'zod';
import { createClient } from '../client.ts';
import type { Cloud } from '../cloud.ts';
import type { History, Told } from '../history.ts';
import type { Dice } from '../random.ts';
import type { Standing } from './store.ts';

/** A product, whether the customer says who they are when they buy it, and whether they show it at once. */
export type Choice = { product: string; quantity?: number; isNamed: boolean; isShown: boolean };

export type Customer = {
  choose: (dice: Dice) => Choice;
  buy: (choice: Choice) => Promise<void>;
  /** Something becomes of what one bought; what exactly is drawn. */
  happen: (dice: Dice) => void;
  /** Shows a purchase, one's own or another's. */
  show: (dice: Dice) => Promise<void>;
};

const Token = z.object({ accountToken: z.uuid() });
/** The newest charges of a purchase. */
const chargesOf = (cloud: Cloud, tenant: string, { original, transaction }: Standing): string[] =>
  cloud.store.act(tenant, (life) =>
    life
      .history(transaction)
      .filter((each) => each.originalTransactionId === original)
      .map(({ transactionId }) => String(transactionId))
      .slice(-2),
  ) ?? [];

export const createCustomer = ({
  cloud,
  history,
  tenant,
  user,
  name,
}: {
  cloud: Cloud;
  history: History;
  tenant: string;
  user: string;
  name: string;
}): Customer => {
  const { store } = cloud;
  const { persist } = createClient(cloud, { tenant, user, name: `${name} shops` }, () => undefined);
  const own = (): Standing[] => store.purchases(tenant).filter(({ customer }) => customer === user);

  const accountToken = async (): Promise<string | undefined> => {
    const answer = await persist(
      'account-token',
      { route: 'GET /v1/purchases/account-token' },
      [],
      ({ status }) => status === 200,
    );
    return answer?.status === 200 ? Token.parse(answer.body).accountToken : undefined;
  };
  const claim = async (original: string, transaction: string): Promise<void> => {
    const body = { signedTransaction: store.show(tenant, transaction) };
    const entry = { tenant, user, original, attempts: [] as Told[], mine: undefined as boolean | undefined };
    history.claimed.push(entry);
    const answer = await persist(
      `claim ${original}`,
      { route: 'POST /v1/purchases', body },
      entry.attempts,
      ({ status }) => status === 200 || status === 409,
    );
    if (answer?.status === 200) entry.mine = true;
    if (answer?.status === 409) entry.mine = false;
  };
  return {
    choose: (dice) => {
      const product = dice.pick(store.products(tenant));
      const quantity = product.startsWith('coins') ? 1 + dice.below(3) : 1;
      return { product, quantity, isNamed: dice.chance(0.7), isShown: dice.chance(0.5) };
    },
    buy: async ({ product, quantity = 1, isNamed, isShown }) => {
      const account = isNamed ? await accountToken() : undefined;
      store.act(tenant, (life) => life.buy({ product, customer: user, quantity, ...(account && { account }) }));
      const bought = own().at(-1);
      if (bought && (isShown || account === undefined)) await claim(bought.original, bought.transaction);
    },
    happen: (dice) => {
      const [one] = dice.shuffled(own());
      if (!one) return;
      const charge = dice.pick(chargesOf(cloud, tenant, one));
      const { original } = one;
      for (const what of dice.shuffled([
        'renew',
        'renew',
        'cancel',
        'resume',
        'failBilling',
        'recover',
        'refund',
        'reverse',
        'refundSome',
        'expire',
        'change',
        'decline',
      ] as const)) {
        const done = store.act(tenant, (life) => {
          if (what === 'refund') return life.refund(charge);
          if (what === 'refundSome') return life.refund(charge, 50);
          if (what === 'reverse') return life.reverseRefund(charge);
          if (what === 'decline') return life.declineRefund(charge);
          if (what === 'change') return life.change(original, dice.pick(store.products(tenant)));
          return life[what](original);
        });
        if (done) return;
      }
    },
    show: async (dice) => {
      const [one] = dice.shuffled(store.purchases(tenant));
      if (one) await claim(one.original, one.transaction);
    },
  };
};
