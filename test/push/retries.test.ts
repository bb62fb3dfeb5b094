import { expect, test } from 'vitest';
import { waitOf } from '../../functions/push/retries.ts';

const waits = (patience: Parameters<typeof waitOf>[0]) =>
  [0, 1, 2, 3, 4, 9].map((n) => waitOf(patience, n, undefined, 0));

test.each([
  ['unknown', [5, 30, 180, 900, 900, 900]],
  ['flooded', [60, 120, 240, 480, 900, 900]],
  ['trouble', [900, 900, 900, 900, 900, 900]],
] as const)('an attempt that ended as %s waits ever longer', (patience, seconds) =>
  expect(waits(patience)).toEqual(seconds),
);

test('what a provider asks for comes first, as far as a queue can wait', () => {
  expect(waitOf('trouble', 0, 2, 0)).toBe(2);
  expect(waitOf('flooded', 0, 4000, 0)).toBe(900);
});

test('those that failed together come back apart, and never before their time', () => {
  expect(waitOf('flooded', 0, 60, 0.99)).toBe(66);
  expect(waitOf('unknown', 3, undefined, 0.99)).toBe(900);
});
