/** The look again, right before sending: is this push still wanted, and what does it say by now? */
import type { Commit } from '../../core/commit.ts';
import type { Deps } from '../../core/deps.ts';
import { type Device, isConnected, type PushAddress, readDevice } from '../../core/devices.ts';
import { tenantOf } from '../../core/env.ts';
import { readNewest, readRange } from '../../core/events.ts';
import { type TenantId, UserId } from '../../core/ids.ts';
import { eventName, parseStreamName, type Stream } from '../../core/keys.ts';
import { type Pointer, readPointer, readPointers } from '../../core/pointers.ts';
import { type Relation, relationOf } from '../relations.ts';
import { preferencesOf } from '../settings.ts';
import { isInGoodStanding } from '../standing.ts';
import { healthOf } from './health.ts';
import type { PushJob } from './jobs.ts';
import { type NoNotification, notificationOf, othersIn, type Reader } from './notification.ts';
import type { Content } from './provider.ts';
import { PATIENCE_SECONDS } from './retries.ts';
import { decisionsOf } from './trail.ts';

export type Reason =
  | NoNotification
  | 'device gone'
  | 'no push address'
  | 'address expired'
  | 'address suspect'
  | 'acknowledged'
  | 'read'
  | 'not a member'
  | 'already sent'
  | 'too old'
  | 'connected'
  | 'newer read'
  | 'not in good standing';

type Unbadged<C> = C extends { badge: number } ? Omit<C, 'badge'> : never;
export type Wanted = Unbadged<Extract<Content, { type: 'show' | 'clear' }>>;

export type Decision =
  /** Its badge is counted when it surely goes: that is the dearest of all reads. */
  | { send: Wanted; to: PushAddress; device: Device; at: string }
  | { skip: Reason }
  /** The newer event that stands for it. */
  | { into: string };

/** How far back what was shown is looked for, and how many newer versions may stand for one that waited. */
const NEWEST = 50;

/** The absolute number of messages that a person has not read: the same on every device. */
export const badgeOf = async (deps: Deps, tenant: TenantId, user: UserId): Promise<number> => {
  const pointers = await readPointers(deps, { tenant, user, kind: 'conversation' });
  return pointers.reduce((sum, { count, read }) => sum + Math.max(0, count - read), 0);
};

/** Read last of all, so that a logout before now is seen. */
const addressOf = async (
  deps: Deps,
  { tenant, person, device: id }: PushJob,
): Promise<{ device: Device; to: PushAddress } | Reason> => {
  const device = await readDevice(deps, tenant, person, id);
  if (!device || device.loggedOut) return 'device gone';
  if (!device.push) return 'no push address';
  const health = healthOf(device, deps.now());
  if (health === 'expired') return 'address expired';
  return health === 'suspect' ? 'address suspect' : { device, to: device.push };
};

/** When it was sent before, if it was: by our own record, or by the word of who got it. One record for each attempt at most. */
const sentAt = async (deps: Deps, job: PushJob): Promise<string | undefined> =>
  (await decisionsOf(deps, job, job.device, `${job.what}-${job.read}-`)).findLast(
    ({ decision }) => decision === 'sent' || decision === 'received',
  )?.at;

/** After a restore the same version is written again: what was sent before that was another event. */
const isAbout = (sent: string | undefined, { at }: Commit): boolean => sent !== undefined && at <= sent;

/** One read for each other person whom it is about: that is one, but in a crowd. */
const relationsIn = async (deps: Deps, { tenant, person }: PushJob, events: readonly unknown[]) => {
  const others = othersIn(events).flatMap((other) => UserId.safeParse(other).data ?? []);
  const found = await Promise.all(
    others
      .filter((other) => other !== person)
      .map(async (other) => [other, await relationOf(deps, tenant, person, other)] as const),
  );
  const relations = new Map<string, Relation>(found);
  return {
    isBlocked: (by: string): boolean => relations.get(by)?.blocked ?? false,
    hasEnded: (conversation: string): boolean => [...relations.values()].some(({ ended }) => ended === conversation),
  };
};

/** The newest later version that is shown too: its own job says it all. */
const standIn = (job: PushJob, commits: readonly Commit[], reader: Reader, now: Date): string | undefined => {
  const last = commits.findLast(({ v, events, audience }, i) => {
    const later = commits.slice(i + 1).flatMap((each) => each.events);
    return (
      audience.some((each) => each === job.person) &&
      typeof notificationOf({ stream: job.stream, v, events, later }, reader, now) === 'object'
    );
  });
  return last && eventName(job.stream, last.v);
};

/** Nobody wants to hear of it by now; the app says it. */
const isTooOld = ({ at }: Commit, now: Date): boolean => now.getTime() > Date.parse(at) + PATIENCE_SECONDS * 1000;

const decideShow = async (deps: Deps, job: PushJob, stream: Stream, pointer: Pointer): Promise<Decision> => {
  const { tenant, person, v } = job;
  if ((pointer.acks[job.device] ?? 0) >= v) return { skip: 'acknowledged' };
  const [[commit, ...later], preferences, sent, isWelcome] = await Promise.all([
    readRange(deps, stream, { from: v, limit: NEWEST }),
    preferencesOf(deps, tenant, person),
    sentAt(deps, job),
    isInGoodStanding(deps, tenant, person),
  ]);
  if (!isWelcome) return { skip: 'not in good standing' };
  if (commit?.v !== v || !commit.audience.includes(person)) return { skip: 'not a member' };
  if (commit.count > 0 && commit.count <= pointer.read) return { skip: 'read' };
  const found = await addressOf(deps, job);
  const { muted } = pointer;
  const {
    push: { content },
    purchases,
  } = tenantOf(tenant);
  const timeZone = typeof found === 'string' ? undefined : found.device.timeZone;
  const said = later.flatMap(({ events }) => events);
  const related = await relationsIn(deps, job, [...commit.events, ...said]);
  const reader: Reader = { person, preferences, muted, ...related, timeZone, content, purchases: purchases?.push };
  const notification = notificationOf(
    { stream: job.stream, v, events: commit.events, later: said },
    reader,
    deps.now(),
  );
  if (typeof notification === 'string') return { skip: notification };
  if (isAbout(sent, commit)) return { skip: 'already sent' };
  if (isTooOld(commit, deps.now())) return { skip: 'too old' };
  if (typeof found === 'string') return { skip: found };
  const into = job.waited ? standIn(job, later, reader, deps.now()) : undefined;
  return into ? { into } : { send: { type: 'show', notification }, ...found, at: commit.at };
};

/** The newest version of which everything is read. What is counted never falls, so it can be halved. */
const readUpTo = async (deps: Deps, stream: Stream, { v, count, read }: Pointer): Promise<number> => {
  if (read >= count) return v;
  const commits = await readNewest(deps, stream, NEWEST);
  const known = commits.find((commit) => commit.count <= read);
  if (known) return known.v;
  let [from, to] = [0, commits.at(-1)?.v ?? 1];
  while (to - from > 1) {
    const middle = Math.floor((from + to) / 2);
    const [commit] = await readRange(deps, stream, { from: middle, limit: 1 });
    if (commit && commit.count <= read) from = middle;
    else to = middle;
  }
  return from;
};

const decideClear = async (deps: Deps, job: PushJob, stream: Stream, pointer: Pointer): Promise<Decision> => {
  // Who answers has read too, and no other clear is told of that.
  if (pointer.read > job.read && pointer.own <= job.v) return { skip: 'newer read' };
  const [v, sent] = await Promise.all([readUpTo(deps, stream, pointer), sentAt(deps, job)]);
  if (sent !== undefined) return { skip: 'already sent' };
  const found = await addressOf(deps, job);
  if (typeof found === 'string') return { skip: found };
  // Its socket tells it, if that is one: what it acknowledged proves so.
  const isThere = isConnected(found.device, deps.now().getTime() / 1000);
  if (isThere && (pointer.acks[job.device] ?? 0) >= v) return { skip: 'connected' };
  // Old messages can be read today: what was read has no age, and the number of its attempts is its bound.
  return { send: { type: 'clear', stream: job.stream, v }, ...found, at: deps.now().toISOString() };
};

/** Consistent reads throughout, the device last: what was acknowledged, read or logged out before now is seen. */
export const decidePush = async (deps: Deps, job: PushJob): Promise<Decision> => {
  const stream = parseStreamName(job.tenant, job.stream);
  if (!stream) return { skip: 'not a member' };
  const pointer = await readPointer(deps, job.person, stream, { consistent: true });
  if (!pointer || pointer.v === 0) return { skip: 'not a member' };
  return job.what === 'show' ? decideShow(deps, job, stream, pointer) : decideClear(deps, job, stream, pointer);
};
