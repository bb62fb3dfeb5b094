/** What the local App Store sells for a tenant: what its file lists, and two things that give nothing by themselves. */
import type { Tenant } from '../../core/tenants.ts';
import { DAY, type Product } from './appstore-life-state.ts';

const PERIODS: Record<string, number> = { weekly: 7 * DAY, monthly: 30 * DAY, yearly: 365 * DAY };
const GROUP = '21400000';
const GRACE = 16 * DAY;

/** To be spent, and for a time that the app counts itself. */
const extra: Product[] = [
  { id: 'coins.100', type: 'Consumable', price: 1_990 },
  { id: 'season.pass', type: 'Non-Renewing Subscription', price: 14_990 },
];

type Listed = { id: string; rank: number; period: number | undefined };

/** What gives something better first; of what gives the same, what lasts longer. */
const byLevel = (a: Listed, b: Listed): number => a.rank - b.rank || (b.period ?? 0) - (a.period ?? 0);

/**
 * `….weekly`, `….monthly` and `….yearly` are subscriptions of one group, those that give what is listed first the best. These have a
 * grace period, the others have none. Anything else that is listed is bought once.
 */
export const catalogueOf = ({ purchases }: Pick<Tenant, 'purchases'>): Product[] => {
  const products = Object.entries(purchases?.products ?? {});
  const names = [...new Set(products.map(([, { entitlement }]) => entitlement))];
  const listed = products.map(([id, { entitlement }]) => ({
    ...{ id, rank: names.indexOf(entitlement), period: PERIODS[id.split('.').at(-1) ?? ''] },
  }));
  const own = listed.toSorted(byLevel).map(({ id, rank, period }, index): Product => {
    if (period === undefined) return { id, type: 'Non-Consumable', price: 4_990, family: true };
    const subscription = { id, type: 'Auto-Renewable Subscription', price: 9_990, group: GROUP, period } as const;
    return { ...subscription, level: index + 1, family: true, ...(rank === 0 && { grace: GRACE }) };
  });
  return [...own, ...extra.filter(({ id }) => !own.some((product) => product.id === id))];
};
