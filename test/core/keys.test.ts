import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { UserId } from '../../core/ids.ts';
import {
  inboxKey,
  joinKey,
  kindPrefix,
  parseEventKey,
  parseSortable,
  parseStreamName,
  parseViewKey,
  pointerKey,
  receiptKey,
  sortable,
  splitKey,
  streamName,
  versionKey,
  viewKey,
  viewPrefix,
} from '../../core/keys.ts';
import { ada, aurora, demo } from '../people.ts';

const segment = fc.oneof(fc.string(), fc.stringMatching(/^[#%25 3]{0,6}$/));

describe('a key', () => {
  test('comes from one list of segments only', () => {
    fc.assert(
      fc.property(fc.array(segment, { minLength: 1 }), fc.array(segment, { minLength: 1 }), (a, b) => {
        expect(joinKey(...a) === joinKey(...b)).toBe(JSON.stringify(a) === JSON.stringify(b));
      }),
      { numRuns: 5000 },
    );
  });
  test('gives its segments back', () => {
    fc.assert(fc.property(fc.array(segment, { minLength: 1 }), (a) => void expect(splitKey(joinKey(...a))).toEqual(a)));
  });
  test('begins with the tenant, so that equal ids of two tenants never meet', () => {
    const stream = { kind: 'conversation', id: 'cnv_1' } as const;
    expect(versionKey({ tenant: demo, ...stream }, 1).pk).not.toBe(versionKey({ tenant: aurora, ...stream }, 1).pk);
    expect(inboxKey(demo, ada).startsWith('demo#')).toBe(true);
  });
  test('is no prefix of a longer id', () => {
    const u1 = UserId.parse('u1');
    expect(inboxKey(demo, UserId.parse('u10')).startsWith(`${inboxKey(demo, u1)}#`)).toBe(false);
    expect(
      pointerKey(u1, { tenant: demo, kind: 'conversation', id: 'x' }).sk.startsWith(kindPrefix('conversation')),
    ).toBe(true);
    expect(joinKey('matches', 'x').startsWith(viewPrefix('match'))).toBe(false);
  });
});

describe('a number in a sort key', () => {
  const version = fc.oneof(fc.nat(), fc.maxSafeNat());
  test('sorts as text like the number', () => {
    fc.assert(
      fc.property(
        version,
        version,
        (a, b) =>
          void expect(Math.sign(a - b)).toBe(sortable(a) < sortable(b) ? -1 : sortable(a) > sortable(b) ? 1 : 0),
      ),
    );
  });
  test('comes back', () => {
    fc.assert(fc.property(version, (n) => void expect(parseSortable(sortable(n))).toBe(n)));
  });
  test.each([-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])('refuses %d', (n) =>
    expect(() => sortable(n)).toThrow(),
  );
});

describe('a public stream name', () => {
  test('comes back as the stream', () => {
    const stream = { tenant: demo, kind: 'person', id: 'usr_ada' } as const;
    expect(parseStreamName(demo, streamName(stream))).toEqual(stream);
  });
  test.each(['', '/', 'person', 'person/', 'table/x', '/usr_ada', 'constructor/x'])('is not %j', (name) =>
    expect(parseStreamName(demo, name)).toBeUndefined(),
  );
});

describe('an item of a stream', () => {
  const stream = { tenant: demo, kind: 'person', id: 'usr_ada' } as const;
  test('says what it is', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1 }), fc.string(), (v, command) => {
        void expect(parseEventKey(versionKey(stream, v).sk)).toEqual({ v });
        void expect(parseEventKey(receiptKey(stream, command).sk)).toEqual({ command });
      }),
    );
  });
  test.each(['', 'v', 'v#', 'v#10', 'v#205', 'v#11.0', 'v#1 1', 'v#31', 'c', 'c#a#b', 'state'])('is not %j', (sk) =>
    expect(parseEventKey(sk)).toBeUndefined(),
  );
});

describe('a row of a view', () => {
  test('says whose it is, and of which view', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), (id) => {
        const user = UserId.parse('usr_ada');
        void expect(parseViewKey(viewKey(demo, user, 'match', id))).toEqual({ tenant: demo, user, view: 'match', id });
      }),
    );
  });
  test.each([
    ['demo#person#usr_ada', 'match'],
    ['demo#person#usr_ada', 'match#'],
    ['demo#person#usr_ada', 'match#a#b'],
    ['demo#person', 'match#a'],
    ['demo#person#no one', 'match#a'],
    ['Demo#person#usr_ada', 'match#a'],
    ['demo#pair#usr_ada', 'match#a'],
  ])('is not %j %j', (pk, sk) => expect(parseViewKey({ pk, sk })).toBeUndefined());
});
