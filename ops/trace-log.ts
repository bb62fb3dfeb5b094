/** What the functions' logs tell of one event: who was sent a frame, who acknowledged, what became of each push. */
import { z } from 'zod';
import { streamName } from '../core/keys.ts';
import type { TrailRecord } from '../functions/push/trail.ts';
import type { Found } from './trace-find.ts';

const strings = z.array(z.string()).default([]);
const about = { t: z.iso.datetime(), v: z.int(), from: z.int().optional() };
const ofDevice = { ...about, person: z.string(), device: z.string() };

/** The entries that matter, as their writers write them. An entry that covers several versions has the first as `from`. */
const Entry = z.discriminatedUnion('msg', [
  z.object({ msg: z.literal('committed'), ...about }),
  z.object({
    msg: z.literal('delivered'),
    ...about,
    ...{ person: z.string(), devices: strings, gone: strings, pointer: z.string() },
  }),
  z.object({ msg: z.literal('frame lost'), ...ofDevice, error: z.string() }),
  z.object({ msg: z.literal('acknowledged'), ...about, user: z.string(), device: z.string() }),
  z.object({ msg: z.literal('push queued'), ...ofDevice, delay: z.number() }),
  z.object({
    msg: z.literal('push decided'),
    ...about,
    person: z.string(),
    decision: z.string(),
    device: z.undefined().optional(),
  }),
  z.object({ msg: z.literal('push failed'), ...ofDevice, error: z.string() }),
  z.object({ msg: z.literal('no push'), ...about, person: z.string(), reason: z.string() }),
]);
export type Entry = z.infer<typeof Entry>;
type Of<M extends Entry['msg']> = Extract<Entry, { msg: M }>;

/** An acknowledgement covers everything before it, every other entry its own versions. */
const isAbout = (entry: Entry, v: number): boolean =>
  entry.v >= v && (entry.msg === 'acknowledged' || (entry.from ?? entry.v) <= v);

/** The entries about one event among those of its stream, in the order of their times. */
export const entriesOf = (all: readonly unknown[], { commit }: Found): Entry[] =>
  all.flatMap((each) => {
    const { data: entry } = Entry.safeParse(each);
    return entry && isAbout(entry, commit.v) ? [entry] : [];
  });

/** What finds them: all that is logged about the event's stream. */
export const filterOf = ({ stream }: Found) => ({ tenant: stream.tenant, stream: streamName(stream) });

export type Step = { t: string; said: string };

const of = <M extends Entry['msg']>(entries: readonly Entry[], msg: M): Of<M>[] =>
  entries.filter((entry): entry is Of<M> => entry.msg === msg);

export const committedAt = (entries: readonly Entry[]): string | undefined => of(entries, 'committed')[0]?.t;

/** Deliveries to a person: frames, then the pointer. */
export const deliveriesTo = (entries: readonly Entry[], person: string): Of<'delivered'>[] =>
  of(entries, 'delivered').filter((entry) => entry.person === person);

/** Frames to one device of a person: when they went out, or why they did not. */
export const framesTo = (entries: readonly Entry[], person: string, device: string): Step[] => [
  ...deliveriesTo(entries, person).flatMap(({ t, devices, gone }): Step[] => {
    if (devices.includes(device)) return [{ t, said: 'sent' }];
    return gone.includes(device) ? [{ t, said: 'its connection was gone' }] : [];
  }),
  ...of(entries, 'frame lost')
    .filter((entry) => entry.person === person && entry.device === device)
    .map(({ t, error }) => ({ t, said: `lost: ${error}` })),
];

/** The first acknowledgement of it, or of something after it. */
export const acknowledgedBy = (
  entries: readonly Entry[],
  person: string,
  device: string,
): Of<'acknowledged'> | undefined =>
  of(entries, 'acknowledged').find((entry) => entry.user === person && entry.device === device);

const sayPush = (entry: Entry): string | undefined => {
  switch (entry.msg) {
    case 'push queued':
      return entry.delay > 0 ? `queued, to be decided after ${entry.delay} s` : 'queued';
    case 'push decided':
      return entry.decision;
    case 'push failed':
      return `failed, and comes again: ${entry.error}`;
    case 'committed':
    case 'delivered':
    case 'frame lost':
    case 'acknowledged':
    case 'no push':
      return undefined;
  }
};

const sayRecord = ({ what, decision, reason, provider, retryAt, into }: TrailRecord): string => {
  const about = what === 'clear' ? 'clearing: ' : '';
  switch (decision) {
    case 'sent':
      return `${about}sent to ${provider}`;
    case 'later':
      return `${about}again at ${retryAt}: ${reason}`;
    case 'skipped':
      return `${about}not sent: ${reason}${into ? ` into ${into}` : ''}`;
    case 'failed':
      return `${about}failed: ${reason}`;
    case 'received':
      return 'received';
  }
};

/** Every step of the push to one device: from the trail what was decided, from the logs the rest. */
export const pushesTo = (
  entries: readonly Entry[],
  trail: readonly TrailRecord[],
  person: string,
  device: string,
): Step[] => {
  const decided = trail.filter((each) => each.device === device).map((each) => ({ t: each.at, said: sayRecord(each) }));
  return [...stepsIn(entries, person, device), ...decided].sort((a, b) => (a.t < b.t ? -1 : 1));
};

/** Those of a decision for all devices stand with each. */
const stepsIn = (entries: readonly Entry[], person: string, device: string): Step[] =>
  entries.flatMap((entry) => {
    const said = sayPush(entry);
    if (said === undefined || !('person' in entry) || entry.person !== person) return [];
    return !('device' in entry) || entry.device === undefined || entry.device === device ? [{ t: entry.t, said }] : [];
  });

/** Why no push was thought of for any device of a person. */
export const noPushTo = (entries: readonly Entry[], person: string): string | undefined =>
  of(entries, 'no push').find((entry) => entry.person === person)?.reason;

/** Devices of a person that the logs know of. */
export const devicesIn = (entries: readonly Entry[], person: string): string[] =>
  entries.flatMap((entry) => {
    if (entry.msg === 'acknowledged') return entry.user === person ? [entry.device] : [];
    if (!('person' in entry) || entry.person !== person) return [];
    if (entry.msg === 'delivered') return [...entry.devices, ...entry.gone];
    return 'device' in entry && entry.device !== undefined ? [entry.device] : [];
  });
