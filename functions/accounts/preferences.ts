/** What a person wants to be notified of, and when not: said as a whole, kept as an event. Pure. */
import { z } from 'zod';
import { canonicalJson } from '../../core/json.ts';

/** Every kind of notification that a person can switch. */
export const preferenceKinds = ['messages', 'matches', 'purchases'] as const;

const Way = z.enum(['push', 'none']).optional();
const ways = { messages: Way, matches: Way, purchases: Way } satisfies Record<
  (typeof preferenceKinds)[number],
  typeof Way
>;
/** By the clock of the device. */
const Time = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time such as 22:00');
const times = { from: Time, to: Time };

/** As they are stored: what a later release adds is passed over. */
export const Preferences = z.object({ kinds: z.object(ways), quiet: z.object(times).optional() });
export type Preferences = z.infer<typeof Preferences>;

/** As a person says them: nothing unknown, and a night that has a length. */
export const PreferencesSaid = z.strictObject({
  kinds: z.strictObject(ways),
  quiet: z
    .strictObject(times)
    .refine(({ from, to }) => from !== to, { path: ['to'], message: 'must be another time than `from`' })
    .optional(),
});

/** Of who never said anything. */
export const noPreferences: Preferences = { kinds: {} };

export const samePreferences = (one: Preferences, other: Preferences): boolean =>
  canonicalJson(one) === canonicalJson(other);
