/** What people write: as sent, but whole code points, no control characters, and a bound in characters. */
import { z } from 'zod';

// biome-ignore lint/suspicious/noControlCharactersInRegex: it is these that are refused
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/;
const characters = (text: string): number => [...text].length;

/** @param max characters (code points); newline and tab are allowed */
export const Text = (max: number) =>
  z
    .string()
    .max(max * 2, `must be at most ${max} characters`)
    .refine((text) => text.isWellFormed(), 'must not hold half of a surrogate pair')
    .refine((text) => !CONTROL.test(text), 'must not hold control characters')
    .refine((text) => text.trim().length > 0, 'must not be empty')
    .refine((text) => characters(text) <= max, `must be at most ${max} characters`);
