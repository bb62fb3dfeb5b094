/** Of a tenant's file: how its people meet. */
import { z } from 'zod';
import { deckRules } from './tenant-people.ts';

/** More than that is not a quota (core/quotas.ts). */
const LIKES = 2000;

/** @param Entitlement names what a person may have bought */
export const matchingRules = (Entitlement: z.ZodType<string>) =>
  z
    .strictObject({
      ...deckRules,
      /** By entitlement, `free` for who has none: of all that a person has the most counts. Absent: as many as they like. */
      likesPerDay: z.record(Entitlement, z.int().min(0).max(LIKES)).optional(),
      /** What one must have to see who likes one; absent: nothing. */
      seeLikes: Entitlement.optional(),
    })
    .prefault({});
