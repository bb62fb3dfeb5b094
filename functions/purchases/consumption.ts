/**
 * What a store is told of a purchase that its customer wants refunded: as the tenant says, and only of who agreed to it. Pure. What
 * is not told says why.
 */
import type { Tenant } from '../../core/tenants.ts';
import type { Transaction } from './facts.ts';

/** A store waits so long for what we know. */
export const CONSUMPTION_MS = 12 * 3_600_000;

export type Policy = NonNullable<NonNullable<Tenant['purchases']>['consumption']>;
/** How much of it was used only the app knows: that is left out. */
export type Consumption = { policy: Policy; kind: Transaction['kind'] };
export type Silence = 'no policy' | 'not asked' | 'nobody has it' | 'no consent' | 'too late';

type About = {
  policy: Policy | undefined;
  /** Of the person who has the purchase; undefined when nobody has. */
  consent: boolean | undefined;
  /** What the store asked about, and when (Unix ms). */
  request: { transaction: Pick<Transaction, 'kind'>; at: number } | undefined;
  now: number;
};

export const consumptionOf = ({ policy, consent, request, now }: About): Consumption | { silent: Silence } => {
  if (!policy) return { silent: 'no policy' };
  if (!request) return { silent: 'not asked' };
  if (now - request.at >= CONSUMPTION_MS) return { silent: 'too late' };
  if (consent === undefined) return { silent: 'nobody has it' };
  return consent ? { policy, kind: request.transaction.kind } : { silent: 'no consent' };
};
