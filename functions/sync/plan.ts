/** What one page of a sync holds: which streams, and which versions of each. Pure. */

import { streamName } from '../../core/keys.ts';
import type { Pointer } from '../../core/pointers.ts';
import { eraOf } from '../../core/takeback.ts';
import type { Decoded, Mark } from './cursor.ts';

/** A device that has nothing of a stream gets its newest state and so many versions. */
export const NEWEST = 20;

/** Versions `from` to `to`; empty when from > to (only registers moved). `anew`: the device starts with the state at `to`. */
export type Part = { pointer: Pointer; name: string; anew: boolean; from: number; to: number };

/** All registers of a pointer only grow, so this sum moves whenever one of them does. */
export const registersOf = ({ read, seen, mutes }: Pointer): number =>
  Object.values(seen).reduce((sum, n) => sum + n, read + mutes);

/**
 * Does a device hold what a restore took away? Then it forgets everything: the versions that it has may by now name other
 * events. A cursor beyond a pointer is proof of that, even if nobody has begun another era yet.
 */
export const isTakenBack = (pointers: readonly Pointer[], { era, marks, unknown }: Decoded): boolean =>
  era !== eraOf(pointers) ||
  unknown > 0 ||
  pointers.some(({ stream, v }) => (marks.get(streamName(stream))?.v ?? 0) > v);

const needed = (pointer: Pointer, have: Mark | undefined): Part | undefined => {
  const name = streamName(pointer.stream);
  if (pointer.v === 0) return undefined;
  if (!have || have.v === 0)
    return { pointer, name, anew: true, from: Math.max(1, pointer.v - NEWEST + 1), to: pointer.v };
  const moved = pointer.v > have.v || registersOf(pointer) !== have.registers;
  return moved ? { pointer, name, anew: false, from: have.v + 1, to: pointer.v } : undefined;
};

/**
 * @param limit versions in the page, and streams of which only registers moved
 * @returns the parts, most recently moved stream first, and whether something is left for the next page
 */
export const planPage = (
  pointers: readonly Pointer[],
  have: ReadonlyMap<string, Mark>,
  limit: number,
): { parts: Part[]; more: boolean } => {
  const wanted = [...pointers]
    .sort((a, b) => (a.at < b.at ? 1 : -1))
    .flatMap((pointer) => needed(pointer, have.get(streamName(pointer.stream))) ?? []);
  const parts: Part[] = [];
  let left = limit;
  for (const part of wanted) {
    const size = Math.max(1, part.to - part.from + 1);
    if (size <= left) parts.push(part);
    // A long one fills what is left of the page from its front; what is given anew comes whole or on the next page.
    else if (!part.anew && left > 0) parts.push({ ...part, to: part.from + left - 1 });
    else if (parts.length === 0) parts.push({ ...part, from: part.to - left + 1 });
    left -= size;
    if (left <= 0) break;
  }
  const whole = parts.every(({ pointer, to }) => to >= pointer.v);
  return { parts, more: parts.length < wanted.length || !whole };
};
