/**
 * What a device keeps, by the rules of docs/api.md and nothing else: versions in order, each once; a gap asks for a sync;
 * registers merge by maximum, a mute by its count.
 */
import { z } from 'zod';
import { canonicalJson } from '../../core/json.ts';
import { person } from '../../functions/accounts/person.ts';
import { match } from '../../functions/matching/match.ts';
import { conversation } from '../../functions/messaging/conversation.ts';
import { profile } from '../../functions/profiles/profile.ts';

const WireEvent = z.looseObject({ v: z.int(), type: z.string(), commandId: z.string().optional() });
export type WireEvent = z.infer<typeof WireEvent>;
const Registers = {
  count: z.int(),
  read: z.int(),
  seen: z.record(z.string(), z.int()),
  muted: z.string().optional(),
  mutes: z.int(),
};
const Part = z.object({
  stream: z.string(),
  v: z.int(),
  ...Registers,
  state: z.unknown().optional(),
  events: z.array(WireEvent),
});
export const Page = z.object({
  reset: z.literal(true).optional(),
  streams: z.array(Part),
  more: z.boolean(),
  cursor: z.string(),
});
export type Page = z.infer<typeof Page>;
export const Frame = z.discriminatedUnion('type', [
  z.object({ type: z.literal('events'), stream: z.string(), events: z.array(WireEvent) }),
  z.object({ type: z.literal('inbox'), stream: z.string(), v: z.int(), ...Registers }),
  z.object({ type: z.literal('pong'), streams: z.int(), versions: z.int(), registers: z.int() }),
  z.object({ type: z.literal('problem'), code: z.string(), detail: z.string() }),
  z.object({ type: z.literal('closing'), code: z.string() }),
]);
export type Frame = z.infer<typeof Frame>;

export type Copy = {
  v: number;
  state: unknown;
  count: number;
  read: number;
  seen: Record<string, number>;
  muted: string | undefined;
  mutes: number;
  /** The first version that it has the events of, and those events as text. */
  first: number;
  events: Map<number, string>;
};
export type Replica = {
  streams: Map<string, Copy>;
  cursor: string | undefined;
  /** What no device may see, in sentences. */
  contradictions: string[];
};

export const createReplica = (): Replica => ({ streams: new Map(), cursor: undefined, contradictions: [] });

const aggregates: Record<string, { initial: unknown; fold: (state: unknown, event: unknown) => unknown }> = {
  conversation: {
    initial: conversation.initial,
    fold: (state, event) => conversation.evolve(conversation.State.parse(state), conversation.Event.parse(event)),
  },
  person: {
    initial: person.initial,
    fold: (state, event) => person.evolve(person.State.parse(state), person.Event.parse(event)),
  },
  profile: {
    initial: profile.initial,
    fold: (state, event) => profile.evolve(profile.State.parse(state), profile.Event.parse(event)),
  },
  pair: {
    initial: match.initial,
    fold: (state, event) => match.evolve(match.State.parse(state), match.Event.parse(event)),
  },
};
const aggregateOf = (stream: string) => {
  const found = aggregates[stream.slice(0, stream.indexOf('/'))];
  if (!found) throw new Error(`${stream} is of no known kind`);
  return found;
};

/** Everyone's view of a version: without its place, and its sender's own key. */
const textOf = (events: readonly WireEvent[]): string =>
  canonicalJson(events.map(({ v: _v, commandId: _own, ...event }) => event));

const copyOf = (replica: Replica, stream: string): Copy => {
  const known = replica.streams.get(stream);
  if (known) return known;
  const { initial } = aggregateOf(stream);
  const registers = { count: 0, read: 0, seen: {}, muted: undefined, mutes: 0 };
  const fresh: Copy = { v: 0, state: initial, ...registers, first: 1, events: new Map() };
  replica.streams.set(stream, fresh);
  return fresh;
};

/** @returns whether something is missing in between */
export const applyEvents = (replica: Replica, stream: string, events: readonly WireEvent[]): boolean => {
  const copy = copyOf(replica, stream);
  for (const [v, ofVersion] of [...Map.groupBy(events, (event) => event.v)].sort(([a], [b]) => a - b)) {
    const text = textOf(ofVersion);
    const known = copy.events.get(v);
    if (known !== undefined && known !== text)
      replica.contradictions.push(`${stream} v${v} was ${known} and is ${text}`);
    if (v <= copy.v) continue;
    if (v > copy.v + 1) return true;
    for (const event of ofVersion) copy.state = aggregateOf(stream).fold(copy.state, event);
    copy.events.set(v, text);
    copy.v = v;
  }
  return false;
};

type Moved = Pick<Page['streams'][number], 'stream' | 'count' | 'read' | 'seen' | 'muted' | 'mutes'>;
export const mergeRegisters = (replica: Replica, { stream, count, read, seen, muted, mutes }: Moved): void => {
  const copy = copyOf(replica, stream);
  copy.count = Math.max(copy.count, count);
  copy.read = Math.max(copy.read, read);
  for (const [who, n] of Object.entries(seen)) copy.seen[who] = Math.max(copy.seen[who] ?? 0, n);
  if (mutes === copy.mutes && muted !== copy.muted)
    replica.contradictions.push(`${stream} mute ${mutes} was ${copy.muted} and is ${muted}`);
  if (mutes > copy.mutes) Object.assign(copy, { muted, mutes });
};

const startAnew = (replica: Replica, { stream, state, events }: Page['streams'][number]): void => {
  const copy = copyOf(replica, stream);
  const versions = Map.groupBy(events, ({ v }) => v);
  const newest = Math.max(...versions.keys());
  // An answer that was long on its way must not take back what frames brought since.
  if (newest <= copy.v) return;
  const first = Math.min(...versions.keys());
  const kept = copy.v > 0 && first <= copy.v + 1 ? copy.events : [];
  copy.first = copy.v > 0 && first <= copy.v + 1 ? Math.min(copy.first, first) : first;
  copy.state = state;
  copy.v = newest;
  copy.events = new Map([...kept, ...[...versions].map(([v, ofVersion]) => [v, textOf(ofVersion)] as const)]);
};

/** The page and its cursor are kept together or not at all. */
export const applyPage = (replica: Replica, { reset, streams, cursor }: Page): void => {
  if (reset) {
    replica.streams.clear();
    // What seemed to contradict itself was the first hint of the restore.
    replica.contradictions.length = 0;
  }
  for (const part of streams) {
    if (part.state !== undefined) startAnew(replica, part);
    else if (applyEvents(replica, part.stream, part.events))
      replica.contradictions.push(
        `a sync left a gap in ${part.stream}: ${part.events[0]?.v} after ${replica.streams.get(part.stream)?.v}`,
      );
    mergeRegisters(replica, part);
  }
  replica.cursor = cursor;
};

/** What a pong must say if nothing is missing. */
export const sumsOf = ({ streams }: Replica): { streams: number; versions: number; registers: number } => {
  const copies = [...streams.values()];
  return {
    streams: copies.length,
    versions: copies.reduce((sum, { v }) => sum + v, 0),
    registers: copies.reduce(
      (sum, { read, seen, mutes }) => Object.values(seen).reduce((n, each) => n + each, sum + read + mutes),
      0,
    ),
  };
};
