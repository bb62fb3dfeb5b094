/** Many people in the tables in memory, and a brute-force opinion of whom each of them must be shown, by nobody's index. */
import { createHash } from 'node:crypto';
import { isRejection } from '../../core/decider.ts';
import { type Deps, makeDeps, ports } from '../../core/deps.ts';
import { tenantOf } from '../../core/env.ts';
import { execute } from '../../core/execute.ts';
import { TenantId, UserId } from '../../core/ids.ts';
import { viewKey } from '../../core/keys.ts';
import type { Standing } from '../../core/standing.ts';
import { raiseRow } from '../../core/views.ts';
import { type Deck, deckOf } from '../../functions/matching/deck.ts';
import { Profile, profile } from '../../functions/profiles/profile.ts';
import { changesOf } from '../../functions/views.ts';
import { specs } from '../memory.ts';
import { createDynamo } from '../sim/dynamo/dynamo.ts';
import { createDice, type Dice } from '../sim/random.ts';

export const tenant = TenantId.parse('demo');
export const NOON = Date.parse('2026-06-01T12:00:00.000Z');
export const DAY = 24 * 3600 * 1000;

export type Resident = { user: UserId; profile: Profile; active: string };
export type Town = ReturnType<typeof createTown>;

const nameOf = (n: number): UserId => UserId.parse(`usr_${String(n).padStart(5, '0')}`);

/** Clustered as people are: most in one city, others around, some far away; here and there one across the date line. */
const drawPlace = (dice: Dice): { lat: number; lon: number } => {
  const spread = dice.pick([0.05, 0.05, 0.2, 0.6, 2.5]);
  const round = (n: number) => Number(n.toFixed(2)) + 0;
  return {
    lat: round(52.52 + spread * (dice.unit() * 2 - 1)),
    lon: round(13.4 + 1.6 * spread * (dice.unit() * 2 - 1)),
  };
};

export const drawProfile = (dice: Dice): Profile => {
  const genders = ['woman', 'man', 'other'];
  const sought = dice.pick([['woman'], ['man'], ['woman', 'man'], genders, []]);
  const from = 18 + dice.below(20);
  const interests = dice
    .shuffled(['hiking', 'chess', 'jazz', 'Football', 'cooking'])
    .slice(0, dice.below(4))
    .join(', ');
  return Profile.parse({
    name: `Somebody ${dice.below(1000)}`,
    birthDate: `${1960 + dice.below(48)}-0${1 + dice.below(9)}-1${dice.below(10)}`,
    ...(dice.chance(0.5) && { bio: 'Something.' }),
    photos: [],
    attributes: {
      ...(dice.chance(0.95) && { gender: dice.pick(genders) }),
      ...(dice.chance(0.7) && { height: 150 + dice.below(60) }),
      ...(interests !== '' && { interests }),
      ...(dice.chance(0.5) && { intent: dice.pick(['friends', 'dates', 'for-life']) }),
    },
    ...(dice.chance(0.97) && { place: drawPlace(dice) }),
    seeking: {
      ...(dice.chance(0.7) && { ages: { from, to: from + 5 + dice.below(40) } }),
      ...(dice.chance(0.4) && { distance: dice.pick([3, 10, 25, 80, 150, 400]) }),
      ...(sought.length > 0 && { attributes: { gender: sought } }),
    },
    settings: { discoverable: dice.chance(0.95), presence: dice.chance(0.9) },
  });
};

export const createTown = () => {
  const dynamo = createDynamo(specs);
  const clock = { ms: NOON };
  const meter = { read: 0, write: 0 };
  let ids = 0;
  const deps: Deps = makeDeps(meter, {
    ...ports,
    send: async (command) => dynamo.send(command),
    now: () => new Date(clock.ms),
    random: { id: () => `id-${++ids}`, unit: () => 0 },
    sleep: async () => undefined,
    log: () => undefined,
  });
  const residents = new Map<UserId, Resident>();
  const seen = new Map<string, { type: string; at: string }>();
  const settle = async (user: UserId, said: Profile): Promise<void> => {
    const stream = { tenant, kind: 'profile', id: user } as const;
    const at = deps.now().toISOString();
    const command = { type: 'SetProfile' as const, person: user, profile: said, at };
    const done = await execute(deps, profile, { stream, command, id: deps.random.id(), by: user, dedupe: 'state' });
    if (isRejection(done)) throw new Error(done.rejected);
    if (!done.commit) return;
    for (const change of changesOf(stream, done.commit)) await raiseRow(deps, change);
    residents.set(user, { user, profile: said, active: said.settings.presence ? at.slice(0, 10) : '' });
  };
  const judge = async (user: UserId, standing: Standing): Promise<void> => {
    const stream = { tenant, kind: 'profile', id: user } as const;
    const at = deps.now().toISOString();
    const command = { type: 'Judge' as const, person: user, standing, asOf: ++versions, at };
    const done = await execute(deps, profile, { stream, command, id: deps.random.id(), dedupe: 'state' });
    if (isRejection(done) || !done.commit) throw new Error('nobody was judged');
    for (const change of changesOf(stream, done.commit)) await raiseRow(deps, change);
  };
  let versions = 0;
  const swipe = async (user: UserId, other: UserId, type: string, at = deps.now().toISOString()): Promise<void> => {
    seen.set(`${user} ${other}`, { type, at });
    const key = viewKey(tenant, user, 'seen', other);
    await raiseRow(deps, { key, row: { ...key, type, at, v: ++versions } });
  };
  const deck = async (user: UserId, limit = 20): Promise<Deck & { units: number }> => {
    const before = meter.read;
    const dealt = await deckOf(deps, { tenant, user }, limit);
    if (isRejection(dealt)) throw new Error(dealt.rejected);
    return { ...dealt, units: meter.read - before };
  };
  return { dynamo, deps, clock, meter, residents, seen, settle, judge, swipe, deck };
};

export const populate = async (town: Town, count: number, seed: number): Promise<void> => {
  for (let n = 0; n < count; n++) {
    const dice = createDice(seed, 'resident', String(n));
    // Most were here lately.
    town.clock.ms = NOON - dice.below(40) * DAY;
    await town.settle(nameOf(n), drawProfile(dice));
  }
  town.clock.ms = NOON;
};

const radians = (degrees: number): number => (degrees * Math.PI) / 180;
const apart = (a: { lat: number; lon: number }, b: { lat: number; lon: number }): number => {
  const [dLat, dLon] = [radians(b.lat - a.lat), radians(b.lon - a.lon)];
  const h = Math.sin(dLat / 2) ** 2 + Math.cos(radians(a.lat)) * Math.cos(radians(b.lat)) * Math.sin(dLon / 2) ** 2;
  return 2 * 6371.007180918475 * Math.asin(Math.sqrt(h));
};
export const kilometresBetween = (town: Town, a: string, b: string): number => {
  const [one, other] = [a, b].map((user) => town.residents.get(UserId.parse(user))?.profile.place);
  if (!one || !other) throw new Error('they are nowhere');
  return apart(one, other);
};
const ageAt = (birthDate: string, ms: number): number => {
  const today = new Date(ms).toISOString().slice(0, 10);
  return Number(today.slice(0, 4)) - Number(birthDate.slice(0, 4)) - (today.slice(5) < birthDate.slice(5) ? 1 : 0);
};

const wants = (a: Profile, b: Profile, ms: number): boolean => {
  const age = ageAt(b.birthDate, ms);
  const { from, to } = a.seeking.ages ?? { from: 18, to: 200 };
  const sought = a.seeking.attributes?.gender;
  const fitsGender = !Array.isArray(sought) || sought.includes(String(b.attributes.gender));
  return age >= 18 && age >= from && age <= to && fitsGender;
};

const set = (text: unknown): string[] =>
  String(text ?? '')
    .toLowerCase()
    .split(', ')
    .filter(Boolean);
const score = (a: Resident, b: Resident, ms: number): number => {
  const { weights } = tenantOf(tenant).matching;
  const days = b.active === '' ? 99 : Math.round((ms - (ms % DAY) - Date.parse(b.active)) / DAY);
  const said = b.profile;
  const filled = ((said.bio ? 1 : 0) + Object.keys(said.attributes).length) / (2 + 5);
  const [ia, ib] = [set(a.profile.attributes.interests), set(said.attributes.interests)];
  const both = ia.filter((each) => ib.includes(each)).length;
  const heights = [a.profile.attributes.height, said.attributes.height];
  const alike =
    (both > 0 ? both / new Set([...ia, ...ib]).size : 0) +
    (heights.includes(undefined) ? 0 : Math.max(0, 1 - Math.abs(Number(heights[0]) - Number(heights[1])) / 110)) +
    (a.profile.attributes.intent && a.profile.attributes.intent === said.attributes.intent ? 1 : 0);
  return Math.round(
    1000 *
      (weights.activity * Math.max(0, 1 - days / 30) +
        weights.completeness * (Math.round(filled * 100) / 100) +
        (weights.shared * alike) / 3),
  );
};
const lot = (...words: string[]): string =>
  createHash('sha256')
    .update(JSON.stringify(['deck', ...words]))
    .digest('base64url')
    .slice(0, 22);

const isOver = (town: Town, { type, at }: { type: string; at: string }): boolean => {
  const days = (town.clock.ms - Date.parse(at)) / DAY;
  const { rematch, passExpiresDays } = tenantOf(tenant).matching;
  if (type === 'none') return true;
  if (type === 'later') return days >= 1;
  if (type === 'pass') return days >= passExpiresDays;
  return type === 'unmatched' && rematch && days >= passExpiresDays;
};

/** Everybody whom `user` may be shown, by step and score. */
export const oracle = (town: Town, user: UserId): { user: UserId; step: number; score: number }[] => {
  const me = town.residents.get(user);
  const steps = tenantOf(tenant).matching.steps;
  const here = me?.profile.place;
  if (!me || !here) return [];
  return [...town.residents.values()]
    .flatMap((other) => {
      const { place, settings, seeking } = other.profile;
      if (other.user === user || !place || !settings.discoverable) return [];
      if (!wants(me.profile, other.profile, town.clock.ms) || !wants(other.profile, me.profile, town.clock.ms))
        return [];
      const km = apart(here, place);
      if (km > (me.profile.seeking.distance ?? 1e9) || km > (seeking.distance ?? 1e9)) return [];
      const step = steps.findIndex((each) => km <= each);
      const met = town.seen.get(`${user} ${other.user}`);
      if (step < 0 || (met && !isOver(town, met))) return [];
      return [{ user: other.user, step, score: score(me, other, town.clock.ms) }];
    })
    .sort((a, b) => a.step - b.step || b.score - a.score || (lot(user, a.user) < lot(user, b.user) ? -1 : 1));
};
