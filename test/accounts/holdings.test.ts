/** What a person is told of their purchases: kept as it was last, counted once, in whatever order it comes. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type PersonCommand, type PersonEvent, person } from '../../functions/accounts/person.ts';
import type { Purchase } from '../../functions/purchases/purchase.ts';
import { given, play } from '../given.ts';
import { ada, at } from '../people.ts';

const gold: Purchase = {
  ...{ store: 'appstore', environment: 'sandbox', product: 'gold.monthly', kind: 'subscription', ownership: 'own' },
  ...{ purchased: 1000, until: 2000, retrying: false, renews: true, quantity: 1, refunded: 0 },
  ...{ transaction: '1', signed: 1000 },
};
const coins: Purchase = { ...gold, kind: 'consumable', product: 'coins', quantity: 5 };
const [dark, token] = [{ ...gold, kind: 'lasting', product: 'theme.dark' } as const, crypto.randomUUID()];

type Told = { id?: string; asOf: number; product?: string; purchase?: Purchase | undefined; units?: number };
const tell = ({ id = 'p1', asOf, purchase, product = purchase?.product ?? 'gold.monthly', units = 0 }: Told) => ({
  ...{ type: 'TellPurchase' as const, person: ada, id, asOf, product, units, at },
  ...(purchase && { purchase }),
});
const changed = (told: Told): PersonEvent => ({ ...tell(told), type: 'PurchaseChanged' });
const folded = (...events: PersonEvent[]) => events.reduce(person.evolve, person.initial);

describe('a person', () => {
  test('is told of a purchase', () =>
    given(person)
      .when(tell({ asOf: 1, purchase: gold }))
      .then(changed({ asOf: 1, purchase: gold })));
  test('is told also of what comes late, for its units count', () =>
    given(person, changed({ asOf: 2, purchase: coins, units: 2 }))
      .when(tell({ asOf: 1, purchase: coins, units: 3 }))
      .then(changed({ asOf: 1, purchase: coins, units: 3 })));
  test('has a purchase as it was said at the greater version, whichever came last', () => {
    const later = { asOf: 3, purchase: { ...gold, until: 9000 } };
    for (const events of [
      [changed({ asOf: 1, purchase: gold }), changed(later)],
      [changed(later), changed({ asOf: 1, purchase: gold })],
    ])
      expect(folded(...events).purchases).toEqual({ p1: later });
  });
  test('who lost a purchase does not have it back by what is said late', () =>
    expect(folded(changed({ asOf: 2 }), changed({ asOf: 1, purchase: gold })).purchases).toEqual({ p1: { asOf: 2 } }));
  test('has of what can be spent only a count, by product', () =>
    expect(
      folded(
        changed({ id: 'a', asOf: 1, purchase: coins, units: 5 }),
        changed({ id: 'b', asOf: 1, purchase: coins, units: 2 }),
        changed({ id: 'a', asOf: 2, purchase: coins, units: -5 }),
      ),
    ).toMatchObject({ purchases: {}, units: { coins: 2 } }));
  test('has products with the names of what every object has', () =>
    expect(
      folded(changed({ asOf: 1, product: 'constructor', purchase: { ...coins, product: 'constructor' }, units: 2 }))
        .units,
    ).toEqual({ constructor: 2 }));
  test('keeps a hundred purchases: those that last, and the newest', () => {
    const old = Array.from({ length: 150 }, (_, i) =>
      changed({ id: `p${i}`, asOf: 1, purchase: { ...gold, until: 1000 + i } }),
    );
    const { purchases = {} } = folded(changed({ id: 'theme', asOf: 1, purchase: dark }), ...old);
    expect(Object.keys(purchases)).toHaveLength(100);
    expect(Object.keys(purchases)).toEqual(expect.arrayContaining(['theme', 'p149', 'p51']));
    expect(purchases).not.toHaveProperty('p50');
  });
  test('makes one account token', () => {
    const make = (token: string): PersonCommand => ({ type: 'MakeAccountToken', person: ada, token, at });
    given(person).when(make(token)).then({ type: 'AccountTokenMade', person: ada, token, at });
    given(person, { type: 'AccountTokenMade', person: ada, token, at }).when(make(crypto.randomUUID())).then();
  });
  test('agrees, or does not, and says it once', () => {
    const set = (given: boolean): PersonCommand => ({ type: 'SetConsent', person: ada, given, at });
    const was = (given: boolean): PersonEvent => ({ type: 'ConsumptionConsentSet', person: ada, given, at });
    given(person).when(set(false)).then(was(false));
    given(person, was(true)).when(set(true)).then();
    given(person, was(true)).when(set(false)).then(was(false));
  });
  test('with all of it still is who it is about', () =>
    expect(person.audience(folded(changed({ asOf: 1, purchase: gold })))).toEqual([ada]));
});

test('in whatever order a person is told, they end with the same', () =>
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.tuple(fc.constantFrom('a', 'b'), fc.integer({ min: 1, max: 6 })), {
        selector: String,
        maxLength: 10,
      }),
      fc.infiniteStream(fc.integer({ min: -3, max: 3 })),
      fc.func(fc.nat()),
      (versions, units, order) => {
        const commands = versions.map(([id, asOf]) => {
          const purchase = asOf % 3 === 0 ? undefined : { ...(id === 'a' ? gold : dark), signed: asOf };
          return tell({ id, asOf, product: id, purchase, units: units.next().value ?? 0 });
        });
        const other = commands.toSorted((a, b) => order(a.id, a.asOf) - order(b.id, b.asOf));
        expect(folded(...play(person, other))).toEqual(folded(...play(person, commands)));
      },
    ),
    { numRuns: 500 },
  ));
