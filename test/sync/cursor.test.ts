import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TenantId, UserId } from '../../core/ids.ts';
import type { StreamKind } from '../../core/keys.ts';
import { decodeCursor, encodeCursor, hashName, type Mark } from '../../functions/sync/cursor.ts';
import { planPage } from '../../functions/sync/plan.ts';

const ada = { tenant: 'demo', user: 'usr_ada' };
const ben = { tenant: 'demo', user: 'usr_ben' };
const mark = fc.record({ v: fc.nat(), registers: fc.nat() });
const marks = fc
  .dictionary(fc.stringMatching(/^[a-z]{1,8}$/), mark, { maxKeys: 50 })
  .map((each) => new Map(Object.entries(each)));

/** Two names that share a hash: rare in life, so looked for. */
const colliding = (): [string, string] => {
  const seen = new Map<number, string>();
  for (let i = 0; ; i++) {
    const name = `conversation/${i}`;
    const other = seen.get(hashName(ada, name));
    if (other !== undefined) return other < name ? [other, name] : [name, other];
    seen.set(hashName(ada, name), name);
  }
};

describe('a cursor', () => {
  test('says what the device has', () => {
    fc.assert(
      fc.property(
        marks,
        (have) => void expect(decodeCursor(ada, encodeCursor(ada, have), [...have.keys()])?.marks).toEqual(have),
      ),
    );
  });
  test('does not speak of streams that came later', () => {
    const cursor = encodeCursor(ada, new Map([['a', { v: 3, registers: 1 }]]));
    expect(decodeCursor(ada, cursor, ['a', 'b'])?.marks).toEqual(new Map([['a', { v: 3, registers: 1 }]]));
  });
  test('names the era in which it was given, and how many streams it knows that are not there', () => {
    fc.assert(
      fc.property(marks, fc.nat(), (have, era) => {
        const decoded = decodeCursor(ada, encodeCursor(ada, have, era), [...have.keys()].slice(1));
        void expect(decoded).toMatchObject({ era, unknown: Math.min(1, have.size) });
      }),
    );
  });
  test('is refused when any of its characters changed', () => {
    const cursor = encodeCursor(
      ada,
      new Map<string, Mark>([
        ['a', { v: 3, registers: 1 }],
        ['b', { v: 300, registers: 0 }],
      ]),
    );
    for (let i = 0; i < cursor.length; i++) {
      const forged = cursor.slice(0, i) + (cursor[i] === 'A' ? 'B' : 'A') + cursor.slice(i + 1);
      expect(decodeCursor(ada, forged, ['a', 'b'])).toBeUndefined();
    }
  });
  test('is refused for another person, and when it is any text', () => {
    expect(decodeCursor(ben, encodeCursor(ada, new Map()), [])).toBeUndefined();
    fc.assert(fc.property(fc.string(), (text) => void expect(decodeCursor(ada, text, [])).toBeUndefined()));
  });
  test('keeps streams apart that share a hash, and gives them anew while one is not there', () => {
    const [first, second] = colliding();
    const [one, two] = [
      { v: 1, registers: 0 },
      { v: 2, registers: 0 },
    ];
    const both = new Map([
      [second, two],
      [first, one],
    ]);
    expect(decodeCursor(ada, encodeCursor(ada, both), [second, first])?.marks).toEqual(both);
    expect(decodeCursor(ada, encodeCursor(ada, new Map([[first, one]])), [first, second])?.marks).toEqual(new Map());
  });
  test('leads through streams that share a hash, however small the pages are', () => {
    const names = [...colliding(), 'person/usr_ada'];
    const pointers = names.map((name) => {
      const [kind = '', id = ''] = name.split('/');
      return {
        person: UserId.parse('usr_ada'),
        stream: { tenant: TenantId.parse('demo'), kind: kind as StreamKind, id },
        v: 30,
        count: 30,
        read: 0,
        own: 0,
        era: 0,
        mutes: 0,
        at: name,
        acks: {},
        seen: {},
      };
    });
    const given = new Map<string, number>();
    let cursor = encodeCursor(ada, new Map());
    let more = true;
    for (let page = 0; more && page < 100; page++) {
      const have = decodeCursor(ada, cursor, names)?.marks ?? new Map();
      const planned = planPage(pointers, have, 10);
      const marks = new Map(names.map((name) => [name, have.get(name) ?? { v: 0, registers: 0 }]));
      for (const { name, to } of planned.parts) {
        marks.set(name, { v: to, registers: 0 });
        given.set(name, to);
      }
      more = planned.more;
      cursor = encodeCursor(ada, marks);
    }
    expect([more, ...names.map((name) => given.get(name))]).toEqual([false, 30, 30, 30]);
  });
  test('of a thousand streams fits into a request line', () => {
    const have = new Map(
      Array.from({ length: 1000 }, (_, i) => [`conversation/cnv_${i}`, { v: i * 3, registers: i * 2 }] as const),
    );
    expect(encodeCursor(ada, have).length).toBeLessThan(9000);
  });
});
