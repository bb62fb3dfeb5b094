import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createLru } from '../../core/lru.ts';

describe('a small memory', () => {
  test('forgets what was not asked for longest', () => {
    const lru = createLru<number>(2);
    lru.set('a', 1);
    lru.set('b', 2);
    expect(lru.get('a')).toBe(1);
    lru.set('c', 3);
    expect([lru.get('a'), lru.get('b'), lru.get('c')]).toEqual([1, undefined, 3]);
  });
  test('is bounded, and keeps what was set last', () =>
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 20 }), fc.integer())),
        fc.integer({ min: 1, max: 9 }),
        (all, limit) => {
          const lru = createLru<number>(limit);
          for (const [key, value] of all) expect(lru.set(String(key), value)).toBe(value);
          expect(lru.size()).toBe(Math.min(limit, new Set(all.map(([key]) => key)).size));
          const last = new Map(all.map(([key, value]) => [String(key), value]));
          for (const key of last.keys()) expect([undefined, last.get(key)]).toContain(lru.get(key));
          const newest = all.at(-1);
          if (newest) expect(lru.get(String(newest[0]))).toBe(newest[1]);
        },
      ),
    ));
});
