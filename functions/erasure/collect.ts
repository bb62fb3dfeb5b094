/**
 * Collects what there is of a person into parts of an archive, one part a job. Their own streams as they are; messages of the
 * conversations that they are in, also those of the others, which were written to them; what they did about others, and not what
 * others feel about them.
 */
import { z } from 'zod';
import { type Commit, toWire } from '../../core/commit.ts';
import type { Deps } from '../../core/deps.ts';
import { readDevices } from '../../core/devices.ts';
import { readRange } from '../../core/events.ts';
import { type Actor, TenantId, UserId } from '../../core/ids.ts';
import { inboxKey, type Stream, splitKey, streamName } from '../../core/keys.ts';
import { readPointers } from '../../core/pointers.ts';
import { ownStreams, pairOf, stateOfOwn } from '../leaving.ts';
import { folderOf } from './exported.ts';
import { endExport, readExport } from './exports.ts';

const PAGE = 200;
const BYTES = 2 * 1024 * 1024;
const STEPS = 20;

const sections = ['account', 'history', 'people', 'messages', 'notifications', 'end'] as const;
type Section = (typeof sections)[number];
/** Where to go on: in a section, with one of its streams, behind a version or a key. */
const Cursor = z.strictObject({
  section: z.enum(sections),
  stream: z.string().optional(),
  after: z.union([z.int(), z.string()]).optional(),
});
type Cursor = z.infer<typeof Cursor>;

export const ExportJob = z.strictObject({
  ...{ tenant: TenantId, user: UserId, id: z.string() },
  part: z.int().min(1),
  cursor: Cursor,
});
export type ExportJob = z.infer<typeof ExportJob>;

type Row = Record<string, unknown>;
type Step = { items: unknown[]; next: Cursor };
const after = (section: Section): Cursor => ({ section: sections[sections.indexOf(section) + 1] ?? 'end' });

/** Addresses are the phone's secrets, and nothing that a person said. */
const account = async (deps: Deps, actor: Actor): Promise<Step> => {
  const devices = await readDevices(deps, actor.tenant, actor.user);
  const shown = devices.map(({ device, platform, locale, timeZone, appVersion, registeredAt }) => ({
    ...{ device, platform, locale, timeZone, appVersion, registeredAt },
  }));
  const states = await Promise.all(
    ownStreams(actor).map(async (stream) => [stream.kind, await stateOfOwn(deps, stream)] as const),
  );
  return {
    items: [{ userId: actor.user, tenant: actor.tenant, devices: shown, ...Object.fromEntries(states) }],
    next: after('account'),
  };
};

const page = async (deps: Deps, { user }: Actor, streams: Stream[], cursor: Cursor): Promise<Step> => {
  const at = cursor.stream ? streams.findIndex((each) => streamName(each) === cursor.stream) : 0;
  const stream = streams[at];
  if (!stream) return { items: [], next: after(cursor.section) };
  const from = typeof cursor.after === 'number' ? cursor.after + 1 : 1;
  const commits: Commit[] = await readRange(deps, stream, { from, limit: PAGE });
  const name = streamName(stream);
  const items = [{ stream: name, events: commits.flatMap((commit) => toWire(commit, user)) }];
  const last = commits.at(-1);
  if (last && commits.length === PAGE) return { items, next: { ...cursor, stream: name, after: last.v } };
  const next = streams[at + 1];
  return { items, next: next ? { section: cursor.section, stream: streamName(next) } : after(cursor.section) };
};

const conversations = async (deps: Deps, actor: Actor): Promise<Stream[]> => {
  const pointers = await readPointers(deps, { ...actor, kind: 'conversation' });
  return pointers.filter(({ v }) => v > 0).map(({ stream }) => stream);
};

/** Of whom others like, or by whom one is blocked, one knows in the app what one may. */
const isOwn = (item: Row): boolean => {
  const [view] = splitKey(String(item.sk));
  return view !== 'like' && !(view === 'block' && item.by === 'them');
};

/** What they did about another, and wrote to them: not what the other did. */
const withWords = (deps: Deps, actor: Actor, items: Row[]): Promise<Row[]> =>
  Promise.all(
    items.map(async (row) => {
      const [view, other] = splitKey(String(row.sk));
      const about = UserId.safeParse(other);
      if (view !== 'seen' || !about.success) return row;
      const commits = await readRange(deps, pairOf(actor, about.data), { from: 1, limit: PAGE });
      return { ...row, events: commits.flatMap(({ events }) => events.filter(({ by }) => by === actor.user)) };
    }),
  );

const rows = async (deps: Deps, { tenant, user }: Actor, cursor: Cursor): Promise<Step> => {
  const pk = inboxKey(tenant, user);
  const items = await deps.ddb.query(
    {
      TableName: cursor.section === 'people' ? deps.env.VIEWS_TABLE : deps.env.TRAIL_TABLE,
      KeyConditionExpression: '#pk = :pk',
      ExpressionAttributeNames: { '#pk': 'pk' },
      ExpressionAttributeValues: { ':pk': pk },
      ...(typeof cursor.after === 'string' ? { ExclusiveStartKey: { pk, sk: cursor.after } } : {}),
    },
    PAGE,
  );
  const shown = cursor.section === 'people' ? await withWords(deps, { tenant, user }, items.filter(isOwn)) : items;
  const last = items.at(-1);
  const next = last && items.length === PAGE ? { ...cursor, after: String(last.sk) } : after(cursor.section);
  return { items: shown.map(({ pk: _, ...row }) => row), next };
};

const step = async (deps: Deps, actor: Actor, cursor: Cursor): Promise<Step> => {
  switch (cursor.section) {
    case 'account':
      return account(deps, actor);
    case 'history':
      return page(deps, actor, ownStreams(actor), cursor);
    case 'messages':
      return page(deps, actor, await conversations(deps, actor), cursor);
    case 'people':
    case 'notifications':
      return rows(deps, actor, cursor);
    case 'end':
      return { items: [], next: cursor };
  }
};

export const partKey = (actor: Actor, id: string, part: number): string => `${folderOf(actor)}${id}/${part}.json`;

/** Writes one part and asks for the next; doing it again writes the same part again. */
export const collect = async (deps: Deps, job: ExportJob): Promise<void> => {
  if ((await readExport(deps, job))?.id !== job.id) return;
  const collected: { section: Section; items: unknown[] }[] = [];
  let { cursor } = job;
  for (let bytes = 0, steps = 0; cursor.section !== 'end' && bytes < BYTES && steps < STEPS; steps++) {
    const { items, next } = await step(deps, job, cursor);
    bytes += Buffer.byteLength(JSON.stringify(items));
    if (items.length > 0) collected.push({ section: cursor.section, items });
    cursor = next;
  }
  const text = JSON.stringify({ format: 1, part: job.part, last: cursor.section === 'end', sections: collected });
  await deps.exported.put(partKey(job, job.id, job.part), text);
  if (cursor.section === 'end') return endExport(deps, job, job.id, job.part);
  await deps.enqueue(deps.env.EXPORT_QUEUE_URL, { ...job, part: job.part + 1, cursor }, 0);
};

export const firstJob = ({ tenant, user }: Actor, id: string): ExportJob => ({
  ...{ tenant, user, id, part: 1 },
  cursor: { section: 'account' },
});
