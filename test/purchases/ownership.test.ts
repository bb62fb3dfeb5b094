/** Whose a purchase is: the rules, as sentences. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type OwnershipCommand, type OwnershipEvent, ownership, unitsOf } from '../../functions/purchases/ownership.ts';
import type { Purchase } from '../../functions/purchases/purchase.ts';
import { given, play } from '../given.ts';
import { ada, at, ben, cleo } from '../people.ts';

export const gold: Purchase = {
  ...{ store: 'appstore', environment: 'sandbox', product: 'gold.monthly', kind: 'subscription', ownership: 'own' },
  ...{ purchased: 1000, until: 2000, retrying: false, renews: true, quantity: 1, refunded: 0 },
  ...{ transaction: '1', signed: 1000 },
};
const renewed: Purchase = { ...gold, until: 3000, transaction: '2', signed: 2000 };
const coins: Purchase = { ...gold, kind: 'consumable', product: 'coins', until: undefined, renews: false, quantity: 5 };
const family: Purchase = { ...gold, ownership: 'family' };

const assess = (n: number, purchase: Purchase, account?: typeof ada): OwnershipCommand => ({
  ...{ type: 'Assess', n, purchase, at },
  ...(account && { account }),
});
const claim = (by: typeof ada, transfer = false): OwnershipCommand => ({ type: 'Claim', by, transfer, at });
const assessed = (n: number, purchase: Purchase, owner?: typeof ada, units = 0): OwnershipEvent => ({
  ...{ type: 'Assessed', n, purchase, units, at },
  ...(owner && { owner }),
});
const claimed = (by: typeof ada, purchase: Purchase, units = 0): OwnershipEvent => ({
  ...{ type: 'Claimed', by, purchase, units, at },
});

describe('an assessment', () => {
  test('says what the purchase is, and nobody has it when no account is named', () =>
    given(ownership).when(assess(1, gold)).then(assessed(1, gold)));
  test('gives it to the person whose account was named', () =>
    given(ownership)
      .when(assess(1, gold, ada))
      .then(assessed(1, gold, ada)));
  test('gives it to them also when the account is known later', () =>
    given(ownership, assessed(1, gold))
      .when(assess(1, gold, ada))
      .then(assessed(1, gold, ada)));
  test('gives to nobody what a family shares', () =>
    given(ownership)
      .when(assess(1, family, ada))
      .then(assessed(1, family)));
  test('says nothing when it has seen less than the one before', () =>
    given(ownership, assessed(2, renewed, ada))
      .when(assess(1, gold, ada))
      .then());
  test('says nothing twice', () =>
    given(ownership, assessed(2, renewed, ada))
      .when(assess(2, renewed, ada))
      .then());
  test('only counts on when the same was signed again later', () =>
    given(ownership, assessed(1, gold, ada))
      .when(assess(2, { ...gold, signed: 9000 }, ada))
      .then({ type: 'Confirmed', n: 2, at }));
  test('that saw less is old also after nothing but a count', () =>
    given(ownership, assessed(1, gold, ada), { type: 'Confirmed', n: 3, at })
      .when(assess(2, renewed, ada))
      .then());
  test('says what is otherwise after the same entries, for the rules may be newer', () =>
    given(ownership, assessed(2, gold, ada))
      .when(assess(2, renewed, ada))
      .then(assessed(2, renewed, ada)));
  test('takes it from nobody: what is claimed stays when another account is named', () =>
    given(ownership, assessed(1, gold), claimed(ben, gold))
      .when(assess(2, renewed, ada))
      .then(assessed(2, renewed, ben)));
  test('is of no matter to who lost it: what was transferred stays there', () =>
    given(ownership, assessed(1, gold, ada), { type: 'Transferred', from: ada, to: ben, purchase: gold, units: 0, at })
      .when(assess(2, renewed, ada))
      .then(assessed(2, renewed, ben)));
});

describe('units of what can be spent', () => {
  test('are the quantity, less what was paid back', () =>
    expect([unitsOf(coins), unitsOf({ ...coins, refunded: 2 }), unitsOf(gold), unitsOf(undefined)]).toEqual([
      5, 3, 0, 0,
    ]));
  test('are gained once by who bought them', () =>
    given(ownership)
      .when(assess(1, coins, ada))
      .then(assessed(1, coins, ada, 5)));
  test('are lost when they are paid back, and come back when that is reversed', () => {
    const back = { ...coins, refunded: 5 };
    given(ownership, assessed(1, coins, ada, 5))
      .when(assess(2, back, ada))
      .then(assessed(2, back, ada, -5));
    given(ownership, assessed(1, coins, ada, 5), assessed(2, back, ada, -5))
      .when(assess(3, coins, ada))
      .then(assessed(3, coins, ada, 5));
  });
  test('are nobody’s until somebody has them, who then has what is left', () => {
    const less = { ...coins, refunded: 2 };
    given(ownership, assessed(1, coins), assessed(2, less))
      .when(claim(ada))
      .then(claimed(ada, less, 3));
    given(ownership, assessed(1, coins), assessed(2, less))
      .when(assess(2, less, ada))
      .then(assessed(2, less, ada, 3));
  });
});

describe('a claim', () => {
  test('of what nobody has makes it theirs', () =>
    given(ownership, assessed(1, gold)).when(claim(ben)).then(claimed(ben, gold)));
  test('of what a family shares makes it theirs', () =>
    given(ownership, assessed(1, family)).when(claim(ben)).then(claimed(ben, family)));
  test('of what they have says nothing', () =>
    given(ownership, assessed(1, gold, ada))
      .when(claim(ada, true))
      .then());
  test('of what another has is refused', () =>
    given(ownership, assessed(1, gold, ada))
      .when(claim(ben))
      .thenRejected('claimed-by-another'));
  test('of what another has moves it where the tenant transfers', () =>
    given(ownership, assessed(1, gold, ada))
      .when(claim(ben, true))
      .then({ type: 'Transferred', from: ada, to: ben, purchase: gold, units: 0, at }));
  test('of what can be spent never moves it', () =>
    given(ownership, assessed(1, coins, ada, 5))
      .when(claim(ben, true))
      .thenRejected('claimed-by-another'));
  test('of what was never assessed is a mistake of ours', () =>
    expect(() => given(ownership).when(claim(ben))).toThrow(/assessed/));
});

test('nobody is told of the stream itself', () => expect(ownership.audience({ n: 1, owner: ada })).toEqual([]));

describe('whatever is said in whatever order', () => {
  const people = [ada, ben, cleo];
  const Person = fc.constantFrom(...people);
  const Command: fc.Arbitrary<OwnershipCommand> = fc.oneof(
    fc
      .tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 0, max: 5 }), fc.option(Person, { nil: undefined }))
      .map(([n, refunded, account]) => assess(n, { ...coins, refunded }, account)),
    fc.tuple(Person, fc.boolean()).map(([by, transfer]) => claim(by, transfer)),
  );
  test('the units of all people are those of the purchase, and its owner’s alone', () =>
    fc.assert(
      fc.property(fc.array(Command, { maxLength: 30 }), (commands) => {
        const history = play(ownership, [assess(1, coins), ...commands]);
        const has = new Map<string, number>();
        const give = (to: string, units: number) => has.set(to, (has.get(to) ?? 0) + units);
        for (const event of history) {
          if (event.type === 'Assessed' && event.owner) give(event.owner, event.units);
          if (event.type === 'Claimed') give(event.by, event.units);
        }
        const { owner, purchase } = history.reduce(ownership.evolve, ownership.initial);
        expect([...has].filter(([, units]) => units !== 0)).toEqual(
          owner && unitsOf(purchase) > 0 ? [[owner, unitsOf(purchase)]] : [],
        );
      }),
      { numRuns: 2000 },
    ));
  test('the count of entries never goes down, and one who has it keeps it without a transfer', () =>
    fc.assert(
      fc.property(fc.array(Command, { maxLength: 30 }), (commands) => {
        let state = ownership.initial;
        for (const event of play(ownership, [assess(1, gold), ...commands])) {
          const next = ownership.evolve(state, event);
          expect(next.n).toBeGreaterThanOrEqual(state.n);
          if (state.owner && event.type !== 'Transferred') expect(next.owner).toBe(state.owner);
          state = next;
        }
      }),
      { numRuns: 500 },
    ));
});
