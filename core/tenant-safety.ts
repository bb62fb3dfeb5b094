/** What a tenant says of safety: why something may be reported. */
import { z } from 'zod';

const ReasonName = z.string().regex(/^[a-z][a-z0-9-]{0,39}$/, 'must be 1 to 40 of a-z, 0-9 and -');
export const Safety = z.strictObject({
  /** Why something may be reported: reasons, and the kinds of each. */
  reasons: z
    .record(ReasonName, z.array(ReasonName).max(20))
    .refine((reasons) => Object.keys(reasons).length > 0 && Object.keys(reasons).length <= 20, 'must be 1 to 20'),
});
/** Of a tenant that says nothing. */
export const usualSafety = { reasons: { spam: [], harassment: [], fake: [], underage: [], other: [] } };
