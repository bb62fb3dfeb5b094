/** What Apple is told of a refund: only what the tenant says, only of who agreed, only in time. */
import { describe, expect, test } from 'vitest';
import { bodyOf, latestRequest, requestOf } from '../../functions/purchases/appstore-consumption.ts';
import { CONSUMPTION_MS, consumptionOf, type Policy } from '../../functions/purchases/consumption.ts';
import type { Fact, Transaction } from '../../functions/purchases/facts.ts';

const NOW = Date.parse('2026-06-01T00:00:00.000Z');
const policy: Policy = { sampleContentProvided: true };
const transaction: Transaction = {
  ...{ id: '1', product: 'coins.100', kind: 'consumable', purchased: NOW - 5, quantity: 1 },
  ...{ ownership: 'own', upgraded: false, signed: NOW },
};
const request = { transaction, at: NOW - 1 };
const about = { policy, consent: true, request, now: NOW };

describe('the policy', () => {
  test('tells what the tenant says of whoever agreed', () =>
    expect(consumptionOf(about)).toEqual({ policy, kind: 'consumable' }));
  test.each([
    ['no policy', { policy: undefined }],
    ['no consent', { consent: false }],
    ['nobody has it', { consent: undefined }],
    ['not asked', { request: undefined }],
    ['too late', { now: request.at + CONSUMPTION_MS }],
    ['no policy', { policy: undefined, consent: undefined, request: undefined }],
  ])('is silent for the reason: %s', (silent, change) =>
    expect(consumptionOf({ ...about, ...change })).toEqual({ silent }),
  );
  test('tells until the last moment of the twelve hours', () =>
    expect(consumptionOf({ ...about, now: request.at + CONSUMPTION_MS - 1 })).not.toHaveProperty('silent'));
});

describe('the body', () => {
  test('is that of the second version, and no more than that', () =>
    expect(bodyOf({ policy, kind: 'consumable' })).toEqual({
      customerConsented: true,
      deliveryStatus: 'DELIVERED',
      sampleContentProvided: true,
    }));
  test.each([
    ['DECLINE', 'consumable', 'DECLINE'],
    ['GRANT_FULL', 'lasting', 'GRANT_FULL'],
    ['GRANT_PRORATED', 'subscription', 'GRANT_PRORATED'],
    ['GRANT_PRORATED', 'consumable', undefined],
    ['GRANT_PRORATED', 'lasting', undefined],
    ['GRANT_PRORATED', 'non-renewing', undefined],
  ] as const)('wishes %s for what is %s as %s', (refundPreference, kind, wish) =>
    expect(bodyOf({ policy: { ...policy, refundPreference }, kind }).refundPreference).toBe(wish),
  );
});

describe('the request', () => {
  const fact = (what: string, signed: number, id = '1'): Fact => ({
    ...{ store: 'appstore', environment: 'production', purchase: 'appstore-production-1' },
    ...{ what, signed, transaction: { ...transaction, id } },
  });
  test('is the latest of those about the transaction, in any order', () => {
    const facts = [
      fact('CONSUMPTION_REQUEST', 3),
      fact('CONSUMPTION_REQUEST', 9),
      fact('CONSUMPTION_REQUEST', 11, '2'),
      fact('REFUND', 12),
      fact('CONSUMPTION_REQUEST', 5),
    ];
    expect(latestRequest(facts, '1')?.at).toBe(9);
    expect(latestRequest(facts.toReversed(), '1')?.at).toBe(9);
    expect(latestRequest(facts, '3')).toBeUndefined();
  });
  test('is nothing else that is said', () => {
    expect(requestOf(fact('REFUND', 1))).toBeUndefined();
    expect(requestOf({ what: 'CONSUMPTION_REQUEST' })).toBeUndefined();
  });
});
