/**
 * How far a person has looked, and whom they found: one small item that all their devices share, and that can be thrown away at
 * any time. Then everything is looked at anew.
 */
import { z } from 'zod';
import { isFault } from '../../core/ddb.ts';
import { deckKey } from '../../core/deck-keys.ts';
import type { Deps } from '../../core/deps.ts';
import { type Actor, digest, UserId } from '../../core/ids.ts';
import { canonicalJson } from '../../core/json.ts';
import { errorName } from '../../core/log.ts';
import { type Card, lot } from './criteria.ts';

/** Somebody who fits, on which step they were found, and how well they fit. */
export type Found = { user: UserId; step: number; score: number };

/** So many wait at most; what comes after them stays in its cells until there is room. */
export const FOUND = 120;
const SECONDS = 7 * 24 * 3600;

const Entry = z
  .string()
  .transform((text) => {
    const [step, score, ...user] = text.split(':');
    return { step: Number(step), score: Number(score), user: user.join(':') };
  })
  .pipe(z.object({ step: z.int().min(0), score: z.int(), user: UserId }));

export const DeckState = z.object({
  /** What was looked for, and by which rules: otherwise everything begins anew. */
  of: z.string(),
  /** Where the look at all goes on: which cell of which step, after whom. */
  step: z.int().min(0),
  cell: z.int().min(0),
  /** The farthest step that was come to, also by the look before this one. */
  reached: z.int().min(0),
  after: z.string().optional(),
  began: z.string(),
  /** It has come to its end. */
  ended: z.boolean(),
  found: z.array(Entry),
  /** So many of the first ones were shown, and keep their places. */
  shown: z.int().min(0),
  /** More came than could be looked at: once more from the nearest on, before it goes farther. */
  missed: z.boolean(),
  /** Whoever came later has not been looked at. */
  since: z.string(),
});
export type DeckState = z.infer<typeof DeckState>;

/** Who was not here for so long does not count newcomers any more, and begins anew. */
const DAY_MS = 24 * 3600 * 1000;

/** What a reaction writes may show a little later. */
const MARGIN_MS = 60_000;
export const shortlyBefore = (now: Date): string => new Date(now.getTime() - MARGIN_MS).toISOString();

export const begin = (of: string, now: Date): DeckState => ({
  ...{ of, step: 0, cell: 0, reached: 0, ended: false, found: [], shown: 0, missed: false },
  began: now.toISOString(),
  since: shortlyBefore(now),
});

/** All that decides whom one may see, but not who comes first. */
export const looksFor = ({ place, born, is, seeks }: Card, rules: object): string =>
  digest('deck', canonicalJson({ place, born, is, seeks, rules }));

export const bytesOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));

/** @returns what is there as it lies there, and what it says if that still holds */
export const readDeck = async (
  { ddb, env, now }: Pick<Deps, 'ddb' | 'env' | 'now'>,
  { tenant, user }: Actor,
  of: string,
): Promise<{ bytes: number; isNew: boolean; state: DeckState }> => {
  const item = await ddb.get({ TableName: env.TRAIL_TABLE, Key: deckKey(tenant, user), ConsistentRead: true });
  const { data } = DeckState.safeParse(item);
  const at = now();
  const isGood = data?.of === of && at.getTime() - Date.parse(data.since) < DAY_MS;
  return { bytes: item ? bytesOf(item) : 0, isNew: !isGood, state: isGood ? data : begin(of, at) };
};

/** What is lost here is only the time that it took. */
export const keepDeck = async (deps: Deps, { tenant, user }: Actor, state: DeckState): Promise<void> => {
  const { found, ...rest } = state;
  const Item = {
    ...{ ...deckKey(tenant, user), ...rest },
    found: found.map(({ step, score, user: other }) => `${step}:${score}:${other}`),
    expires: Math.floor(deps.now().getTime() / 1000) + SECONDS,
  };
  try {
    await deps.ddb.put({ TableName: deps.env.TRAIL_TABLE, Item });
  } catch (error) {
    if (isFault(error)) throw error;
    deps.log({ level: 'warn', msg: 'deck not kept', tenant, user, error: errorName(error) });
  }
};

/** Nearer steps first, then who fits better; those that were shown stay where they are. */
export const sorted = (me: UserId, { found, shown }: DeckState): Found[] => [
  ...found.slice(0, shown),
  ...found
    .slice(shown)
    .map((each) => ({ each, lot: lot(me, each.user) }))
    .sort((a, b) => a.each.step - b.each.step || b.each.score - a.each.score || (a.lot < b.lot ? -1 : 1))
    .map(({ each }) => each),
];
