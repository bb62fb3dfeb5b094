import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { streamName } from '../../core/keys.ts';
import type { Pointer } from '../../core/pointers.ts';
import type { Mark } from '../../functions/sync/cursor.ts';
import { isTakenBack, NEWEST, planPage, registersOf } from '../../functions/sync/plan.ts';
import { ada, at, demo } from '../people.ts';

const pointer = (id: string, v: number, more: Partial<Pointer> = {}): Pointer => ({
  person: ada,
  stream: { tenant: demo, kind: 'conversation', id },
  v,
  count: v,
  read: 0,
  own: 0,
  era: 0,
  mutes: 0,
  at,
  acks: {},
  seen: {},
  ...more,
});
const had = (...marks: [string, number, number][]): Map<string, Mark> =>
  new Map(marks.map(([id, v, registers]) => [`conversation/${id}`, { v, registers }]));

describe('a device', () => {
  const told = (marks: Map<string, Mark>, more: { era?: number; unknown?: number } = {}) => ({
    ...{ marks, era: 0, unknown: 0 },
    ...more,
  });
  test('goes on from what it has', () => {
    expect(isTakenBack([pointer('a', 9), pointer('b', 2)], told(had(['a', 9, 0])))).toBe(false);
    expect(isTakenBack([pointer('a', 9, { era: 5 })], told(had(['a', 4, 0]), { era: 5 }))).toBe(false);
  });
  test.each([
    ['in another era', [pointer('a', 9, { era: 5 }), pointer('b', 1, { era: 7 })], told(had(['a', 9, 0]), { era: 5 })],
    ['in an era that was forgotten', [pointer('a', 9)], told(had(['a', 9, 0]), { era: 5 })],
    ['beyond its stream', [pointer('a', 8)], told(had(['a', 9, 0]))],
    ['with a stream that is not there', [], told(new Map(), { unknown: 1 })],
  ])('%s starts anew', (_, pointers, decoded) => expect(isTakenBack(pointers, decoded)).toBe(true));
});

describe('a page of a sync', () => {
  test('says nothing of a stream that a restore took away', () =>
    expect(planPage([pointer('a', 0, { era: 5 })], had(), 100)).toEqual({ parts: [], more: false }));
  test('holds nothing when nothing moved', () =>
    expect(planPage([pointer('a', 3, { read: 2 })], had(['a', 3, 2]), 100)).toEqual({ parts: [], more: false }));
  test('holds the versions after those that the device has', () =>
    expect(planPage([pointer('a', 9)], had(['a', 4, 0]), 100).parts).toMatchObject([{ from: 5, to: 9, anew: false }]));
  test('gives a stream that the device does not have with its newest versions', () =>
    expect(planPage([pointer('a', 90)], had(), 100).parts).toMatchObject([
      { from: 90 - NEWEST + 1, to: 90, anew: true },
    ]));
  test('names a stream of which only a register moved', () =>
    expect(planPage([pointer('a', 3, { seen: { usr_ben: 3 } })], had(['a', 3, 2]), 100).parts).toMatchObject([
      { from: 4, to: 3 },
    ]));
  test('breaks off in a long stream and says so', () => {
    const { parts, more } = planPage([pointer('a', 1000)], had(['a', 1, 0]), 100);
    expect(parts).toMatchObject([{ from: 2, to: 101 }]);
    expect(more).toBe(true);
  });
  test('begins with what moved last', () => {
    const later = pointer('b', 1, { at: '2026-02-01T00:00:00.000Z' });
    expect(planPage([pointer('a', 1), later], had(), 1)).toMatchObject({
      parts: [{ name: 'conversation/b' }],
      more: true,
    });
  });
  test('leads page by page to every version of every stream, and ends', () => {
    const inbox = fc.uniqueArray(
      fc.record({
        id: fc.stringMatching(/^[a-z]{1,3}$/),
        v: fc.integer({ min: 1, max: 300 }),
        have: fc.integer({ min: -1, max: 300 }),
        read: fc.nat(5),
      }),
      { selector: ({ id }) => id, maxLength: 12 },
    );
    fc.assert(
      fc.property(inbox, fc.integer({ min: 1, max: 200 }), (rows, limit) => {
        const pointers = rows.map(({ id, v, read }) => pointer(id, v, { read }));
        const have = had(
          ...rows.flatMap(({ id, v, have }) =>
            have < 0 ? [] : [[id, Math.min(have, v), 0] as [string, number, number]],
          ),
        );
        const heads = new Map([...have].map(([name, { v }]) => [name, v]));
        let rounds = 0;
        for (let more = true; more; rounds++) {
          const page = planPage(pointers, have, limit);
          expect(page.parts.reduce((sum, { from, to }) => sum + Math.max(0, to - from + 1), 0)).toBeLessThanOrEqual(
            limit,
          );
          for (const { name, anew, from, to, pointer } of page.parts) {
            if (!anew) expect(from).toBe((heads.get(name) ?? 0) + 1);
            heads.set(name, Math.max(to, from - 1));
            have.set(name, { v: Math.max(to, from - 1), registers: registersOf(pointer) });
          }
          more = page.more;
          expect(rounds).toBeLessThan(5000);
        }
        for (const each of pointers) expect(heads.get(streamName(each.stream))).toBe(each.v);
        expect(planPage(pointers, have, limit)).toEqual({ parts: [], more: false });
      }),
    );
  });
});
