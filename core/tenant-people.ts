/**
 * Of a tenant's file: what its people say about themselves, and how they are shown to each other. A criterion that is `hard`
 * keeps people apart; a `soft` one only says who comes first.
 */
import { z } from 'zod';

const Name = z
  .string()
  .regex(/^[a-z][a-zA-Z0-9]{0,29}$/, 'must be 1 to 30 letters and digits, beginning with a small letter');
const shared = { public: z.boolean(), criterion: z.enum(['hard', 'soft']).optional() };

const Attribute = z
  .discriminatedUnion('type', [
    z.strictObject({
      type: z.literal('enum'),
      values: z
        .array(z.string().regex(/^[a-zA-Z0-9_-]{1,30}$/))
        .min(1)
        .max(100),
      ...shared,
    }),
    z.strictObject({ type: z.literal('number'), min: z.number(), max: z.number(), ...shared }),
    z.strictObject({ type: z.literal('text'), ...shared }),
    z.strictObject({ type: z.literal('boolean'), ...shared }),
  ])
  .refine(({ type, criterion }) => type !== 'text' || criterion !== 'hard', 'a text can not be a hard criterion')
  .refine((each) => each.type !== 'number' || each.min < each.max, 'min must be below max');
export type Attribute = z.infer<typeof Attribute>;

const ATTRIBUTES = 20;
const CRITERIA = 12;

export const ProfileRules = z.strictObject({
  minimumAge: z.int().min(13).max(99).default(18),
  attributes: z
    .record(Name, Attribute)
    .refine((all) => Object.keys(all).length <= ATTRIBUTES, `at most ${ATTRIBUTES} attributes`)
    .refine(
      (all) => Object.values(all).filter(({ criterion }) => criterion).length <= CRITERIA,
      `at most ${CRITERIA} criteria`,
    )
    .default({}),
  /** Of latitude and longitude, before they are stored: 2 are about a kilometre. */
  locationDecimals: z.int().min(0).max(3).default(2),
});
export type ProfileRules = z.infer<typeof ProfileRules>;

const Weight = z.number().min(0).max(100).default(1);

/** What the deck goes by. */
export const deckRules = {
  /** How far it looks, in km: farther only when nobody nearer is left. */
  steps: z
    .array(z.number().min(1).max(20_040))
    .min(1)
    .max(6)
    .refine((steps) => steps.every((km, i) => i === 0 || km > (steps[i - 1] ?? 0)), 'must rise')
    .default([10, 50, 200]),
  weights: z.strictObject({ activity: Weight, completeness: Weight, shared: Weight }).prefault({}),
  /** After so many days who was passed on is shown again. */
  passExpiresDays: z.int().min(1).max(3650).default(60),
  /** May two who have parted meet again? */
  rematch: z.boolean().default(false),
} as const;
