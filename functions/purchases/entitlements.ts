/** What a person may use by now: a pure function of what they have, what the tenant's products give, and a moment. */
import { z } from 'zod';
import type { Tenant } from '../../core/tenants.ts';
import { entitledUntil, isEntitled, type Purchase, statusAt } from './purchase.ts';
import { entitlementOf, momentOf } from './shown.ts';

export const Entitlement = z.strictObject({
  name: z.string(),
  active: z.boolean(),
  /** Until when, as far as is known; absent for what has no end. */
  until: z.string().optional(),
  /** The purchase that gives it longest. */
  source: z.strictObject({
    purchase: z.string(),
    product: z.string(),
    store: z.string(),
    environment: z.string(),
    status: z.string(),
  }),
});
export type Entitlement = z.infer<typeof Entitlement>;

export const Entitlements = z.strictObject({
  entitlements: z.array(Entitlement),
  /** Of what can be spent: bought and not paid back, by product. */
  units: z.record(z.string(), z.int()),
});
export type Entitlements = z.infer<typeof Entitlements>;

type Held = { id: string; purchase: Purchase };

const endOf = ({ purchase }: Held): number => entitledUntil(purchase) ?? Number.POSITIVE_INFINITY;

/** What gives longest comes first; of two, the one with the smaller id, so that every answer says the same. */
const byEnd = (a: Held, b: Held): number => {
  const [one, other] = [endOf(a), endOf(b)];
  return one === other ? (a.id < b.id ? -1 : 1) : other > one ? 1 : -1;
};

const entitlement = (name: string, all: Held[], now: Date): Entitlement[] => {
  const [best] = all.toSorted(byEnd);
  if (!best) return [];
  const { id, purchase } = best;
  const { product, store, environment } = purchase;
  const until = entitledUntil(purchase);
  return [
    {
      name,
      active: isEntitled(purchase, now.getTime()),
      ...(until !== undefined && { until: momentOf(until) }),
      source: { purchase: id, product, store, environment, status: statusAt(purchase, now.getTime()) },
    },
  ];
};

/** Each entitlement once; also those that are over, which say since when. */
export const entitlementsFrom = (
  tenant: Pick<Tenant, 'purchases'>,
  { holdings, units }: { holdings: readonly Held[]; units: Record<string, number> },
  now: Date,
): Entitlements => {
  const named = holdings.flatMap((held) => {
    const name = entitlementOf(tenant, held.purchase.product);
    return name ? [{ name, held }] : [];
  });
  const byName = Map.groupBy(named, ({ name }) => name);
  return {
    entitlements: [...byName]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([name, all]) =>
        entitlement(
          name,
          all.map(({ held }) => held),
          now,
        ),
      ),
    // What was taken back may be told before what was given.
    units: Object.fromEntries(Object.entries(units).map(([product, count]) => [product, Math.max(0, count)])),
  };
};
