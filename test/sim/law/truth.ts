/** What is true, by the raw items alone: every stream folded from its start, and what people said to have read. */

import { z } from 'zod';
import { canonicalJson } from '../../../core/json.ts';
import { events } from '../../memory.ts';
import type { Dynamo } from '../dynamo/dynamo.ts';
import type { Played } from './acts.ts';
import type { Held } from './device.ts';
import { foldingFor } from './folding.ts';

const Row = z.looseObject({
  pk: z.string(),
  sk: z.string(),
  v: z.int(),
  command: z.string(),
  by: z.string().optional(),
  events: z.array(z.looseObject({ type: z.string() })),
  state: z.unknown(),
  reducer: z.int(),
  audience: z.array(z.string()),
  count: z.int(),
});
type Row = z.infer<typeof Row>;

/** A stream at one of its versions. */
export type Moment = { row: Row; state: unknown; audience: readonly string[]; count: number };

export type History = Map<string, Moment[]>;

/** Every version of every stream, by the stream's public name. */
export const history = (dynamo: Dynamo): History => {
  const streams: History = new Map();
  const commits = dynamo.items(events.name).filter(({ sk }) => String(sk).startsWith('v#'));
  // Parsed by this reader alone, and in the order of their numbers: it trusts no sort key.
  for (const row of commits.map((item) => Row.parse(item)).sort((a, b) => a.v - b.v)) {
    const name = row.pk.split('#').slice(1).join('/');
    const moments = streams.get(name) ?? [];
    if (row.v !== moments.length + 1) throw new Error(`${name}: version ${row.v} after ${moments.length}`);
    const folding = foldingFor(name);
    const state = folding.onward(moments.at(-1)?.state ?? folding.initial, row.events);
    moments.push({ row, state, audience: folding.audience(state), count: folding.count(state) });
    streams.set(name, moments);
  }
  return streams;
};

/** The messages up to the newest that somebody wrote. */
const writtenBy = (moments: readonly Moment[], who: string): number =>
  moments.findLast(({ row }) => row.by === who)?.count ?? 0;

/** What a person's devices must have: where each of their streams stands, and every version as text. */
export type Due = { streams: ReadonlyMap<string, Held>; texts: ReadonlyMap<string, string> };

/** A version as it is told; its sender's own key is told to the sender alone. */
const textOf = ({ row: { v, by, command, events } }: Moment, viewer: string): string => {
  const own = by === viewer ? { commandId: command.slice(command.indexOf('/') + 1) } : {};
  return canonicalJson(events.map((event) => ({ v, ...own, ...event })));
};

/** @param said what people said to have read, and what they muted, by person and stream */
export const dueTo = (person: string, past: History, { reads, mutes }: Pick<Played, 'reads' | 'mutes'>): Due => {
  const mine = [...past].filter(([, moments]) => moments.at(-1)?.audience.includes(person));
  const held = ([name, moments]: [string, Moment[]]): [string, Held] => {
    const head = moments.at(-1);
    const readBy = (who: string): number => Math.max(reads.get(`${who} ${name}`) ?? 0, writtenBy(moments, who));
    // Also who was erased since: how far they read is still known.
    const ever = [...new Set(moments.flatMap(({ audience }) => audience))];
    const others = ever.filter((who) => who !== person && readBy(who) > 0);
    const seen = Object.fromEntries(others.map((who) => [who, readBy(who)]));
    const mute = mutes.get(`${person} ${name}`) ?? { mutes: 0 };
    return [name, { v: moments.length, state: head?.state, read: readBy(person), seen, ...mute }];
  };
  const texts = mine.flatMap(([name, moments]) =>
    moments.map((each) => [`${name} ${each.row.v}`, textOf(each, person)] as const),
  );
  return { streams: new Map(mine.map(held)), texts: new Map(texts) };
};
