/** Messages that moderators hid: ids, in a conversation's state. Pure. */
import { z } from 'zod';

/** By message: hidden or not, as of which version of the case. So many at most (`HIDDEN_LIMIT`) are let through by operators. */
export const Hiding = z.record(z.string(), z.object({ asOf: z.int().min(1), hidden: z.boolean() }));
export type Hiding = z.infer<typeof Hiding>;
export const HIDDEN_LIMIT = 50;

/** Was it not said yet? */
export const isNews = (hiding: Hiding | undefined, { id, asOf }: { id: string; asOf: number }): boolean =>
  (hiding?.[id]?.asOf ?? 0) < asOf;

export const hidingAfter = (
  hiding: Hiding | undefined,
  { type, id, asOf }: { type: 'Hidden' | 'Revealed'; id: string; asOf: number },
): Hiding => ({ ...hiding, [id]: { asOf, hidden: type === 'Hidden' } });

export const isHidden = (hiding: Hiding | undefined, id: string): boolean => hiding?.[id]?.hidden === true;
