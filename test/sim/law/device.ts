/**
 * A device as docs/api.md says that it must behave: applies the next version, ignores what it has, syncs on a gap, replaces
 * where it is given a state, merges registers by maximum and a mute by its count. It knows nothing else of the product.
 */

import { z } from 'zod';
import type { UserId } from '../../../core/ids.ts';
import { canonicalJson } from '../../../core/json.ts';
import { foldingFor } from './folding.ts';

const WireEvent = z.looseObject({ v: z.int().min(1), type: z.string() });
type WireEvent = z.infer<typeof WireEvent>;
const mute = { muted: z.string().optional(), mutes: z.int() };
const registers = { stream: z.string(), read: z.int(), seen: z.record(z.string(), z.int()), ...mute };
const Frame = z.discriminatedUnion('type', [
  z.object({ type: z.literal('events'), stream: z.string(), events: z.array(WireEvent) }),
  z.object({ type: z.literal('inbox'), ...registers }),
]);
const Part = z.object({ ...registers, v: z.int(), state: z.unknown().optional(), events: z.array(WireEvent) });
export const Page = z.object({
  /** Only a restore takes back what a device has, and none happens here. */
  reset: z.undefined('a device must not be told to forget').optional(),
  ...{ streams: z.array(Part), more: z.boolean(), cursor: z.string() },
});
export type Page = z.infer<typeof Page>;
type Marks = Pick<z.infer<typeof Part>, 'read' | 'seen'>;
type Mute = Pick<z.infer<typeof Part>, 'muted' | 'mutes'>;
/** What a device has of a stream. */
export type Held = Marks & Mute & { v: number; state: unknown };
/** What `pong` tells. */
export const Sums = z.object({ streams: z.int(), versions: z.int(), registers: z.int() });
export type Sums = z.infer<typeof Sums>;

export type Device = {
  readonly user: UserId;
  readonly streams: ReadonlyMap<string, Held>;
  /** Every version that came, as text, by stream and version. */
  readonly events: ReadonlyMap<string, string>;
  /** Where its next sync begins. */
  cursor: string | undefined;
  /** It has missed something and knows it. */
  gap: boolean;
  hear: (frame: string) => void;
  /** Takes in a page of a sync. */
  take: (page: Page) => void;
  /** What `pong` is compared with. */
  sums: () => Sums;
};

const noted = (held: Held, user: string, { read, seen }: Marks): void => {
  held.read = Math.max(held.read, read);
  for (const [who, upTo] of Object.entries(seen))
    if (who !== user) held.seen[who] = Math.max(held.seen[who] ?? 0, upTo);
};

const muted = (held: Held, { muted, mutes }: Mute): void => {
  if (mutes > held.mutes) Object.assign(held, { muted, mutes });
};

/** Who writes has read up to what they wrote. */
const written = (user: string, events: readonly WireEvent[]): Marks[] =>
  events.flatMap(({ by, number }) => {
    if (typeof by !== 'string' || typeof number !== 'number') return [];
    return [by === user ? { read: number, seen: {} } : { read: 0, seen: { [by]: number } }];
  });

/** Consecutive versions onto what is there. @returns whether one is missing */
const apply = (held: Held, name: string, user: string, events: readonly WireEvent[]): boolean => {
  for (const [v, ofVersion] of Map.groupBy(events, (event) => event.v)) {
    if (v <= held.v) continue;
    if (v > held.v + 1) return true;
    held.state = foldingFor(name).onward(held.state, ofVersion);
    held.v = v;
    for (const each of written(user, ofVersion)) noted(held, user, each);
  }
  return false;
};

type Store = { user: UserId; streams: Map<string, Held>; events: Map<string, string> };

/** What somebody wrote who was erased: nothing is left of it, whichever came first. */
const emptied = (text: string, by?: string): string =>
  canonicalJson(
    (JSON.parse(text) as WireEvent[]).map((event) =>
      event.type === 'Sent' && (by === undefined || event.by === by) ? { ...event, text: '' } : event,
    ),
  );

/** `Erased {by}`: what they wrote in this stream goes. */
const forget = ({ events }: Store, name: string, by: unknown): void => {
  for (const [key, text] of events) if (key.startsWith(`${name} `)) events.set(key, emptied(text, String(by)));
};

/** The same version twice is the same, but for words that were erased in between. */
const keep = (store: Store, name: string, came: readonly WireEvent[]): void => {
  const { user, events } = store;
  for (const [v, ofVersion] of Map.groupBy(came, (event) => event.v)) {
    const key = `${name} ${v}`;
    const [had, text] = [events.get(key), canonicalJson(ofVersion)];
    const isErased = [had, text].some((each) => each !== undefined && each === emptied(each));
    const same = had === undefined || had === text || (isErased && emptied(had) === emptied(text));
    if (!same) throw new Error(`${user}: ${key}: ${had}, then ${text}`);
    events.set(key, isErased ? emptied(text) : text);
  }
  for (const { type, by } of came) if (type === 'Erased') forget(store, name, by);
};

const heldOf = ({ streams }: Store, name: string): Held =>
  streams.get(name) ?? { v: 0, state: foldingFor(name).initial, read: 0, seen: {}, mutes: 0 };

/** @returns whether it shows that something was missed */
const hear = (store: Store, text: string): boolean => {
  const frame = Frame.parse(JSON.parse(text));
  const { user, streams } = store;
  const held = heldOf(store, frame.stream);
  if (frame.type === 'inbox') {
    if (streams.has(frame.stream)) noted(held, user, frame);
    muted(held, frame);
    return false;
  }
  keep(store, frame.stream, frame.events);
  const isGap = apply(held, frame.stream, user, frame.events);
  if (held.v > 0) streams.set(frame.stream, held);
  return isGap;
};

const takePart = (store: Store, { stream, events: came, ...part }: z.infer<typeof Part>): void => {
  const { user, streams } = store;
  keep(store, stream, came);
  const held = heldOf(store, stream);
  if (part.state !== undefined) Object.assign(held, { v: came.at(-1)?.v ?? 0, state: part.state });
  else if (apply(held, stream, user, came))
    throw new Error(`${user}: a sync leaves a gap in ${stream} after ${held.v}: ${canonicalJson(came)}`);
  for (const each of [part, ...written(user, came)]) noted(held, user, each);
  muted(held, part);
  streams.set(stream, held);
};

const sumsOf = ({ streams }: Store): Sums => {
  const all = [...streams.values()];
  const marks = all.flatMap(({ read, seen, mutes }) => [read, mutes, ...Object.values(seen)]);
  const sum = (numbers: number[]): number => numbers.reduce((total, n) => total + n, 0);
  return { streams: all.length, versions: sum(all.map(({ v }) => v)), registers: sum(marks) };
};

export const createDevice = (user: UserId): Device => {
  const store: Store = { user, streams: new Map(), events: new Map() };
  const device: Device = {
    ...{ ...store, cursor: undefined, gap: false },
    hear: (frame) => {
      if (hear(store, frame)) device.gap = true;
    },
    take: ({ streams: parts, cursor }) => {
      for (const part of parts) takePart(store, part);
      device.cursor = cursor;
    },
    sums: () => sumsOf(store),
  };
  return device;
};
