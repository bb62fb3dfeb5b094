/** A profile as its owner sees it, with what is missing by today's schema; and as others see it: an age, and no place. Pure. */
import { z } from 'zod';
import { UserId } from '../../core/ids.ts';
import type { ProfileRules } from '../../core/tenant-people.ts';
import { ageOn } from './age.ts';
import { Profile, type ProfileState, Value } from './profile.ts';
import { ruleOf } from './said.ts';

const Missing = z.strictObject({ field: z.string(), rule: z.string() });
type Missing = z.infer<typeof Missing>;

export const Mine = z.strictObject({
  userId: UserId,
  ...Profile.partial().shape,
  age: z.int().optional(),
  /** Nothing is missing. */
  complete: z.boolean(),
  missing: z.array(Missing),
});
export type Mine = z.infer<typeof Mine>;

export const Public = z.strictObject({
  userId: UserId,
  name: z.string(),
  age: z.int(),
  bio: z.string().optional(),
  photos: z.array(z.string()),
  attributes: z.record(z.string(), Value),
});
export type Public = z.infer<typeof Public>;

const NEEDED = 'is needed';

/** Attributes that today's schema takes. */
export const validAttributes = ({ attributes }: Profile, rules: ProfileRules): [string, Value][] =>
  Object.entries(attributes).filter(
    ([name, value]) => Object.hasOwn(rules.attributes, name) && ruleOf(rules.attributes[name], value) === undefined,
  );

/** What the schema wants and the profile does not say, or says otherwise. */
export const missingIn = (profile: Profile | undefined, rules: ProfileRules, now: Date): Missing[] => {
  if (!profile) return ['name', 'birthDate', 'place'].map((field) => ({ field, rule: NEEDED }));
  const { birthDate, attributes, place } = profile;
  const wrong = Object.entries(attributes).flatMap(([name, value]): Missing[] => {
    const rule = ruleOf(Object.hasOwn(rules.attributes, name) ? rules.attributes[name] : undefined, value);
    return rule ? [{ field: `attributes.${name}`, rule }] : [];
  });
  const hard = Object.entries(rules.attributes).filter(
    ([name, { criterion }]) => criterion === 'hard' && !Object.hasOwn(attributes, name),
  );
  const tooYoung = ageOn(birthDate, now) < rules.minimumAge;
  return [
    ...(tooYoung ? [{ field: 'birthDate', rule: `must be at least ${rules.minimumAge} years ago` }] : []),
    ...(place ? [] : [{ field: 'place', rule: NEEDED }]),
    ...hard.map(([name]) => ({ field: `attributes.${name}`, rule: NEEDED })),
    ...wrong,
  ];
};

export const mineOf = (userId: UserId, { profile }: ProfileState, rules: ProfileRules, now: Date): Mine => {
  const missing = missingIn(profile, rules, now);
  const age = profile ? { age: ageOn(profile.birthDate, now) } : {};
  return { userId, ...profile, ...age, complete: missing.length === 0, missing };
};

export const publicOf = (userId: UserId, profile: Profile, rules: ProfileRules, now: Date): Public => {
  const { name, birthDate, bio, photos } = profile;
  const attributes = validAttributes(profile, rules).filter(([attribute]) => rules.attributes[attribute]?.public);
  return {
    ...{ userId, name, age: ageOn(birthDate, now), photos },
    ...(bio !== undefined && { bio }),
    attributes: Object.fromEntries(attributes),
  };
};
