/**
 * Where people are looked for: H3 cells. A person stands in one partition for a region of about 1,000 km, sorted by their cell
 * there, digit by digit: one row is found under cells of every size. Pure.
 */
import {
  cellToBoundary,
  cellToLatLng,
  cellToParent,
  getHexagonEdgeLengthAvg,
  greatCircleDistance,
  gridDisk,
  latLngToCell,
} from 'h3-js';
import { createLru } from '../../core/lru.ts';

export type Spot = readonly [lat: number, lon: number];
/** Its partition, and the digits of its way from there. */
export type Cell = { region: string; digits: string };

const REGION = 1;
const FINEST = 7;
/** A cell's descendants reach over its edges: 1.06 of its radius in a million places drawn by lot. */
const REACH = 1.1;

export const kilometres = (a: Spot, b: Spot): number => greatCircleDistance([...a], [...b], 'km');

const digitsOf = (cell: string, resolution: number): string => {
  const bits = BigInt(`0x${cell}`);
  const digit = (at: number): string => String((bits >> BigInt((15 - at) * 3)) & 7n);
  return Array.from({ length: resolution - REGION }, (_, i) => digit(REGION + 1 + i)).join('');
};

const cellAt = (cell: string, resolution: number): Cell => ({
  region: cellToParent(cell, REGION),
  digits: digitsOf(cell, resolution),
});

/** Where a person stands. */
export const cellOf = ([lat, lon]: Spot): Cell => cellAt(latLngToCell(lat, lon, FINEST), FINEST);

const edges = Array.from({ length: FINEST + 1 }, (_, resolution) => getHexagonEdgeLengthAvg(resolution, 'km'));
/** The finest resolution whose cells have edges of at least so many km. */
const resolutionFor = (km: number, coarsest: number): number =>
  Math.max(
    coarsest,
    edges.findLastIndex((edge) => edge >= km),
  );

type Near = { cell: string; nearest: number; farthest: number };

/** Everyone in the cell is between `nearest` and `farthest` from here. */
const bounds = (here: Spot, cell: string): Near => {
  const centre = cellToLatLng(cell);
  const radius = REACH * Math.max(...cellToBoundary(cell).map((corner) => greatCircleDistance(centre, corner, 'km')));
  const away = greatCircleDistance([...here], centre, 'km');
  return { cell, nearest: away - radius, farthest: away + radius };
};

/** All cells in which somebody within so many km can stand, from the nearest on: the circle is in one piece. */
const cover = (here: Spot, km: number, resolution: number): Near[] => {
  const first = latLngToCell(here[0], here[1], resolution);
  const found = new Map<string, Near>([[first, bounds(here, first)]]);
  for (const { cell } of found.values())
    for (const next of gridDisk(cell, 1)) {
      const near = found.has(next) ? undefined : bounds(here, next);
      if (near && near.nearest <= km) found.set(next, near);
    }
  return [...found.values()].sort((a, b) => a.nearest - b.nearest || (a.cell < b.cell ? -1 : 1));
};

const remembered = createLru<readonly Cell[]>(2000);

/** Where everybody farther than `beyond` and within `km` stands, from near to far. */
export const cellsBetween = (here: Spot, beyond: number, km: number): readonly Cell[] => {
  const name = `${here.join()} ${beyond} ${km}`;
  const resolution = resolutionFor(km / 2, REGION);
  return (
    remembered.get(name) ??
    remembered.set(
      name,
      cover(here, km, resolution)
        .filter(({ farthest }) => farthest > beyond)
        .map(({ cell }) => cellAt(cell, resolution)),
    )
  );
};

/** The larger cells in which newcomers are told of, one size for each step. */
const newcomersAt = (km: number): number => resolutionFor(km, 0);
/** Where a newcomer is told of, for each of these steps. */
export const noticesOf = ([lat, lon]: Spot, steps: readonly number[]): string[] => [
  ...new Set(steps.map((km) => latLngToCell(lat, lon, newcomersAt(km)))),
];
const MOST = 8;
/** Where to ask who came within so many km; nowhere when it is too far for a few questions. */
export const noticesWithin = (here: Spot, km: number): string[] => {
  const cells = cover(here, km, newcomersAt(km));
  return cells.length > MOST ? [] : cells.map(({ cell }) => cell);
};
