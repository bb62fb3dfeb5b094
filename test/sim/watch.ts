/** What must hold at every single write and push, not only in the end. */
import type { Cloud } from './cloud.ts';
import type { Write } from './dynamo/dynamo.ts';
import type { Look } from './phones.ts';
import type { Process } from './process.ts';
import { type Raw, segments, toPointer } from './raw.ts';

type Tell = (violation: string) => void;

/** Versions and receipts are written once and never changed. */
const watchEvents = ({ tables }: Raw, { table, pk, sk, before, after }: Write, tell: Tell): void => {
  if (table !== tables.events || (!sk.startsWith('v#') && !sk.startsWith('c#'))) return;
  if (before) tell(`immutable: ${pk} ${sk} was ${after ? 'overwritten' : 'removed'}`);
  // A version says itself where it is: its digits behind their count.
  const digits = String(after?.v);
  if (after && sk.startsWith('v#') && sk !== `v#${digits.length.toString(36)}${digits}`)
    tell(`version: ${pk} ${sk} holds ${digits}`);
};

/** What was signed by a store is written once and never changed. */
const watchAudit = ({ tables }: Raw, { table, pk, sk, before, after }: Write, tell: Tell): void => {
  if (table === tables.transactions && before) tell(`immutable: ${pk} ${sk} was ${after ? 'overwritten' : 'removed'}`);
};

/** Registers move up, and never beyond what they are about. */
const watchInbox = (raw: Raw, { table, pk, before, after }: Write, tell: Tell): void => {
  if (table !== raw.tables.inbox) return;
  if (!after) {
    tell(`pointer: one of ${pk} was removed`);
    return;
  }
  const now = toPointer(after);
  const then = before && toPointer(before);
  const { v, count, read } = now;
  if (then && (v < then.v || count < then.count || read < then.read)) tell(`register: ${pk} ${now.stream} moved down`);
  for (const [kind, marks, old, bound] of [
    ['ack', now.acks, then?.acks, v],
    ['seen', now.seen, then?.seen, count],
  ] as const)
    for (const [who, n] of Object.entries(marks)) {
      if (n < (old?.[who] ?? 0)) tell(`register: ${kind} of ${who} on ${pk} ${now.stream} moved down`);
      if (n > bound) tell(`register: ${kind} of ${who} on ${pk} ${now.stream} is beyond ${bound}`);
    }
  if (then && now.mutes < then.mutes) tell(`mute: ${pk} ${now.stream} counts ${now.mutes} after ${then.mutes}`);
  if (then && now.muted !== then.muted && now.mutes !== then.mutes + 1)
    tell(`mute: ${pk} ${now.stream} changed from ${then.mutes} to ${now.mutes}`);
  if (read > count) tell(`register: ${pk} ${now.stream} has read ${read} of ${count}`);
  const slash = now.stream.indexOf('/');
  const head = raw.head([segments(pk)[0], now.stream.slice(0, slash), now.stream.slice(slash + 1)].join('#'));
  if (v > head) tell(`pointer: ${pk} ${now.stream} is at ${v} beyond ${head}`);
};

/** A connection that is open is forgotten by nobody but its own device's logout, its next connection, or a moderator. */
const watchConnections = (
  { tables, item }: Raw,
  { sockets }: Pick<Cloud, 'sockets'>,
  { table, pk, sk, before, after }: Write,
  tell: Tell,
): void => {
  if (table !== tables.devices) return;
  const id = (before?.connection as { id?: string } | undefined)?.id;
  if (id === undefined || after?.connection !== undefined || after?.loggedOut === true) return;
  const [tenant, , user] = segments(pk);
  if (item(tables.views, `${tenant}#standing#${user}`, 'standing#now')) return;
  if (sockets.connection(id)?.server === 'open') tell(`connection: ${pk} ${sk} forgets ${id}, which is open`);
};

type Job = { tenant: string; person: string; device: string; stream: string; v: number; what?: string };
const jobsIn = (event: unknown): Job[] =>
  ((event as { Records?: { body?: string }[] }).Records ?? []).flatMap(({ body }) =>
    body === undefined ? [] : [JSON.parse(body)],
  );

const personKey = ({ tenant, person }: Job): string => `${tenant}#person#${person}`;

/** What stood in the tables when a push job began: it must look at that at least. */
const lookOf = (raw: Raw, job: Job) => {
  const [kind = '', id = ''] = job.stream.split('/');
  const pointer = raw.item(raw.tables.inbox, personKey(job), `${kind}#${id}`);
  const device = raw.item(raw.tables.devices, personKey(job), `device#${job.device}`);
  const commit = raw.item(
    raw.tables.events,
    `${job.tenant}#${kind}#${id}`,
    `v#${String(job.v).length.toString(36)}${job.v}`,
  );
  return {
    acknowledged: Number(pointer?.[`ack:${job.device}`] ?? 0) >= job.v,
    read: Number(commit?.count ?? 0) > 0 && Number(pointer?.read ?? 0) >= Number(commit?.count),
    address: (device?.push as { value?: string } | undefined)?.value,
    registeredAt: device?.registeredAt === undefined ? undefined : String(device.registeredAt),
    own: commit?.by === job.person,
  };
};

type Now = () => { began: number; seq: number };

/** @returns told of every push as a provider is asked for it */
export const watchPushes = (raw: Raw, now: Now, tell: Tell) => {
  const looks = new Map<string, { job: Job; look: ReturnType<typeof lookOf>; when: ReturnType<Now> }[]>();
  const onStart = (process: Process, event: unknown): void => {
    if (process.functionId !== 'PushSendQueue') return;
    looks.set(
      process.name,
      jobsIn(event).map((job) => ({ job, look: lookOf(raw, job), when: now() })),
    );
  };
  const onPush: Look = (process, push) => {
    const about = `${push.stream}@${push.v} to ${push.to} by ${process.name}`;
    const found = looks
      .get(process.name)
      ?.filter(
        ({ job }) =>
          job.tenant === push.tenant &&
          job.person === push.user &&
          job.stream === push.stream &&
          (job.what ?? 'show') === push.what &&
          (push.what === 'clear' || job.v === push.v),
      );
    if (!found || found.length === 0) {
      tell(`push: ${about} was never asked for`);
      return undefined;
    }
    // It may have come back to the device since.
    const fine = found.some(({ job, look }) => look.address === push.to || lookOf(raw, job).address === push.to);
    if (!fine) tell(`push: ${about} goes to an address that was not the device's any more`);
    const first = found.find(({ look }) => look.address === push.to);
    if (push.what === 'show') {
      if (first?.look.acknowledged) tell(`push: ${about} though it was acknowledged before`);
      if (first?.look.read) tell(`push: ${about} though it was read before`);
      if (first?.look.own) tell(`push: ${about} is the person's own`);
    }
    if (!first) return undefined;
    const { registeredAt } = first.look;
    const isSame = lookOf(raw, first.job).registeredAt === registeredAt;
    return { device: first.job.device, ...first.when, registeredAt: isSame ? registeredAt : undefined };
  };
  return { onStart, onPush };
};

/** Begins to watch. */
export const watchWrites = (
  cloud: Pick<Cloud, 'dynamo' | 'violation' | 'sockets' | 'tenants' | 'restoring'>,
  raw: Raw,
): void =>
  cloud.dynamo.onWrite((write) => {
    if (cloud.restoring.now || !cloud.tenants.has(segments(write.pk)[0] ?? '')) return;
    watchConnections(raw, cloud, write, cloud.violation);
    watchEvents(raw, write, cloud.violation);
    watchAudit(raw, write, cloud.violation);
    watchInbox(raw, write, cloud.violation);
  });
