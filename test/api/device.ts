/**
 * A device as an app keeps one: what it has of every stream, grown by syncs alone. It refuses whatever would leave a gap,
 * so that reaching the end means completeness.
 */

import { expect } from 'vitest';
import { canonicalJson } from '../../core/json.ts';
import { person } from '../../functions/accounts/person.ts';
import { conversation } from '../../functions/messaging/conversation.ts';
import type { Json, Person } from '../world.ts';
import { type Row, streamsOf, type Tables } from './tables.ts';

/** `known` is the first version whose events it has; what was before stands in the state that it began with. */
type Held = { v: number; known: number; state: Json; events: Json[]; registers: Json };
export type Device = {
  cursor: string | undefined;
  streams: Map<string, Held>;
  /** One page. @returns whether there is more */
  page: (limit: number) => Promise<boolean>;
  /** Pages until there is no more; at most 500. @returns how many */
  sync: (limit: number) => Promise<number>;
};

const evolve = (stream: string, state: Json, event: Json): Json => {
  const aggregate = stream.startsWith('person/') ? person : conversation;
  const { v: _v, commandId: _commandId, ...rest } = event;
  return (aggregate.evolve as (state: Json, event: Json) => Json)(state, aggregate.Event.parse(rest));
};

const begin = (events: Json[], state: Json): Omit<Held, 'registers'> => {
  const [first, last] = [events[0], events.at(-1)];
  return { v: last.v, known: first.v, state, events: [...events] };
};

/** Applies one stream of a page: anew with a state, or version by version after what it has. */
const apply = (streams: Map<string, Held>, { stream, events, state, v, ...registers }: Json): void => {
  const before = streams.get(stream);
  const held = state === undefined ? before : { ...begin(events, state), registers };
  if (!held) throw new Error(`${stream} begins without a state`);
  for (const event of state === undefined ? events : []) {
    expect(event.v, `${stream} has no gap`).toBe(held.v + 1);
    held.v = event.v;
    held.state = evolve(stream, held.state, event);
    held.events.push(event);
  }
  expect(held.v, `${stream} is never ahead of where it is said to stand`).toBeLessThanOrEqual(v);
  held.registers = registers;
  streams.set(stream, held);
};

export const deviceOf = (owner: Person, cursor?: string, streams = new Map<string, Held>()): Device => {
  const device: Device = {
    cursor,
    streams,
    page: async (limit) => {
      const at = device.cursor === undefined ? '' : `&cursor=${device.cursor}`;
      const { status, body } = await owner.call('GET', `/v1/sync?limit=${limit}${at}`);
      expect(status, JSON.stringify(body)).toBe(200);
      if (body.reset) device.streams.clear();
      for (const part of body.streams) apply(device.streams, part);
      device.cursor = body.cursor;
      return body.more;
    },
    sync: async (limit) => {
      for (let pages = 1; pages <= 500; pages++) if (!(await device.page(limit))) return pages;
      throw new Error('a sync without end');
    },
  };
  return device;
};

/** The same device again, to go on from here in another way. */
export const copyOf = (owner: Person, { cursor, streams }: Device): Device =>
  deviceOf(owner, cursor, structuredClone(streams));

const wire = (commits: Row[], user: string, from: number): Json[] =>
  commits
    .filter(({ v }) => v >= from)
    .flatMap(({ v, by, command, events }) =>
      events.map((event: Json) => ({
        v,
        ...(by === user ? { commandId: command.slice(user.length + 1) } : {}),
        ...event,
      })),
    );

/** What the tables say a device must have, given from where on it knows each stream's events. */
const truth = (tables: Tables, user: string, known: (stream: string) => number): [string, Json][] =>
  [...streamsOf(tables)].flatMap(([pk, commits]): [string, Json][] => {
    const head = commits.at(-1);
    if (!head?.audience.includes(user)) return [];
    const stream = pk.split('#').slice(1).join('/');
    const pointer = tables.inbox.find((row) => row.pk.endsWith(`#person#${user}`) && row.stream === stream) ?? {};
    const seen = Object.entries(pointer).flatMap(([name, n]) => (name.startsWith('seen:') ? [[name.slice(5), n]] : []));
    const read = (pointer as Json).read ?? 0;
    const { muted, mutes = 0 } = pointer as Json;
    const mute = { ...(muted === undefined ? {} : { muted }), mutes };
    const registers = { count: head.count, read, unread: head.count - read, seen: Object.fromEntries(seen), ...mute };
    const events = wire(commits, user, known(stream));
    return [[stream, { v: head.v, known: known(stream), state: head.state, events, registers }]];
  });

/** The device has, to the byte, what the tables say. */
export const expectComplete = (device: Device, user: string, tables: Tables): void => {
  const expected = truth(tables, user, (stream) => device.streams.get(stream)?.known ?? 1);
  const lines = (all: Iterable<[string, Json]>) => [...all].map(canonicalJson).sort();
  expect(lines(device.streams)).toEqual(lines(expected));
};
