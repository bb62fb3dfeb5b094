/** Cells: whoever is within reach stands in one of them, wherever on earth that is. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type Cell,
  cellOf,
  cellsBetween,
  kilometres,
  noticesOf,
  noticesWithin,
  type Spot,
} from '../../functions/matching/cells.ts';

const steps = [1, 5, 10, 25, 50, 100, 200, 500, 1500];
/** Everywhere, and more often where maps end. */
const Somewhere: fc.Arbitrary<Spot> = fc.oneof(
  fc.tuple(fc.double({ min: -90, max: 90, noNaN: true }), fc.double({ min: -180, max: 180, noNaN: true })),
  fc.tuple(fc.double({ min: 89, max: 90, noNaN: true }), fc.double({ min: -180, max: 180, noNaN: true })),
  fc.tuple(fc.double({ min: -60, max: 60, noNaN: true }), fc.constantFrom(-180, 180, 179.99, -179.99)),
);
const radians = (degrees: number): number => (degrees * Math.PI) / 180;
const degrees = (angle: number): number => (angle * 180) / Math.PI;
/** So many km away in some direction. */
const from = ([lat, lon]: Spot, km: number, bearing: number): Spot => {
  const angle = km / 6371.007180918475;
  const [a, b] = [radians(lat), radians(bearing)];
  const to = Math.asin(Math.sin(a) * Math.cos(angle) + Math.cos(a) * Math.sin(angle) * Math.cos(b));
  const turn = Math.atan2(Math.sin(b) * Math.sin(angle) * Math.cos(a), Math.cos(angle) - Math.sin(a) * Math.sin(to));
  return [degrees(to), ((degrees(turn) + lon + 540) % 360) - 180];
};
const holds = (cells: readonly Cell[], { region, digits }: Cell): boolean =>
  cells.some((cell) => cell.region === region && digits.startsWith(cell.digits));

test('everybody between two distances stands in one of the cells, and is told of where one asks', () =>
  fc.assert(
    fc.property(
      Somewhere,
      fc.nat(steps.length - 1),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.nat(359),
      (here, nth, share, bearing) => {
        const [km = 1, beyond = 0] = [steps[nth], steps[nth - 1]];
        const there = from(here, beyond + (km - beyond) * share * 0.999 + 0.0001, bearing);
        const away = kilometres(here, there);
        if (away > km || away <= beyond) return;
        void expect(holds(cellsBetween(here, beyond, km), cellOf(there))).toBe(true);
        const asked = noticesWithin(here, km);
        if (asked.length > 0) void expect(noticesOf(there, steps).some((cell) => asked.includes(cell))).toBe(true);
      },
    ),
    { numRuns: 3000 },
  ));

test('cells are few', () =>
  fc.assert(
    fc.property(Somewhere, fc.constantFrom(...steps.filter((km) => km <= 500)), (here, km) => {
      void expect(cellsBetween(here, 0, km).length).toBeLessThanOrEqual(26);
      void expect(noticesWithin(here, km).length).toBeGreaterThan(0);
    }),
  ));
