/**
 * The deck: people whom one may like. Everybody who fits both ways and was not seen yet comes up once, nearer steps first; what one
 * answer may read is bounded, and the next goes on from there.
 */
import { z } from 'zod';
import type { Rejection } from '../../core/decider.ts';
import { isRejection } from '../../core/decider.ts';
import type { Deps } from '../../core/deps.ts';
import { tenantOf } from '../../core/env.ts';
import type { Actor } from '../../core/ids.ts';
import { canonicalJson } from '../../core/json.ts';
import { ageOn, cardOf, Public, publicOf, readProfile, visit } from '../profiles.ts';
import { criteriaOf, fits, type Rules } from './criteria.ts';
import { GET, greet, type Look, scan } from './deck-scan.ts';
import { isOver } from './deck-seen.ts';
import { type Found, keepDeck, looksFor, readDeck, sorted } from './deck-state.ts';
import { readSeen } from './seen.ts';

const Shown = z.strictObject({ ...Public.shape, distance: z.int() });
type Shown = z.infer<typeof Shown>;
export const Deck = z.strictObject({
  people: z.array(Shown),
  criteria: z.strictObject({ hard: z.array(z.string()), soft: z.array(z.string()) }),
  /** How far was looked, in km. */
  widened: z.number(),
  /** There may be more people: ask again. */
  more: z.boolean(),
});
export type Deck = z.infer<typeof Deck>;

/** Read units for one answer: 50 for a deck of 20, of which its own profile takes some. */
const UNITS = 48;
const USUAL = 20;
const OWN_PROFILE = 3;
const EACH = 2 * GET;
/** Newcomers: their cells, and so many of their cards. */
const GREETING = 9;

const purseFor = (limit: number, bytes: number): { left: number } => ({
  left: UNITS + Math.max(0, limit - USUAL) * 1.5 - OWN_PROFILE - Math.max(1, Math.ceil(bytes / 4096)),
});

/** Is it still so, and was it not answered meanwhile? */
const examine = async (look: Look, { user, step }: Found): Promise<Shown | undefined> => {
  const { deps, actor, mine, rules, reaches, purse } = look;
  purse.left -= GET;
  const seen = await readSeen(deps, actor, user);
  if (seen && !isOver(seen, tenantOf(actor.tenant).matching, rules.now)) return undefined;
  purse.left -= GET;
  const row = await readProfile(deps, { tenant: actor.tenant, user });
  const card = row && cardOf(row, rules.profile);
  const km = card && fits(mine, card, rules);
  if (!row || km === undefined || km > (reaches[step] ?? 0)) return undefined;
  return { ...publicOf(user, row.profile, rules.profile, rules.now), distance: Math.max(1, Math.ceil(km)) };
};

/** From the first that was found on, until there are enough or the units are used up. */
const deal = async (look: Look, dealt: Shown[], limit: number): Promise<void> => {
  const { state, purse } = look;
  while (dealt.length < limit && state.found.length > dealt.length && purse.left >= EACH) {
    const from = dealt.length;
    const many = Math.min(limit - from, Math.floor(purse.left / EACH));
    const next = state.found.slice(from, from + many);
    const examined = await Promise.all(next.map(async (each) => ({ each, shown: await examine(look, each) })));
    const good = examined.filter(({ shown }) => shown !== undefined);
    const lost = examined.filter(({ shown }, i) => shown === undefined && from + i < state.shown).length;
    state.shown -= lost;
    state.found.splice(from, many, ...good.map(({ each }) => each));
    dealt.push(...good.flatMap(({ shown }) => shown ?? []));
  }
  state.shown = Math.max(state.shown, dealt.length);
};

const START = { step: 0, cell: 0, after: undefined };
const startAgain = ({ state, rules }: Look): void =>
  void Object.assign(state, { ...START, began: rules.now.toISOString(), ended: false, missed: false });

/** Looks further and deals, until there are enough, everybody was looked at, or the units are used up. */
const fill = async (look: Look, dealt: Shown[], limit: number): Promise<void> => {
  const { state, purse, reaches, actor } = look;
  for (let spare = (limit - dealt.length) * EACH; ; spare = purse.left / 2) {
    const before = purse.left;
    const isThrough = state.ended || (await scan(look, spare));
    state.found = sorted(actor.user, state);
    await deal(look, dealt, limit);
    if (dealt.length >= limit || state.found.length > dealt.length || state.ended) return;
    if (!isThrough && purse.left === before) return;
    if (!isThrough) continue;
    if (state.missed) startAgain(look);
    else if (state.step + 1 < reaches.length) Object.assign(state, { ...START, step: state.step + 1 });
    else state.ended = true;
  }
};

/** Those that were shown stay, newcomers get their places by rank, and then whoever else there is. */
const draw = async (look: Look, limit: number, isNew: boolean): Promise<Shown[]> => {
  const { state } = look;
  const dealt: Shown[] = [];
  const { ended } = state;
  if (state.shown > 0) {
    const rest = state.found.splice(state.shown);
    await deal(look, dealt, limit);
    state.found.push(...rest);
  }
  if (dealt.length >= limit) return dealt;
  if (!isNew && look.purse.left > GREETING) await greet(look);
  // What came to its end begins anew: passes end, and are undone.
  if (ended) startAgain(look);
  await fill(look, dealt, limit);
  return dealt;
};

const reachesOf = (steps: readonly number[], km = Number.POSITIVE_INFINITY): number[] => {
  const last = steps.findIndex((step) => step >= km);
  return (last < 0 ? steps : steps.slice(0, last + 1)).map((step) => Math.min(step, km));
};

export const deckOf = async (
  deps: Deps,
  actor: Actor,
  limit: number,
): Promise<Deck | Rejection<'no-profile' | 'no-place'>> => {
  const seeker = await visit(deps, actor);
  if (isRejection(seeker)) return seeker;
  const { profile, matching } = tenantOf(actor.tenant);
  const { steps, weights } = matching;
  const mine = seeker.card;
  const rules: Rules = { profile, weights, ageOn, now: deps.now() };
  const of = looksFor(mine, { attributes: profile.attributes, minimumAge: profile.minimumAge, steps, weights });
  const { bytes, state, isNew } = await readDeck(deps, actor, of);
  const before = canonicalJson(state);
  const reaches = reachesOf(steps, mine.seeks.km);
  const look: Look = { deps, actor, mine, rules, reaches, state, purse: purseFor(limit, bytes) };
  const people = await draw(look, limit, isNew);
  const farthest = Math.max(0, ...state.found.slice(0, people.length).map((each) => each.step));
  state.reached = people.length >= limit ? farthest : Math.max(state.reached, state.step, farthest);
  if (canonicalJson(state) !== before) await keepDeck(deps, actor, state);
  return {
    people,
    criteria: criteriaOf(profile),
    widened: steps[Math.min(state.reached, reaches.length - 1)] ?? 0,
    more: people.length < limit && !state.ended,
  };
};
