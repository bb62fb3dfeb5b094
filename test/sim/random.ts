/** Seeded randomness: the same seed and name always give the same numbers. */
import { createHash } from 'node:crypto';

export type Dice = {
  /** In [0, 1). */
  unit: () => number;
  /** A whole number in [0, n). */
  below: (n: number) => number;
  chance: (p: number) => boolean;
  pick: <T>(from: readonly T[]) => T;
  shuffled: <T>(list: readonly T[]) => T[];
};

/** mulberry32: 32 bits of state, good enough to choose schedules. */
const mulberry = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
};

/** @param names what it is for, so that one use does not disturb another */
export const createDice = (seed: number, ...names: string[]): Dice => {
  const start = createHash('sha256')
    .update(JSON.stringify([seed, ...names]))
    .digest()
    .readUInt32BE();
  const unit = mulberry(start);
  const below = (n: number): number => Math.floor(unit() * n);
  return {
    unit,
    below,
    chance: (p) => unit() < p,
    pick: (from) => {
      const found = from[below(from.length)];
      if (found === undefined) throw new Error('nothing to pick from');
      return found;
    },
    shuffled: (list) => {
      const copy = [...list];
      for (let i = copy.length - 1; i > 0; i--) {
        const j = below(i + 1);
        const [a, b] = [copy[i], copy[j]];
        if (a !== undefined && b !== undefined) [copy[i], copy[j]] = [b, a];
      }
      return copy;
    },
  };
};
