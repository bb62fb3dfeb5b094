/** Keys around purchases lead back to whom they are of, and to nobody else. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TenantId, UserId, uuidFrom } from '../../core/ids.ts';
import { chainKey, payloadKey, pointerKey } from '../../core/keys.ts';
import { parseChainKey, parseTokenOwnerKey, tokenOwnerKey, tokenOwnersKey } from '../../core/purchase-keys.ts';
import { ada, demo } from '../people.ts';

const Tenant = fc.stringMatching(/^[a-z][a-z0-9-]{1,30}$/).map((text) => TenantId.parse(text));
const User = fc
  .stringMatching(/^[A-Za-z0-9_.:|-]{1,64}$/)
  .filter((text) => UserId.safeParse(text).success)
  .map((text) => UserId.parse(text));

describe('the key of a token’s owner', () => {
  test('leads back to tenant, token and person', () =>
    fc.assert(
      fc.property(Tenant, fc.uuid(), User, (tenant, token, user) => {
        const key = tokenOwnerKey(tenant, token, user);
        expect(parseTokenOwnerKey(key)).toEqual({ tenant, token, user });
        expect(key.pk).toBe(tokenOwnersKey(tenant, token));
      }),
    ));
  test.each([
    ['a pointer', pointerKey(ada, { tenant: demo, kind: 'conversation', id: 'x' })],
    ['no token', { pk: 'demo#account-token', sk: 'account-token#usr_ada' }],
    ['another view', { pk: 'demo#account-token#x', sk: 'purchase#usr_ada' }],
    ['more than a person', { pk: 'demo#account-token#x', sk: 'account-token#usr_ada#more' }],
    ['nobody', { pk: 'demo#account-token#x', sk: 'account-token#a b' }],
  ])('of %s is none', (_, key) => expect(parseTokenOwnerKey(key)).toBeUndefined());
});

describe('the key of an entry', () => {
  test('leads back to its chain', () =>
    fc.assert(
      fc.property(Tenant, fc.stringMatching(/^[A-Za-z0-9.-]{1,128}$/), fc.integer({ min: 1 }), (tenant, chain, n) => {
        expect(parseChainKey(chainKey(tenant, chain, n))).toEqual({ tenant, chain });
      }),
    ));
  test('is not that of a payload', () => expect(parseChainKey(payloadKey(demo, 'c', 'x'))).toBeUndefined());
});

test('a UUID of a random id is of version 4, and another for another id', () =>
  fc.assert(
    fc.property(fc.uniqueArray(fc.string(), { minLength: 2, maxLength: 2 }), ([one = '', other = '']) => {
      expect(uuidFrom(one)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      expect(uuidFrom(one)).not.toBe(uuidFrom(other));
    }),
  ));
