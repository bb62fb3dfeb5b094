import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalJson } from '../../core/json.ts';
import type { Fact } from '../../functions/purchases/facts.ts';
import { accountOf, disagreements, fold, isEntitled, statusAt } from '../../functions/purchases/purchase.ts';
import { chainsOf, live, Steps } from './lives.ts';

const LIVES = { numRuns: 1000 };
const ORDERS = 50;
/** A few seconds of one core; more where others share it. */
const PATIENCE = 120_000;
const VERDICTS = [undefined, 'active', 'expired', 'retry', 'grace', 'revoked'];

/** Numbers from a seed: the same orders for the same life. */
const numbers = (seed: number) => () => {
  seed = (seed * 1_664_525 + 1_013_904_223) >>> 0;
  return seed / 2 ** 32;
};
/** Each at least once, some again, a part of them before the rest. */
const shuffled = (facts: readonly Fact[], copies: readonly Fact[], next: () => number): Fact[] => {
  const all = [...facts, ...copies.filter(() => next() < 0.3)];
  for (let i = all.length - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1));
    [all[i], all[j]] = [all[j] as Fact, all[i] as Fact];
  }
  return all;
};

describe('a life, whatever happens in it', () => {
  test(
    'folds to the same bytes in every order, with repetitions, and a part before the rest',
    () =>
      fc.assert(
        fc.property(Steps, fc.nat(), (steps, seed) => {
          const next = numbers(seed);
          for (const facts of chainsOf(live(steps).facts).values()) {
            const copies = structuredClone(facts);
            const once = canonicalJson(fold(facts));
            for (let i = 0; i < ORDERS; i++) {
              const order = shuffled(facts, copies, next);
              if (i % 5 === 0) fold(order.slice(0, Math.floor(next() * order.length)));
              const bytes = canonicalJson(fold(order));
              if (bytes !== once) expect(bytes).toBe(once);
            }
            const order = shuffled(facts, copies, next);
            expect([accountOf(order), disagreements(order)]).toEqual([accountOf(facts), disagreements(facts)]);
          }
        }),
        LIVES,
      ),
    PATIENCE,
  );

  test(
    'stands as the store says, at every signature and between them',
    () =>
      fc.assert(
        fc.property(Steps, (steps) => {
          const { facts, seen } = live(steps);
          const chains = chainsOf(facts);
          for (const { original, at, ...theirs } of seen) {
            const chain = chains.get(`appstore-production-${original}`) ?? [];
            const ours = fold(chain.filter(({ signed }) => signed <= at));
            if (!ours) throw new Error('it was bought, and nobody said so');
            const { product, renews, next = product, transaction, quantity } = ours;
            const stands = { product, entitled: isEntitled(ours, at), transaction };
            expect(stands).toEqual({
              product: theirs.product,
              entitled: theirs.entitled,
              transaction: theirs.transaction,
            });
            if (theirs.kind === 'Consumable') expect(quantity).toBe(theirs.units);
            if (!theirs.status) continue;
            expect([statusAt(ours, at), renews]).toEqual([VERDICTS[theirs.status], theirs.renews]);
            if (renews) expect(next).toBe(theirs.next);
          }
          for (const chain of chains.values()) expect(disagreements(chain)).toEqual([]);
        }),
        LIVES,
      ),
    PATIENCE,
  );
});
