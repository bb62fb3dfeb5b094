/** A profile as a person says it: nothing unknown, nothing impossible, and the place rounded before it goes any further. */
import { z } from 'zod';
import type { UserId } from '../../core/ids.ts';
import { DisplayName } from '../../core/name.ts';
import { type FieldError, problems } from '../../core/problem.ts';
import type { Attribute, ProfileRules } from '../../core/tenant-people.ts';
import { Text } from '../../core/text.ts';
import { ageOn } from './age.ts';
import { Day, type Place, Profile, type Value, type Wish } from './profile.ts';

const NAME = 50;
const BIO = 500;
const PHOTOS = 9;
const ATTRIBUTE_TEXT = 80;
/** Event and state hold it: together they stay small. */
const BYTES = 3500;
const OLDEST = 120;
const EARTH = 20_040;

const Age = z.int().min(13).max(OLDEST);
const Word = z.string().max(30);

export const ProfileSaid = z.strictObject({
  name: DisplayName(NAME),
  birthDate: Day,
  bio: Text(BIO).optional(),
  photos: z.array(z.string().max(100)).max(PHOTOS).default([]),
  attributes: z.record(Word, z.union([z.string().max(2 * ATTRIBUTE_TEXT), z.number(), z.boolean()])).default({}),
  place: z.strictObject({ lat: z.number().min(-90).max(90), lon: z.number().min(-180).max(180) }).optional(),
  seeking: z
    .strictObject({
      ages: z
        .strictObject({ from: Age, to: Age })
        .refine(({ from, to }) => from <= to, { path: ['to'], message: 'must not be below `from`' })
        .optional(),
      distance: z.number().min(1).max(EARTH).optional(),
      attributes: z
        .record(
          Word,
          z.union([
            z
              .array(z.union([Word, z.boolean()]))
              .min(1)
              .max(100),
            z.strictObject({ from: z.number().optional(), to: z.number().optional() }),
          ]),
        )
        .optional(),
    })
    .default({}),
  settings: z
    .strictObject({ discoverable: z.boolean().default(true), presence: z.boolean().default(true) })
    .prefault({}),
});
export type ProfileSaid = z.infer<typeof ProfileSaid>;

/** Why a value can not stand there; undefined when it can. Also of what was stored under an older schema. */
export const ruleOf = (attribute: Attribute | undefined, value: z.infer<typeof Value>): string | undefined => {
  switch (attribute?.type) {
    case undefined:
      return 'is not known here';
    case 'enum':
      return typeof value === 'string' && attribute.values.includes(value)
        ? undefined
        : `must be one of ${attribute.values.join(', ')}`.slice(0, 200);
    case 'number':
      return typeof value === 'number' && value >= attribute.min && value <= attribute.max
        ? undefined
        : `must be a number from ${attribute.min} to ${attribute.max}`;
    case 'boolean':
      return typeof value === 'boolean' ? undefined : 'must be true or false';
    case 'text':
      return Text(ATTRIBUTE_TEXT).safeParse(value).error?.issues[0]?.message;
  }
};

/** What one seeks must be something that others can be. */
const wishRuleOf = (attribute: Attribute | undefined, wish: z.infer<typeof Wish>): string | undefined => {
  if (attribute?.criterion !== 'hard') return 'is no hard criterion';
  if (Array.isArray(wish)) {
    if (attribute.type === 'number') return 'must be {from, to}';
    return wish.map((each) => ruleOf(attribute, each)).find((rule) => rule !== undefined);
  }
  const { from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY } = wish;
  if (attribute.type !== 'number') return 'must be a list';
  return from <= to ? undefined : '`to` must not be below `from`';
};

const errorsIn = <T>(field: string, all: Record<string, T>, rule: (name: string, value: T) => string | undefined) =>
  Object.entries(all).flatMap(([name, value]): FieldError[] => {
    const broken = rule(name, value);
    return broken ? [{ field: `body.${field}.${name}`, rule: broken }] : [];
  });

const ageErrors = ({ birthDate }: ProfileSaid, { minimumAge }: ProfileRules, now: Date): FieldError[] => {
  const age = ageOn(birthDate, now);
  const field = 'body.birthDate';
  if (age < 0) return [{ field, rule: 'must not be in the future' }];
  if (age > OLDEST) return [{ field, rule: `must be at most ${OLDEST} years ago` }];
  return age < minimumAge ? [{ field, rule: `must be at least ${minimumAge} years ago` }] : [];
};

const rounded = (n: number, decimals: number): number => Number(n.toFixed(decimals)) + 0;

export const roundedPlace = ({ lat, lon }: Place, decimals: number): Place => ({
  lat: rounded(lat, decimals),
  lon: rounded(lon, decimals),
});

/** Which of these photos are the caller's own: what nobody knows is nobody's. */
export type MediaOf = (user: UserId, ids: readonly string[]) => Promise<ReadonlySet<string>>;
export const photoErrors = async (user: UserId, photos: readonly string[], mediaOf: MediaOf): Promise<FieldError[]> => {
  const own = photos.length > 0 ? await mediaOf(user, photos) : new Set();
  return photos.flatMap((id, i) => (own.has(id) ? [] : [{ field: `body.photos.${i}`, rule: 'is no photo of yours' }]));
};

/** @throws Problem `invalid` */
export const profileOf = (said: ProfileSaid, rules: ProfileRules, now: Date): Profile => {
  const { attributes, seeking, place, ...rest } = said;
  const schema = (name: string): Attribute | undefined =>
    Object.hasOwn(rules.attributes, name) ? rules.attributes[name] : undefined;
  const errors = [
    ...ageErrors(said, rules, now),
    ...errorsIn('attributes', attributes, (name, value) => ruleOf(schema(name), value)),
    ...errorsIn('seeking.attributes', seeking.attributes ?? {}, (name, wish) => wishRuleOf(schema(name), wish)),
  ];
  if (errors.length > 0) throw problems.invalid(errors.slice(0, 10));
  const whole = Profile.parse({
    ...{ ...rest, attributes, seeking },
    ...(place && { place: roundedPlace(place, rules.locationDecimals) }),
  });
  if (Buffer.byteLength(JSON.stringify(whole)) > BYTES)
    throw problems.invalid([{ field: 'body', rule: `must be at most ${BYTES} bytes in all` }]);
  return whole;
};
