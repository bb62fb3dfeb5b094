import { expect, test } from 'vitest';
import { retryAfterOf, waitOf } from '../../functions/push/retries.ts';

const waits = (patience: Parameters<typeof waitOf>[0]) =>
  [0, 1, 2, 3, 4, 9].map((n) => waitOf(patience, n, undefined, 0));

test.each([
  ['unknown', [5, 30, 180, 900, 900, 900]],
  ['flooded', [60, 120, 240, 480, 900, 900]],
  ['trouble', [900, 900, 900, 900, 900, 900]],
] as const)('an attempt that ended as %s waits ever longer', (patience, seconds) =>
  expect(waits(patience)).toEqual(seconds),
);

test('what a provider asks for comes first, however long that is', () => {
  expect(waitOf('trouble', 0, 2, 0)).toBe(2);
  expect(waitOf('flooded', 0, 4000, 0)).toBe(4000);
  expect(waitOf('flooded', 0, 0, 0)).toBe(1);
});

test('those that failed together come back apart, and never before their time', () => {
  expect(waitOf('flooded', 0, 60, 0.99)).toBe(66);
  expect(waitOf('unknown', 3, undefined, 0.99)).toBe(900);
});

const now = new Date('2026-01-01T00:00:00.000Z');
test.each([
  ['120', 120],
  ['0', 0],
  ['Thu, 01 Jan 2026 00:00:30 GMT', 30],
  ['Wed, 31 Dec 2025 00:00:00 GMT', 0],
  ['soon', undefined],
  ['-5', undefined],
  ['1.5', undefined],
  ['', undefined],
  [undefined, undefined],
  [['1'], undefined],
])('retry-after: %j is %s', (value, seconds) => expect(retryAfterOf(value, now)).toBe(seconds));
