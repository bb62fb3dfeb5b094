/** Consumption information as the App Store takes it (V2), and what it asks for. */
import type { ConsumptionBody } from './appstore-api.ts';
import type { Consumption } from './consumption.ts';
import type { Fact, Transaction } from './facts.ts';

const REQUEST = 'CONSUMPTION_REQUEST';

/** The transaction that Apple asks about. */
export const requestOf = ({ what, transaction }: Pick<Fact, 'what' | 'transaction'>): Transaction | undefined =>
  what === REQUEST ? transaction : undefined;

/** What Apple asked about a transaction, the last time that it did. */
export const latestRequest = (
  facts: readonly Fact[],
  transaction: string,
): { transaction: Transaction; at: number } | undefined => {
  const [latest] = facts.filter((fact) => requestOf(fact)?.id === transaction).toSorted((a, b) => b.signed - a.signed);
  return latest?.transaction && { transaction: latest.transaction, at: latest.signed };
};

/**
 * Without a percentage: Apple counts that of a subscription by itself, and refuses one from us; of anything else we do not know it.
 * And where Apple is told none, it refuses the wish for a part.
 */
export const bodyOf = ({ policy, kind }: Consumption): ConsumptionBody => {
  const { sampleContentProvided, refundPreference: wish } = policy;
  const mayWish = wish !== 'GRANT_PRORATED' || kind === 'subscription';
  return {
    customerConsented: true,
    deliveryStatus: 'DELIVERED',
    sampleContentProvided,
    ...(wish && mayWish ? { refundPreference: wish } : {}),
  };
};
