import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalJson } from '../../core/json.ts';
import type { Fact, Renewal, Transaction } from '../../functions/purchases/facts.ts';
import {
  accountOf,
  disagreements,
  entitledUntil,
  fold,
  isEntitled,
  Purchase,
  statusAt,
} from '../../functions/purchases/purchase.ts';

const DAY = 86_400_000;
const START = Date.UTC(2026, 0, 1);
/** Days since the start. */
const day = (days: number): number => START + days * DAY;

const ada = '00000000-0000-4000-8000-00000000000a';
const ben = '00000000-0000-4000-8000-00000000000b';

const charge = (more: Partial<Transaction> = {}): Transaction => ({
  id: 't1',
  product: 'gold',
  kind: 'subscription',
  purchased: day(0),
  expires: day(30),
  quantity: 1,
  ownership: 'own',
  upgraded: false,
  signed: day(0),
  ...more,
});
const intent = (more: Partial<Renewal> = {}): Renewal => ({
  product: 'gold',
  next: 'gold',
  renews: true,
  retrying: false,
  signed: day(0),
  ...more,
});
type Signed = { transaction?: Partial<Transaction>; renewal?: Partial<Renewal>; verdict?: Fact['verdict'] };
/** Everything in it is signed on one day. */
const signed = (days: number, { transaction, renewal, verdict }: Signed): Fact => ({
  store: 'appstore',
  environment: 'sandbox',
  purchase: 'appstore-sandbox-t1',
  ...(transaction && { transaction: charge({ signed: day(days), ...transaction }) }),
  ...(renewal && { renewal: intent({ signed: day(days), ...renewal }) }),
  ...(verdict && { verdict }),
  what: '',
  signed: day(days),
});

const bought = signed(0, { transaction: {}, renewal: {}, verdict: 'active' });
const second = { id: 't2', purchased: day(30), expires: day(60) };
const renewed = signed(30, { transaction: second, renewal: {}, verdict: 'active' });
const statusOn = (days: number, ...facts: Fact[]) => {
  const purchase = fold(facts);
  return purchase && statusAt(purchase, day(days));
};
const folded = (...facts: Fact[]): Purchase => Purchase.parse(fold(facts));

describe('a purchase', () => {
  test('is nothing before a transaction is known', () => {
    expect(fold([])).toBeUndefined();
    expect(fold([signed(0, { renewal: {} })])).toBeUndefined();
  });

  test('is these bytes', () =>
    expect(
      canonicalJson(fold([renewed, bought, signed(31, { transaction: second, renewal: { next: 'silver' } })])),
    ).toBe(
      '{"environment":"sandbox","kind":"subscription","next":"silver","ownership":"own","product":"gold","purchased":1769817600000,"quantity":1,"refunded":0,"renews":true,"retrying":false,"signed":1769904000000,"store":"appstore","transaction":"t2","until":1772409600000}',
    ));

  test('gives access until the very millisecond at which it is no longer paid', () => {
    expect([isEntitled(folded(bought), day(30) - 1), isEntitled(folded(bought), day(30))]).toEqual([true, false]);
    expect(statusOn(30, bought)).toBe('expired');
  });

  test('stays refunded when a renewal of before the refund comes late', () => {
    const refunded = signed(35, { transaction: { ...second, revoked: { at: day(35) } }, renewal: { renews: false } });
    expect(statusOn(36, bought, refunded, renewed)).toBe('revoked');
    expect(entitledUntil(folded(bought, refunded, renewed))).toBe(day(35));
  });

  test('is back when the refund was reversed, whichever of the two is heard first', () => {
    const refunded = signed(35, { transaction: { ...second, revoked: { at: day(35) } } });
    const reversed = signed(40, { transaction: second });
    expect(statusOn(41, reversed, refunded, renewed)).toBe('active');
    expect(statusOn(41, refunded, reversed)).toBe('active');
  });

  test('has not expired when it was renewed after that was signed', () => {
    const expired = signed(31, { transaction: {}, renewal: { renews: false, expiredBecause: 'billing' } });
    const again = signed(33, { transaction: { ...second, purchased: day(33), expires: day(63) }, renewal: {} });
    expect(folded(again, expired)).toEqual(folded(expired, again));
    expect(statusOn(34, again, expired, bought)).toBe('active');
    expect(folded(again, expired).expiredBecause).toBeUndefined();
  });

  test('gives access in a grace period, and none while the charge is only tried again', () => {
    const failed = signed(30, { transaction: {}, renewal: { retrying: true, graceUntil: day(36) } });
    expect([35, 36].map((on) => statusOn(on, bought, failed))).toEqual(['grace', 'retry']);
    expect([35, 36].map((on) => isEntitled(folded(bought, failed), day(on)))).toEqual([true, false]);
    const ended = signed(90, { transaction: {}, renewal: { renews: false, graceUntil: day(100) } });
    expect(statusOn(91, bought, failed, ended)).toBe('expired');
  });

  test('of a device that tells no intention is not in the retry of the period before', () => {
    const failed = signed(30, { transaction: {}, renewal: { retrying: true, graceUntil: day(99), renews: false } });
    const handedIn = signed(40, { transaction: { ...second, purchased: day(32), expires: day(62) } });
    expect([folded(failed, handedIn).renews, statusOn(63, handedIn, failed)]).toEqual([true, 'expired']);
    const said = signed(45, {
      transaction: { ...second, purchased: day(32), expires: day(62) },
      renewal: { renews: false },
    });
    expect(folded(said, failed, handedIn).renews).toBe(false);
  });

  test('takes the intention signed beside it, be it milliseconds older than the transaction', () => {
    const failed = signed(30, { transaction: second, renewal: { signed: day(30) - 9, renews: false } });
    expect(folded(failed, bought).renews).toBe(false);
  });

  test('keeps an intention that came with another transaction when the current one is handed in again', () => {
    const refunded = signed(40, { transaction: { revoked: { at: day(40) } }, renewal: { renews: false } });
    const again = signed(45, { transaction: second });
    expect(folded(bought, renewed, refunded, again).renews).toBe(false);
  });

  test('loses nothing by the refund of a period that is over', () => {
    const refunded = signed(40, { transaction: { revoked: { at: day(40) } }, renewal: {} });
    expect(statusOn(41, bought, renewed, refunded)).toBe('active');
    expect(folded(bought, renewed, refunded).revoked).toBeUndefined();
  });

  test('loses nothing by the refund of a period that had not begun', () => {
    const refunded = signed(29, { transaction: { ...second, revoked: { at: day(29) } }, renewal: { renews: false } });
    expect([29, 30].map((on) => statusOn(on, bought, refunded))).toEqual(['active', 'expired']);
  });

  test('ends with a prorated refund: what was paid back was the time that was left', () => {
    const refunded = signed(15, { transaction: { revoked: { at: day(15), percent: 50 } }, renewal: { renews: false } });
    expect([14, 15].map((on) => isEntitled(folded(bought, refunded), day(on)))).toEqual([true, false]);
    expect(folded(bought, refunded).revoked).toEqual({ at: day(15), percent: 50 });
  });
});

describe('a change of product', () => {
  const better = { id: 't3', product: 'platinum', purchased: day(10), expires: day(40) };

  test('to a better one holds at once, also when nothing was said of the old transaction', () => {
    const upgraded = signed(10, { transaction: better, renewal: { product: 'platinum', next: 'platinum' } });
    const year = signed(0, { transaction: { expires: day(365) }, renewal: {} });
    expect([folded(upgraded, year).product, folded(upgraded, year).until]).toEqual(['platinum', day(40)]);
    const restated = signed(11, { transaction: { expires: day(365), upgraded: true, revoked: { at: day(10) } } });
    expect(folded(restated, upgraded, year)).toEqual(folded(upgraded, year));
  });

  test('holds on the day before a renewal that was charged already', () => {
    const early = signed(29.5, { transaction: second, renewal: {}, verdict: 'active' });
    const platinum = { ...better, purchased: day(29.7), expires: day(59.7) };
    const upgraded = signed(29.7, { transaction: platinum, renewal: { product: 'platinum', next: 'platinum' } });
    expect(folded(early, upgraded, bought).product).toBe('platinum');
    const declined = signed(31, { transaction: {}, renewal: { product: 'platinum', next: 'platinum' } });
    expect(folded(declined, early, upgraded, bought).product).toBe('platinum');
  });

  test('leaves a period that was charged already and gave way to it', () => {
    const early = signed(29.5, { transaction: second, renewal: {} });
    const platinum = signed(29.7, { transaction: { ...better, purchased: day(29.7), expires: day(59.7) } });
    const gone = signed(29.8, { transaction: { ...second, upgraded: true } });
    expect([folded(bought, early, platinum).product, folded(gone, bought, early, platinum).product]).toEqual([
      'gold',
      'platinum',
    ]);
  });

  test('to a lesser one waits for the end of the period, and is no change of what is current', () => {
    const downgraded = signed(10, { transaction: {}, renewal: { next: 'silver' } });
    expect(folded(bought, downgraded)).toMatchObject({ product: 'gold', next: 'silver' });
    const cancelled = signed(11, { transaction: {}, renewal: { next: 'silver', renews: false } });
    expect(folded(bought, downgraded, cancelled).next).toBeUndefined();
    const early = { ...second, product: 'silver' };
    const charged = signed(29.5, { transaction: early, renewal: { product: 'gold', next: 'silver' } });
    expect(folded(bought, downgraded, charged)).toMatchObject({ product: 'silver', until: day(60) });
  });

  test('leaves the upgraded one in place as long as nothing else is known', () => {
    const only = signed(10, { transaction: { upgraded: true } });
    expect(statusOn(11, only)).toBe('active');
  });
});

describe('what is not a subscription', () => {
  const coins = (more: Partial<Transaction> = {}): Fact => {
    const { expires: _, ...transaction } = charge({ kind: 'consumable', product: 'coins', ...more });
    return { ...signed(0, {}), transaction, signed: transaction.signed };
  };

  test.each([
    ['a third of three, rounded', 3, 33.333, 1, 'consumed'],
    ['half of ten', 10, 50, 5, 'consumed'],
    ['less than the one', 1, 40, 0, 'consumed'],
    ['all, when nothing is said', 10, undefined, 10, 'revoked'],
    ['all', 7, 100, 7, 'revoked'],
  ] as const)('consumables are taken back in whole units: %s', (_, quantity, percent, refunded, status) => {
    const revoked = { at: day(3), ...(percent !== undefined && { percent }) };
    const facts = [coins({ quantity, revoked, signed: day(3) }), coins({ quantity })];
    expect([folded(...facts).refunded, statusOn(4, ...facts), isEntitled(folded(...facts), day(1))]).toEqual([
      refunded,
      status,
      false,
    ]);
  });

  test('consumables of one chain are counted together', () =>
    expect(folded(coins({ quantity: 2 }), coins({ id: 't2', quantity: 3 }))).toMatchObject({
      quantity: 5,
      refunded: 0,
    }));

  test.each(['lasting', 'non-renewing'] as const)('%s has no end of its own, until it is revoked', (kind) => {
    const owned = coins({ kind });
    expect([entitledUntil(folded(owned)), statusOn(9999, owned)]).toEqual([undefined, 'active']);
    const revoked = coins({ kind, revoked: { at: day(5) }, signed: day(5) });
    expect([4, 5].map((on) => statusOn(on, revoked, owned))).toEqual(['active', 'revoked']);
    expect(entitledUntil(folded(revoked))).toBe(day(5));
  });

  test('a subscription without an end gives nothing', () => {
    const endless = coins({ kind: 'subscription' });
    expect([statusOn(1, endless), isEntitled(folded(endless), day(1))]).toEqual(['expired', false]);
  });
});

describe('a promise paid in parts', () => {
  const part = { commitment: { until: day(360), period: 2, of: 12 } };
  test('gives access for what is paid, and says how long it runs', () => {
    const cancelled = signed(1, { transaction: part, renewal: { renews: true, recommits: false } });
    expect(folded(cancelled)).toMatchObject({
      until: day(30),
      renews: true,
      commitment: { until: day(360), period: 2, of: 12, renews: false },
    });
    expect(statusOn(31, cancelled)).toBe('expired');
  });
});

describe('whose it is', () => {
  test('is said by the transaction that was bought last and names an account', () => {
    const adas = signed(0, { transaction: { account: ada } });
    const bens = signed(30, { transaction: { ...second, account: ben } });
    const third = signed(60, { transaction: { id: 't3', purchased: day(60), expires: day(90) } });
    expect(accountOf([third, bens, adas])).toBe(ben);
    expect(accountOf([signed(70, { transaction: { account: ada } }), bens, third])).toBe(ben);
    expect(accountOf([third])).toBeUndefined();
  });
  test('is never said by what a family shares', () =>
    expect(accountOf([signed(0, { transaction: { account: ada, ownership: 'family' } })])).toBeUndefined());
});

describe('facts', () => {
  test('of two purchases are not folded into one', () =>
    expect(() => fold([bought, { ...bought, purchase: 'appstore-production-t1' }])).toThrow('facts of one purchase'));

  test('signed at once that differ give one result, whichever is heard first', () => {
    const [one, other] = [signed(3, { transaction: { product: 'a' } }), signed(3, { transaction: { product: 'b' } })];
    expect(fold([one, other])).toEqual(fold([other, one]));
    const [renews, not] = [signed(3, { renewal: { renews: false } }), signed(3, { renewal: {} })];
    expect(fold([bought, renews, not])).toEqual(fold([bought, not, renews]));
  });

  /** Few values, so that ids, times and signatures meet. */
  const time = fc.integer({ min: 0, max: 3 }).map(day);
  const some = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
  const anyFact = fc
    .record({
      id: fc.constantFrom('t1', 't2', 't3'),
      product: fc.constantFrom('gold', 'silver'),
      kind: fc.constantFrom('subscription' as const, 'consumable' as const),
      times: fc.tuple(time, time, time, time, time),
      revoked: some(time),
      renewal: fc.boolean(),
      flags: fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()),
      verdict: some(fc.constantFrom('active' as const, 'expired' as const)),
      account: some(fc.constantFrom(ada, ben)),
    })
    .map(({ id, product, kind, times, revoked, renewal, flags, verdict, account }): Fact => {
      const [purchased, expires, at, later, last] = times;
      const [upgraded, retrying, renews] = flags;
      const transaction = { id, product, kind, purchased, expires, upgraded, signed: at };
      return {
        ...signed(0, {
          transaction: { ...transaction, ...(revoked && { revoked: { at: revoked } }), ...(account && { account }) },
          ...(renewal && { renewal: { product, retrying, renews, graceUntil: last, signed: later } }),
          ...(verdict && { verdict }),
        }),
        signed: last,
      };
    });

  test(
    'that no store would sign give one result too, and its answers agree with each other',
    () =>
      fc.assert(
        fc.property(
          fc.array(anyFact, { minLength: 1, maxLength: 8 }),
          fc.infiniteStream(fc.nat()),
          time,
          (facts, order, at) => {
            const mixed = facts
              .concat(structuredClone(facts))
              .map((fact) => ({ fact, by: order.next().value }))
              .sort((a, b) => a.by - b.by)
              .map(({ fact }) => fact);
            const [one, other] = [folded(...facts), folded(...mixed)];
            expect(canonicalJson(other)).toBe(canonicalJson(one));
            expect([accountOf(mixed), disagreements(mixed)]).toEqual([accountOf(facts), disagreements(facts)]);
            const until = entitledUntil(one) ?? Number.POSITIVE_INFINITY;
            expect(isEntitled(one, at)).toBe(at < until);
            expect(['active', 'grace'].includes(statusAt(one, at))).toBe(isEntitled(one, at));
          },
        ),
        { numRuns: 1000 },
      ),
    120_000,
  );
});

describe('disagreements', () => {
  test('are where the store judged what was signed until then differently', () => {
    const wrong = signed(40, { transaction: second, renewal: {}, verdict: 'expired' });
    expect(disagreements([renewed, wrong, bought, wrong])).toEqual([
      { signed: day(40), ours: 'active', theirs: 'expired' },
    ]);
  });
  test('are not in what was right when it was signed and is over by now', () => {
    const refunded = signed(40, { transaction: { ...second, revoked: { at: day(40) } }, verdict: 'revoked' });
    expect(disagreements([refunded, renewed, bought])).toEqual([]);
  });
  test('are in a verdict about what we know nothing of', () =>
    expect(disagreements([signed(1, { verdict: 'active' })])).toEqual([
      { signed: day(1), ours: 'nothing', theirs: 'active' },
    ]));
});
