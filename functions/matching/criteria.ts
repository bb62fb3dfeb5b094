/**
 * Who may be shown to whom, and who comes first: what one is must be what the other seeks, both ways. A card is all of a person
 * that this takes. Pure.
 */
import { z } from 'zod';
import { digest, type UserId } from '../../core/ids.ts';
import type { Attribute, ProfileRules } from '../../core/tenant-people.ts';
import { kilometres } from './cells.ts';

const Value = z.union([z.string(), z.number(), z.boolean()]);
type Value = z.infer<typeof Value>;
const Wish = z.union([
  z.array(z.union([z.string(), z.boolean()])),
  z.object({ from: z.number().optional(), to: z.number().optional() }),
]);
type Wish = z.infer<typeof Wish>;

export const Card = z.object({
  /** Rounded latitude and longitude. */
  place: z.tuple([z.number(), z.number()]),
  born: z.iso.date(),
  is: z.record(z.string(), Value),
  seeks: z.object({
    ages: z.tuple([z.int(), z.int()]).optional(),
    km: z.number().optional(),
    is: z.record(z.string(), Wish).optional(),
  }),
  /** The day on which they were last here; absent for who does not show it. */
  active: z.iso.date().optional(),
  /** How much of what there is to say they have said, from 0 to 1. */
  filled: z.number(),
  /** Shown to nobody until then. */
  away: z.string().optional(),
});
export type Card = z.infer<typeof Card>;

export type Weights = { activity: number; completeness: number; shared: number };
export type Rules = { profile: ProfileRules; weights: Weights; ageOn: (born: string, now: Date) => number; now: Date };

const named = (rules: ProfileRules, kind: 'hard' | 'soft'): [string, Attribute][] =>
  Object.entries(rules.attributes).filter(([, { criterion }]) => criterion === kind);

/** Which criteria keep people apart, and which only sort them. */
export const criteriaOf = (rules: ProfileRules): { hard: string[]; soft: string[] } => ({
  hard: ['age', 'distance', ...named(rules, 'hard').map(([name]) => name)],
  soft: ['activity', 'completeness', ...named(rules, 'soft').map(([name]) => name)],
});

const grants = (wish: Wish | undefined, value: Value | undefined): boolean => {
  if (wish === undefined) return true;
  if (value === undefined) return false;
  if (Array.isArray(wish)) return wish.some((each) => each === value);
  const { from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY } = wish;
  return typeof value === 'number' && value >= from && value <= to;
};

const seeks = ({ seeks: wishes }: Card, other: Card, { profile, ageOn, now }: Rules): boolean => {
  const [from, to] = wishes.ages ?? [profile.minimumAge, Number.POSITIVE_INFINITY];
  const age = ageOn(other.born, now);
  if (age < from || age > to || age < profile.minimumAge) return false;
  return named(profile, 'hard').every(([name]) => grants(wishes.is?.[name], other.is[name]));
};

/** How far apart, if both seek what the other is; undefined if not. */
export const fits = (mine: Card, theirs: Card, rules: Rules): number | undefined => {
  if (theirs.away !== undefined && theirs.away > rules.now.toISOString()) return undefined;
  if (!seeks(mine, theirs, rules) || !seeks(theirs, mine, rules)) return undefined;
  const km = kilometres(mine.place, theirs.place);
  const most = Math.min(mine.seeks.km ?? Number.POSITIVE_INFINITY, theirs.seeks.km ?? Number.POSITIVE_INFINITY);
  return km <= most ? km : undefined;
};

const words = (text: string): Set<string> =>
  new Set(
    text
      .toLowerCase()
      .split(/[,;]/)
      .map((each) => each.trim())
      .filter((each) => each !== ''),
  );

const overlap = (one: string, other: string): number => {
  const [a, b] = [words(one), words(other)];
  const both = [...a].filter((each) => b.has(each)).length;
  return both === 0 ? 0 : both / (a.size + b.size - both);
};

/** How alike two are in one thing, from 0 to 1. */
const likeness = (attribute: Attribute, one: Value | undefined, other: Value | undefined): number => {
  if (one === undefined || other === undefined) return 0;
  if (attribute.type === 'text') return overlap(String(one), String(other));
  if (attribute.type !== 'number') return one === other ? 1 : 0;
  return Math.max(0, 1 - Math.abs(Number(one) - Number(other)) / (attribute.max - attribute.min));
};

const DAY_MS = 24 * 3600 * 1000;
/** Who was not here for so many days counts as never. */
const DAYS = 30;

const activity = ({ active }: Card, now: Date): number => {
  if (active === undefined) return 0;
  const days = Math.floor(now.getTime() / DAY_MS) - Math.floor(Date.parse(active) / DAY_MS);
  return Math.max(0, 1 - Math.max(0, days) / DAYS);
};

/** The greater comes first: thousandths, so that it is the same wherever it is reckoned. */
export const scoreOf = (mine: Card, theirs: Card, { profile, weights, now }: Rules): number => {
  const soft = named(profile, 'soft');
  const alike = soft.reduce((sum, [name, attribute]) => sum + likeness(attribute, mine.is[name], theirs.is[name]), 0);
  const shared = soft.length > 0 ? alike / soft.length : 0;
  const score =
    weights.activity * activity(theirs, now) + weights.completeness * theirs.filled + weights.shared * shared;
  return Math.round(score * 1000);
};

/** Among equals nobody is always the first: the order is another for each who looks. */
export const lot = (me: UserId, other: UserId): string => digest('deck', me, other);
