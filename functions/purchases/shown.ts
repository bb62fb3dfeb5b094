/** A purchase as its owner is shown it: moments as text, and what it is by now. Pure. */
import { z } from 'zod';
import type { Tenant } from '../../core/tenants.ts';
import { isEntitled, type Purchase, statusAt } from './purchase.ts';

const Moment = z.string();

export const Shown = z.strictObject({
  id: z.string(),
  store: z.string(),
  environment: z.string(),
  product: z.string(),
  kind: z.string(),
  /** What it gives while it is active. */
  entitlement: z.string().optional(),
  active: z.boolean(),
  status: z.string(),
  ownership: z.string(),
  purchased: Moment,
  until: Moment.optional(),
  graceUntil: Moment.optional(),
  renews: z.boolean(),
  next: z.string().optional(),
  priceIncrease: z.string().optional(),
  quantity: z.int(),
  refunded: z.int(),
  revoked: z.strictObject({ at: Moment, percent: z.number().optional() }).optional(),
  price: z.strictObject({ milliunits: z.int(), currency: z.string() }).optional(),
  offer: z.strictObject({ type: z.string(), id: z.string().optional() }).optional(),
});
export type Shown = z.infer<typeof Shown>;

export const momentOf = (ms: number): string => new Date(ms).toISOString();

/** What a product gives; undefined when the tenant does not list it. */
export const entitlementOf = ({ purchases }: Pick<Tenant, 'purchases'>, product: string): string | undefined => {
  const { products = {} } = purchases ?? {};
  return Object.hasOwn(products, product) ? products[product]?.entitlement : undefined;
};

export const shownOf = (tenant: Tenant, id: string, purchase: Purchase, now: Date): Shown => {
  const { store, environment, product, kind, ownership, renews, next, priceIncrease, quantity, refunded } = purchase;
  const { purchased, until, graceUntil, revoked, price, offer } = purchase;
  const entitlement = entitlementOf(tenant, product);
  return {
    ...{ id, store, environment, product, kind, ownership, renews, quantity, refunded },
    ...(entitlement && { entitlement }),
    active: isEntitled(purchase, now.getTime()),
    status: statusAt(purchase, now.getTime()),
    purchased: momentOf(purchased),
    ...(until !== undefined && { until: momentOf(until) }),
    ...(graceUntil !== undefined && { graceUntil: momentOf(graceUntil) }),
    ...(next && { next }),
    ...(priceIncrease && { priceIncrease }),
    ...(revoked && {
      revoked: { at: momentOf(revoked.at), ...(revoked.percent !== undefined && { percent: revoked.percent }) },
    }),
    ...(price && { price }),
    ...(offer && { offer: { type: offer.type, ...(offer.id && { id: offer.id }) } }),
  };
};
