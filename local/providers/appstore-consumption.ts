/** Send Consumption Information (V2): what Apple takes of it, and what it refuses. */
import { z } from 'zod';
import { type Answer, appleError } from './appstore-errors.ts';

const WHOLE = 100_000;

const Body = z.object({
  customerConsented: z.literal(true),
  deliveryStatus: z.enum([
    'DELIVERED',
    'UNDELIVERED_QUALITY_ISSUE',
    'UNDELIVERED_WRONG_ITEM',
    'UNDELIVERED_SERVER_OUTAGE',
    'UNDELIVERED_OTHER',
  ]),
  sampleContentProvided: z.boolean(),
  refundPreference: z.enum(['DECLINE', 'GRANT_FULL', 'GRANT_PRORATED']).optional(),
  consumptionPercentage: z.int().min(0).max(WHOLE).optional(),
});
export type ConsumptionTold = z.infer<typeof Body> & { transaction: string; at: number };

/** @param type the product's, in Apple's words */
export const readConsumption = (body: unknown, type: string): z.infer<typeof Body> | Answer => {
  const parsed = Body.safeParse(body);
  if (!parsed.success) {
    const field = String(parsed.error.issues[0]?.path[0] ?? '');
    if (field === 'customerConsented') return appleError('InvalidCustomerConsented');
    if (field === 'deliveryStatus') return appleError('InvalidDeliveryStatus');
    if (field === 'sampleContentProvided') return appleError('InvalidSampleContentProvided');
    return appleError('GeneralBadRequest');
  }
  const { deliveryStatus, refundPreference, consumptionPercentage: used } = parsed.data;
  const isSubscription = type === 'Auto-Renewable Subscription';
  if (isSubscription && used !== undefined) return appleError('GeneralBadRequest');
  if (deliveryStatus !== 'DELIVERED' && used) return appleError('GeneralBadRequest');
  const isPart = used !== undefined && used > 0 && used < WHOLE;
  if (refundPreference === 'GRANT_PRORATED' && !isSubscription && !isPart) return appleError('GeneralBadRequest');
  return parsed.data;
};
