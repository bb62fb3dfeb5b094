/** `trace`: what became of one message or event, from its acceptance to the last acknowledgement and push decision. */

import { pointerKey, streamName, versionKey } from '../core/keys.ts';
import { inLanes } from '../core/lanes.ts';
import { PARKED, parkedKey } from '../core/parked.ts';
import { type Command, type Flags, type Output, textOf, UsageError } from './command.ts';
import { listParked, shortKey } from './parked-held.ts';
import type { Target } from './target.ts';
import { type Found, findEvent } from './trace-find.ts';
import { committedAt, type Entry, entriesOf, filterOf } from './trace-log.ts';
import { type DeviceTrace, type PersonTrace, tracePerson } from './trace-people.ts';

const HOUR_MS = 3600_000;
/** Clocks of functions differ a little. */
const BEFORE_MS = 60_000;
const HOURS = 6;
const WIDTH = 8;

const hoursOf = (flags: Flags): number => {
  const hours = Number(textOf(flags, 'hours') ?? HOURS);
  if (!(hours > 0)) throw new UsageError('--hours must be a number above 0');
  return hours;
};

const readEntries = async (target: Target, found: Found, hours: number, out: Output): Promise<Entry[]> => {
  const at = Date.parse(found.commit.at);
  const progress = out.progress('searching the logs');
  const all: unknown[] = [];
  for await (const entry of target.logs(filterOf(found), new Date(at - BEFORE_MS), new Date(at + hours * HOUR_MS))) {
    all.push(entry);
    progress.tick();
  }
  progress.done();
  return entriesOf(all, found);
};

/** Parked things that are about the event, or about a pointer to its stream. */
const parkedAbout = async ({ deps }: Target, { stream, commit }: Found): Promise<string[]> => {
  const items = [versionKey(stream, commit.v), ...commit.audience.map((person) => pointerKey(person, stream))];
  const ends = items.map(({ pk, sk }) => parkedKey('', `${pk}|${sk}`).slice(PARKED.length));
  return (await listParked(deps)).filter((key) => ends.some((end) => key.endsWith(end))).map(shortKey);
};

const tracePeople = async (target: Target, found: Found, entries: readonly Entry[]): Promise<PersonTrace[]> => {
  const { audience } = found.commit;
  const traced = new Map<string, PersonTrace>();
  const failures = await inLanes(
    audience,
    (person) => person,
    WIDTH,
    async (person) => {
      traced.set(person, await tracePerson(target, found, entries, person));
    },
  );
  if (failures[0]) throw failures[0].error;
  return audience.flatMap((person) => traced.get(person) ?? []);
};

/** How long after its acceptance something was. */
const after = (t: string, { commit }: Found): string => {
  const ms = Date.parse(t) - Date.parse(commit.at);
  if (ms < 1000) return `+${ms} ms`;
  if (ms < 120_000) return `+${(ms / 1000).toFixed(1)} s`;
  return ms < 2 * HOUR_MS ? `+${Math.round(ms / 60_000)} min` : `+${(ms / HOUR_MS).toFixed(1)} h`;
};

const sayPointer = ({ pointer }: PersonTrace): string => {
  if (!pointer) return 'none';
  return `${pointer.isBeyond ? 'there' : 'behind'}, at ${pointer.v}`;
};

const deviceRow = (found: Found, { person, noPush }: PersonTrace, device: DeviceTrace): Record<string, unknown> => {
  const steps = (all: { t: string; said: string }[]) =>
    all.map(({ t, said }) => `${said} ${after(t, found)}`).join('; ');
  const { acknowledged, frames, pushes } = device;
  return {
    device: `${person}/${device.device}`,
    now: device.is,
    frame: steps(frames) || 'none',
    acknowledged: acknowledged ? (acknowledged.t ? after(acknowledged.t, found) : 'yes') : 'no',
    push: steps(pushes) || (noPush ?? (device.hasPushAddress ? 'none' : 'no push address')),
  };
};

const print = (
  found: Found,
  people: PersonTrace[],
  out: Output,
  { logged, notes }: { logged?: string; notes: string[] },
) => {
  const { stream, commit } = found;
  const { v, by = 'the system', at, command, events } = commit;
  out.line(
    `${streamName(stream)}@${v} of ${stream.tenant}: ${events.map(({ type, id }) => [type, id].join(' ').trim()).join(', ')}`,
  );
  out.line(`accepted ${at} from ${by} as ${command}${logged ? `, logged ${after(logged, found)}` : ''}`);
  if (people.length === 0) out.line('Nobody is told of this stream: other contexts react to it.');
  out.line('');
  out.table(
    people.map((each) => ({
      person: each.person,
      pointer: sayPointer(each),
      read: each.pointer?.isRead ? 'yes' : 'no',
      delivered: each.delivered.map(({ t, pointer }) => `${after(t, found)} (pointer ${pointer})`),
    })),
  );
  out.line('');
  out.table(people.flatMap((each) => each.devices.map((device) => deviceRow(found, each, device))));
  for (const note of notes) out.line(note);
};

const run: Command['run'] = async (target, [id, extra], flags, out) => {
  if (id === undefined || extra !== undefined)
    throw new UsageError('say what: trace msg_… or trace <stream>@<version>');
  const hours = hoursOf(flags);
  const places = { tenant: textOf(flags, 'tenant'), conversation: textOf(flags, 'conversation') };
  const found = await findEvent(target, id, places, out);
  const entries = await readEntries(target, found, hours, out);
  const people = await tracePeople(target, found, entries);
  const parked = await parkedAbout(target, found);
  const logged = committedAt(entries);
  const problems = [
    ...people.flatMap((each) => each.problems),
    ...parked.map((key) => `parked: ${key} (parked show tells why)`),
  ];
  const missing = [...(logged ? [] : ['its acceptance']), ...people.flatMap((each) => each.missing)];
  const where = `The logs of the ${hours} h after it (--hours) do not hold`;
  const notes = [...problems, ...missing.map((what) => `${where} ${what}.`)];
  print(found, people, out, { ...(logged ? { logged } : {}), notes });
  const { v, at, by, command, events } = found.commit;
  out.json({
    ...{ tenant: found.stream.tenant, stream: streamName(found.stream), v },
    events: events.map((event) => ({ type: event.type, id: event.id })),
    accepted: { at, by, command, logged },
    ...{ people, parked, problems, missing },
  });
  return problems.length > 0 ? 1 : 0;
};

export const trace: Command = {
  name: 'trace',
  summary: 'what became of one message or event: delivery, acknowledgements, pushes',
  usage: `<id>

The id is a message's (msg_…) or an event's (conversation/cnv_…@5). Tells when it was accepted and by whom, to whom it was
delivered, which devices got a frame, which acknowledged, and every decision about a push with its reason; and what the
logs no longer hold. A message's id is looked for in all events, unless --conversation says where it is.`,
  flags: {
    tenant: { value: 'id', help: 'whose event it is, when several tenants have one of this name' },
    conversation: { value: 'id', help: 'where to look for a message: reads this conversation, not all events' },
    hours: { value: 'n', help: `how long after its acceptance the logs are searched (default ${HOURS})` },
  },
  run,
};
