/** Names that people are shown by: one line that looks the same wherever it stands. */
import type { z } from 'zod';
import { Text } from './text.ts';

/** Turns the direction of whatever follows. */
const BIDI = /\p{Bidi_Control}/u;
const BREAK = /[\n\t\u2028\u2029]/;
/** More marks on one letter than any language has: they cover the lines around. */
const STACKED = /\p{M}{9}/u;
const VISIBLE = /[\p{L}\p{N}\p{P}\p{S}]/u;

/** @param max characters (code points) */
export const DisplayName = (max: number): z.ZodType<string> =>
  Text(max)
    .refine((text) => !BIDI.test(text), 'must not turn the direction of writing')
    .refine((text) => !BREAK.test(text), 'must be one line')
    .refine((text) => !STACKED.test(text), 'must have at most 8 marks on one letter')
    .refine((text) => VISIBLE.test(text), 'must have something to see');
