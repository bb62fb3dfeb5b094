/** Query parameters that every list shares. */
import { z } from 'zod';

/** `?limit=`: digits, at least 1; `usual` when absent. */
export const Limit = (usual: number, most: number) =>
  z
    .string()
    .regex(/^\d{1,4}$/, `must be a number from 1 to ${most}`)
    .transform(Number)
    .pipe(z.int().min(1, `must be at least 1`).max(most, `must be at most ${most}`))
    .default(usual);

/** A version or number in a query string. */
export const Position = z
  .string()
  .regex(/^(0|[1-9]\d{0,15})$/, 'must be a whole number, 0 or more')
  .transform(Number)
  .pipe(z.int());
