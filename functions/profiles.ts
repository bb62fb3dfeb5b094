/**
 * People as others find and see them: read models that follow from profiles, and the seam by which contexts ask for them. A root
 * file, since contexts do not know each other.
 */

import type { Rejection } from '../core/decider.ts';
import { isRejection } from '../core/decider.ts';
import { CAME, cameKey, parsePlacedKey, STANDS, standKey } from '../core/deck-keys.ts';
import type { Deps } from '../core/deps.ts';
import { tenantOf } from '../core/env.ts';
import { execute } from '../core/execute.ts';
import type { Actor, TenantId, UserId } from '../core/ids.ts';
import { type Key, parseViewKey, type Stream, viewKey } from '../core/keys.ts';
import type { Standing } from '../core/standing.ts';
import type { Tenant } from '../core/tenants.ts';
import type { RowChange, View } from '../core/views.ts';
import { cellOf, noticesOf } from './matching/cells.ts';
import type { Card } from './matching/criteria.ts';
import { type Place, type Profile, ProfileEvent, ProfileState, profile } from './profiles/profile.ts';
import { validAttributes } from './profiles/shown.ts';

export { ageOn } from './profiles/age.ts';
export { Public, publicOf } from './profiles/shown.ts';

const VIEW = 'profile';
const ROW = 'public';
const MARK_SECONDS = 30 * 24 * 3600;
const NOTICE_SECONDS = 2 * 24 * 3600;
const FOR_EVER = '9999-12-31T23:59:59.999Z';

const secondsAfter = (at: string, seconds: number): number => Math.floor(Date.parse(at) / 1000) + seconds;

const awayUntil = (standing: Standing | undefined): string | undefined => {
  if (!standing || standing.is === 'good') return undefined;
  return standing.is === 'suspended' ? standing.until : FOR_EVER;
};

const filledOf = (said: Profile, valid: number, rules: Tenant['profile']): number => {
  const told = [said.bio !== undefined, said.photos.length > 0].filter(Boolean).length + valid;
  return Math.round((told / (2 + Object.keys(rules.attributes).length)) * 100) / 100;
};

/** Undefined for who is shown to nobody: by their own wish, or because nobody knows where they are. */
export const cardOf = (
  { profile: said, active, standing }: Pick<ProfileState, 'profile' | 'active' | 'standing'>,
  rules: Tenant['profile'],
): Card | undefined => {
  if (!said?.place || !said.settings.discoverable) return undefined;
  return cardOfSeeker(said, said.place, { active, standing }, rules);
};

const cardOfSeeker = (
  said: Profile,
  { lat, lon }: Place,
  { active, standing }: Pick<ProfileState, 'active' | 'standing'>,
  rules: Tenant['profile'],
): Card => {
  const valid = validAttributes(said, rules);
  const { ages, distance, attributes } = said.seeking;
  const away = awayUntil(standing?.now);
  return {
    ...{ place: [lat, lon], born: said.birthDate },
    is: Object.fromEntries(valid.filter(([name]) => rules.attributes[name]?.criterion)),
    seeks: {
      ...(ages && { ages: [ages.from, ages.to] as [number, number] }),
      ...(distance !== undefined && { km: distance }),
      ...(attributes && { is: attributes }),
    },
    ...(active !== undefined && { active }),
    filled: filledOf(said, valid.length, rules),
    ...(away !== undefined && { away }),
  };
};

const ownerOf =
  (view: string) =>
  (key: Key): Stream | undefined => {
    const who = parsePlacedKey(key, view);
    return who && { tenant: who.tenant, kind: 'profile', id: who.user };
  };

const standsAt = (tenant: TenantId, user: UserId, { lat, lon }: Place): Key => {
  const { region, digits } = cellOf([lat, lon]);
  return standKey(tenant, region, digits, user);
};

const standChanges = (tenant: TenantId, v: number, event: ProfileEvent): RowChange[] => {
  const { person, profile: said, left, at } = event;
  const here = said?.place && standsAt(tenant, person, said.place);
  const gone = left && standsAt(tenant, person, left);
  const card = cardOf(event, tenantOf(tenant).profile);
  return [
    ...(here ? [{ key: here, row: { ...here, v, ...(card ?? { lost: true }) } }] : []),
    // A mark and no gap: a late write of an older version must not bring them back.
    ...(gone && gone.sk !== here?.sk
      ? [{ key: gone, row: { ...gone, v, lost: true, expires: secondsAfter(at, MARK_SECONDS) } }]
      : []),
  ];
};

/** Everybody by the cell in which they stand. */
export const standsView: View = {
  name: STANDS,
  kind: 'profile',
  changes: ({ tenant }, { v, events }) => events.flatMap((each) => standChanges(tenant, v, ProfileEvent.parse(each))),
  causeOf: ownerOf(STANDS),
};

/** Who came lately to a larger cell, or became another there: for who has looked there already. */
export const cameView: View = {
  name: CAME,
  kind: 'profile',
  changes: ({ tenant }, { events }) =>
    events.flatMap((each) => {
      const event = ProfileEvent.parse(each);
      const { profile: rules, matching } = tenantOf(tenant);
      const card = event.type !== 'Visited' && event.anew ? cardOf(event, rules) : undefined;
      const cells = card ? noticesOf(card.place, matching.steps) : [];
      return cells.map((cell) => {
        const key = cameKey(tenant, cell, event.at, event.person);
        return { key, row: { ...key, person: event.person, expires: secondsAfter(event.at, NOTICE_SECONDS) } };
      });
    }),
  causeOf: ownerOf(CAME),
};

/** What others may be shown of a person is worked out of this when they ask. */
export const profilesView: View = {
  name: VIEW,
  kind: 'profile',
  changes: ({ tenant, id: _id }, { v, events }) =>
    events.flatMap((each) => {
      const { person, profile: said, active, standing, type } = ProfileEvent.parse(each);
      const facts = { person, profile: said, ...(active && { active }), ...(standing && { standing }) };
      const key = viewKey(tenant, person, VIEW, ROW);
      return type === 'Visited' || !said ? [] : [{ key, row: { ...key, v, ...facts } }];
    }),
  causeOf: (key) => {
    const row = parseViewKey(key);
    return row?.view === VIEW && row.id === ROW ? { tenant: row.tenant, kind: 'profile', id: row.user } : undefined;
  },
};

type Reading = { consistent?: boolean };

/** A person as the row says; undefined for who never said anything, or was erased. */
export const readProfile = async (
  { ddb, env }: Pick<Deps, 'ddb' | 'env'>,
  { tenant, user }: Actor,
  { consistent = false }: Reading = {},
): Promise<(ProfileState & { profile: Profile }) | undefined> => {
  const Key = viewKey(tenant, user, VIEW, ROW);
  const item = await ddb.get({ TableName: env.VIEWS_TABLE, Key, ConsistentRead: consistent });
  const row = item && ProfileState.parse(item);
  return row?.profile && { ...row, profile: row.profile };
};

export type Seeker = { card: Card; said: Profile };

/**
 * Who looks at others, by one consistent read of their stream: that they were here is noted down once a day. What follows from
 * that is left to the streams.
 */
export const visit = async (
  deps: Deps,
  { tenant, user }: Actor,
): Promise<Seeker | Rejection<'no-profile' | 'no-place'>> => {
  const stream = { tenant, kind: 'profile', id: user } as const;
  // Not the moment, only the day.
  const at = `${deps.now().toISOString().slice(0, 10)}T00:00:00.000Z`;
  const command = { type: 'Visit' as const, person: user, at };
  const done = await execute(deps, profile, { stream, command, id: `visit:${deps.random.id()}`, dedupe: 'state' });
  if (isRejection(done)) return done;
  const { profile: said, active, standing } = done.state;
  if (!said) return { rejected: 'no-profile' };
  if (!said.place) return { rejected: 'no-place' };
  return { said, card: cardOfSeeker(said, said.place, { active, standing }, tenantOf(tenant).profile) };
};
