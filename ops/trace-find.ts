/** Finding the event that an id names: `<stream>@<version>`, or the id that an event itself bears (`msg_…`). */
import { z } from 'zod';
import { Commit } from '../core/commit.ts';
import type { Item } from '../core/ddb.ts';
import { allTenants } from '../core/env.ts';
import { readRange } from '../core/events.ts';
import { TenantId } from '../core/ids.ts';
import { parseStreamKey, parseStreamName, type Stream, streamName } from '../core/keys.ts';
import { OpsError, type Output, UsageError } from './command.ts';
import type { Target } from './target.ts';

export type Found = { stream: Stream; commit: Commit };
type Places = { tenant: string | undefined; conversation: string | undefined };

const PAGE = 500;

/** @throws OpsError for a tenant that there is not */
const tenantsOf = ({ tenant }: Places): TenantId[] => {
  const all = [...allTenants().keys()].map((id) => TenantId.parse(id));
  if (tenant === undefined) return all;
  const one = all.filter((id) => id === tenant);
  if (one.length === 0) throw new OpsError(`there is no tenant ${tenant}; there are ${all.join(', ')}`);
  return one;
};

const streamsOf = (places: Places, name: string): Stream[] =>
  tenantsOf(places).map((tenant) => {
    const stream = parseStreamName(tenant, name);
    if (!stream) throw new UsageError(`${name} is no stream: say for example conversation/cnv_…@5`);
    return stream;
  });

const isCalled = (events: unknown, id: string): boolean =>
  Array.isArray(events) && events.some((event: { id?: unknown } | null) => event?.id === id);

const readVersion = async ({ deps }: Target, stream: Stream, v: number): Promise<Found[]> => {
  const [commit] = await readRange(deps, stream, { from: v, to: v, limit: 1 });
  return commit ? [{ stream, commit }] : [];
};

/** Reads one stream from its beginning. */
const searchStream = async ({ deps }: Target, stream: Stream, id: string, out: Output): Promise<Found[]> => {
  const progress = out.progress(`looking through ${streamName(stream)}`);
  try {
    for (let from = 1; ; from += PAGE) {
      const commits = await readRange(deps, stream, { from, limit: PAGE });
      const commit = commits.find(({ events }) => isCalled(events, id));
      if (commit) return [{ stream, commit }];
      if (commits.length < PAGE) return [];
      progress.tick(commits.length);
    }
  } finally {
    progress.done();
  }
};

const foundIn = (items: Item[], id: string, tenants: readonly TenantId[]): Found[] =>
  items
    .filter(({ events }) => isCalled(events, id))
    .map((item) => ({ stream: parseStreamKey(String(item.pk)), commit: Commit.parse(item) }))
    .filter(({ stream }) => tenants.includes(stream.tenant));

/** Only the whole table tells where an id is. */
const searchEvents = async (target: Target, id: string, places: Places, out: Output): Promise<Found[]> => {
  const tenants = tenantsOf(places);
  const progress = out.progress('looking through all events');
  try {
    for await (const items of target.scan('events')) {
      const found = foundIn(items, id, tenants);
      if (found.length > 0) return found;
      progress.tick(items.length);
    }
    return [];
  } finally {
    progress.done();
  }
};

const search = async (target: Target, id: string, places: Places, out: Output): Promise<Found[]> => {
  const [, name, version] = /^(.+)@([1-9]\d{0,15})$/.exec(id) ?? [];
  const streams = name === undefined ? [] : streamsOf(places, name);
  if (streams.length > 0)
    return (await Promise.all(streams.map((stream) => readVersion(target, stream, Number(version))))).flat();
  if (!/^[a-z]+_[A-Za-z0-9_-]+$/.test(id)) throw new UsageError(`${id} is neither msg_… nor <stream>@<version>`);
  if (places.conversation === undefined) return searchEvents(target, id, places, out);
  const conversation = `conversation/${places.conversation.replace(/^conversation\//, '')}`;
  const found: Found[] = [];
  for (const stream of streamsOf(places, conversation)) found.push(...(await searchStream(target, stream, id, out)));
  return found;
};

/** @throws OpsError when there is no such event, more than one, or one that can't be read */
export const findEvent = async (target: Target, id: string, places: Places, out: Output): Promise<Found> => {
  const found = await search(target, id, places, out).catch((error: unknown) => {
    if (!(error instanceof z.ZodError)) throw error;
    throw new OpsError(`${id} is there but can not be decoded (${error.issues[0]?.path.join('.')}): see parked list`);
  });
  const [event] = found;
  if (!event)
    throw new OpsError(`there is no ${id}${places.tenant ? ` of ${places.tenant}` : ''}: look at the id again`);
  if (found.length > 1)
    throw new OpsError(`${found.map(({ stream }) => stream.tenant).join(' and ')} both have ${id}: say --tenant`);
  return event;
};
