/**
 * What people say about themselves. A stream of one's own: replaced as a whole, and told to one's own devices alone. Every event
 * carries all of it, so that the rows by which others find and see a person follow from each event by itself. Pure.
 */
import { z } from 'zod';
import { type Aggregate, type Rejection, reject } from '../../core/decider.ts';
import { Timestamp, UserId } from '../../core/ids.ts';
import { canonicalJson } from '../../core/json.ts';
import { Standing } from '../../core/standing.ts';

export const Day = z.iso.date();
/** Rounded before it came here. */
export const Place = z.object({ lat: z.number().min(-90).max(90), lon: z.number().min(-180).max(180) });
export type Place = z.infer<typeof Place>;

export const Value = z.union([z.string(), z.number(), z.boolean()]);
export type Value = z.infer<typeof Value>;
/** What one seeks in an attribute: one of these, or a number from here to there. */
export const Wish = z.union([
  z.array(z.union([z.string(), z.boolean()])),
  z.object({ from: z.number().optional(), to: z.number().optional() }),
]);

/** As it is stored, whatever the tenant's schema says by now. */
export const Profile = z.object({
  name: z.string(),
  birthDate: Day,
  bio: z.string().optional(),
  photos: z.array(z.string()),
  attributes: z.record(z.string(), Value),
  place: Place.optional(),
  seeking: z.object({
    ages: z.object({ from: z.int(), to: z.int() }).optional(),
    /** In km. */
    distance: z.number().optional(),
    attributes: z.record(z.string(), Wish).optional(),
  }),
  settings: z.object({ discoverable: z.boolean(), presence: z.boolean() }),
});
export type Profile = z.infer<typeof Profile>;

/** `asOf`: the version of the person's stream that said so. */
const Judged = z.object({ asOf: z.int().min(1), now: Standing });
const facts = {
  person: UserId,
  /** An erasure takes it. */
  profile: Profile.optional(),
  /** The day on which they were last here. */
  active: Day.optional(),
  standing: Judged.optional(),
};
/** Where others were looking for them until now. */
const changed = { ...facts, left: Place.optional(), at: Timestamp };

export const ProfileCommand = z.discriminatedUnion('type', [
  z.object({ type: z.literal('SetProfile'), person: UserId, profile: Profile, at: Timestamp }),
  /** They were here on this day: `at` is its beginning. */
  z.object({ type: z.literal('Visit'), person: UserId, at: Timestamp }),
  z.object({ type: z.literal('Judge'), person: UserId, standing: Standing, asOf: z.int().min(1), at: Timestamp }),
]);
export const ProfileEvent = z.discriminatedUnion('type', [
  /** `anew`: those who looked before must look again. */
  z.object({ type: z.literal('ProfileSet'), ...changed, anew: z.literal(true).optional() }),
  z.object({ type: z.literal('Visited'), ...changed }),
  z.object({ type: z.literal('Judged'), ...changed, anew: z.literal(true).optional() }),
]);
export const ProfileState = z.object({ ...facts, person: UserId.optional() });

export type ProfileCommand = z.infer<typeof ProfileCommand>;
export type ProfileEvent = z.infer<typeof ProfileEvent>;
export type ProfileState = z.infer<typeof ProfileState>;
export type ProfileRejection = 'no-profile';

const dayOf = (at: string): string => at.slice(0, 10);

const evolve = (_before: ProfileState, event: ProfileEvent): ProfileState => {
  const { person, profile, active, standing } = event;
  return {
    person,
    ...(profile && { profile }),
    ...(active !== undefined && { active }),
    ...(standing && { standing }),
  };
};

const same = (one: unknown, other: unknown): boolean => canonicalJson(one ?? null) === canonicalJson(other ?? null);

/** Everything by which others find them; what only they read when they have found them is no news. */
const findable = ({ place, birthDate, attributes, seeking, settings }: Profile): object => ({
  ...{ place, birthDate, attributes, seeking },
  shown: settings.discoverable,
});

const set = (
  { person, profile, at }: Extract<ProfileCommand, { type: 'SetProfile' }>,
  before: ProfileState,
): ProfileEvent[] => {
  const old = before.profile;
  if (old && same(old, profile)) return [];
  const left = old?.place && !same(old.place, profile.place) ? { left: old.place } : {};
  const anew = old && same(findable(old), findable(profile)) ? {} : { anew: true as const };
  const { presence } = profile.settings;
  // Who hides when they are here is not noted down either.
  const active = presence ? { active: dayOf(at) } : {};
  const { standing } = before;
  return [{ type: 'ProfileSet', person, profile, ...active, ...(standing && { standing }), ...left, ...anew, at }];
};

const visit = ({ person, at }: { person: UserId; at: string }, before: ProfileState): ProfileEvent[] => {
  const { profile, standing, active = '' } = before;
  const day = dayOf(at);
  if (!profile?.settings.presence || active >= day) return [];
  return [{ type: 'Visited', person, profile, active: day, ...(standing && { standing }), at }];
};

const judge = (
  { person, standing: now, asOf, at }: Extract<ProfileCommand, { type: 'Judge' }>,
  before: ProfileState,
): ProfileEvent[] => {
  const { profile, active } = before;
  if (!profile || asOf <= (before.standing?.asOf ?? 0)) return [];
  const anew = now.is === 'good' ? { anew: true as const } : {};
  return [{ type: 'Judged', person, profile, ...(active && { active }), standing: { asOf, now }, ...anew, at }];
};

const decide = (command: ProfileCommand, before: ProfileState): ProfileEvent[] | Rejection<ProfileRejection> => {
  switch (command.type) {
    case 'SetProfile':
      return set(command, before);
    case 'Visit':
      return before.profile ? visit(command, before) : reject('no-profile');
    case 'Judge':
      return judge(command, before);
  }
};

export const profile: Aggregate<ProfileState, ProfileCommand, ProfileEvent, ProfileRejection> = {
  kind: 'profile',
  reducer: 1,
  State: ProfileState,
  Event: ProfileEvent,
  initial: {},
  evolve,
  decide,
  audience: ({ person, standing }) => (person && standing?.now.is !== 'erased' ? [person] : []),
  count: () => 0,
};
