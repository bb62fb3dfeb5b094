/** Asked again, a store signs again: only what it says anew is kept. */
import { describe, expect, test } from 'vitest';
import type { Fact, Renewal, Transaction } from '../../functions/purchases/facts.ts';
import { isNews } from '../../functions/purchases/news.ts';

const transaction = (signed: number, more: Partial<Transaction> = {}): Transaction => ({
  ...{ id: '1', product: 'gold.monthly', kind: 'subscription', purchased: 1, expires: 100, quantity: 1 },
  ...{ ownership: 'own', upgraded: false, signed },
  ...more,
});
const renewal = (signed: number, more: Partial<Renewal> = {}): Renewal => ({
  ...{ product: 'gold.monthly', next: 'gold.monthly', renews: true, retrying: false, signed },
  ...more,
});
const fact = (signed: number, more: Partial<Fact> = {}): Fact => ({
  ...{ store: 'appstore', environment: 'sandbox', purchase: 'appstore-sandbox-1', what: 'STATUS', signed },
  ...more,
});
const said = fact(10, { transaction: transaction(10), renewal: renewal(10), verdict: 'active' });

describe('a statement is news', () => {
  test.each<[string, Fact[], Fact]>([
    ['where nothing was known', [], said],
    ['of another transaction', [said], fact(20, { transaction: transaction(20, { id: '2' }) })],
    ['where the transaction changed', [said], fact(20, { transaction: transaction(20, { revoked: { at: 15 } }) })],
    ['where the renewal changed', [said], fact(20, { renewal: renewal(20, { renews: false }) })],
    ['where the verdict changed', [said], fact(20, { transaction: transaction(20), verdict: 'expired' })],
    [
      'where it changed back',
      [said, fact(20, { renewal: renewal(20, { renews: false }), verdict: 'expired' })],
      fact(30, { renewal: renewal(30), verdict: 'active' }),
    ],
    [
      'where it changed back, in whatever order that is known',
      [fact(20, { renewal: renewal(20, { renews: false }) }), said],
      fact(30, { renewal: renewal(30) }),
    ],
  ])('%s', (_, known, fresh) => expect(isNews(known, fresh)).toBe(true));
});

const older = fact(10, { transaction: transaction(10) });

describe('a statement is none', () => {
  test.each<[string, Fact[], Fact]>([
    ['signed anew', [said], fact(20, { transaction: transaction(20), renewal: renewal(20), verdict: 'active' })],
    ['with less of the same', [said], fact(20, { transaction: transaction(20), what: 'TRANSACTION' })],
    [
      'known in parts',
      [fact(5, { transaction: transaction(5) }), fact(6, { renewal: renewal(6) })],
      fact(7, { transaction: transaction(7), renewal: renewal(7) }),
    ],
    ['about nothing', [], fact(1)],
    ['older than what is known', [fact(20, { transaction: transaction(20, { revoked: { at: 15 } }) })], older],
    [
      'of a renewal that is known better',
      [fact(20, { renewal: renewal(20, { renews: false }) })],
      fact(10, { renewal: renewal(10) }),
    ],
  ])('%s', (_, known, again) => expect(isNews(known, again)).toBe(false));
});
