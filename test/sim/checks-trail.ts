/** Each push is written down, and sent once; none goes to an address that is dead; and badges say what is unread. */
import type { Quiet } from './checks.ts';
import type { Asked, Dead } from './phones.ts';
import { segments } from './raw.ts';

type Tell = (violation: string) => void;
export type Row = {
  tenant: string;
  person: string;
  stream: string;
  v: number;
  device: string;
  what: string;
  decision: string;
  read: number;
  attempt: number;
  /** By the clock of who wrote it. */
  at: number;
  reason: string;
  pushId: string;
};

export const trailOf = ({ raw, cloud }: Quiet): Row[] =>
  raw.items('trail').flatMap(({ pk, sk, record }) => {
    // Beside what was pushed, what purchases leave for who looks into them.
    if (record === undefined) return [];
    const [tenant = '', , person = ''] = segments(String(pk));
    const [stream = '', sorted = '', device = ''] = segments(String(sk));
    const { what, decision, read = 0, attempt, at, reason, pushId } = record as Record<string, unknown>;
    if (!cloud.tenants.has(tenant)) return [];
    return {
      ...{ tenant, person, stream, device, v: Number(sorted.slice(1)), read: Number(read), attempt: Number(attempt) },
      ...{ what: String(what), decision: String(decision), at: Date.parse(String(at)) },
      ...{ reason: String(reason), pushId: String(pushId) },
    };
  });

/** Of an event to a device at most one is written down as sent; it was; and what was decided is there. */
const trail = (quiet: Quiet, tell: Tell): void => {
  const rows = trailOf(quiet);
  const sent = rows.filter(({ decision }) => decision === 'sent');
  const once = Map.groupBy(
    sent,
    ({ tenant, person, stream, v, device, what, read }) =>
      `${what} ${read} of ${stream}@${v} to ${tenant}/${person}/${device}`,
  );
  for (const [about, { length }] of once) if (length > 1) tell(`trail: ${about} was sent ${length} times`);
  const accepted = new Set(quiet.cloud.phones.accepted.map(({ id }) => id));
  for (const { pushId, stream, v } of sent)
    if (!accepted.has(pushId)) tell(`trail: ${pushId} of ${stream}@${v} was never sent`);
  const nameOf = ({ tenant, person, device, stream, v, what, decision, attempt }: Record<string, unknown>): string =>
    [tenant, person, device, stream, v, what, decision, decision === 'sent' ? '' : attempt].join(' ');
  const names = new Set(rows.map(nameOf));
  for (const { entry } of quiet.cloud.logs)
    if (entry.msg === 'push decided' && entry.device !== undefined && !names.has(nameOf(entry)))
      tell(`trail: nothing of ${nameOf(entry)}`);
};

/** When what a provider said of an address was acted on: the row has lost it from then on, or was registered anew. */
const concludedAt = ({ cloud }: Quiet, { found, process, at, stream, v, what, reason }: Dead): number | undefined =>
  cloud.logs.find(
    ({ entry, ...by }) =>
      by.process.name === process &&
      by.at >= at &&
      entry.msg === 'push decided' &&
      entry.decision === 'failed' &&
      [entry.stream, entry.v, entry.what, entry.device].join() === [stream, v, what, found?.device].join() &&
      String(entry.reason).startsWith(reason),
  )?.at;

/** Too many at once, or nobody could count them: then an address stays. */
const isBreakerOpen = ({ cloud }: Quiet, { process, at }: Dead): boolean =>
  cloud.logs.some((each) => each.process.name === process && each.at >= at && /breaker/.test(each.entry.msg));

/** Did the provider learn of its death after it was registered? */
const isTrue = ({ found, since }: Dead): boolean =>
  found?.registeredAt !== undefined && (since === undefined || since > Date.parse(found.registeredAt));

/** What was begun after an address was concluded to be dead goes there no more, unless it is registered again. */
const dead = (quiet: Quiet, tell: Tell): void => {
  const { accepted, dead: all } = quiet.cloud.phones;
  for (const death of all.filter((each) => isTrue(each) && !isBreakerOpen(quiet, each))) {
    const concluded = concludedAt(quiet, death);
    if (concluded === undefined) continue;
    const { tenant, user, to, reason, found } = death;
    const row = quiet.raw.item(quiet.raw.tables.devices, `${tenant}#person#${user}`, `device#${found?.device}`);
    if ((row?.push as { value?: string } | undefined)?.value === to && row?.registeredAt === found?.registeredAt)
      tell(`dead: ${user}/${found?.device} still has ${to}: ${reason}`);
    for (const push of accepted)
      if (
        [push.tenant, push.user, push.to, push.found?.device].join() === [tenant, user, to, found?.device].join() &&
        push.found?.registeredAt === found?.registeredAt &&
        (push.found?.began ?? 0) > concluded
      )
        tell(`dead: ${push.stream}@${push.v} goes to ${to} of ${user}/${found?.device}: ${reason}`);
  }
};

/** The least and the most that a person had not read from one write to another. */
const unreadWithin = ({ cloud, raw }: Quiet, { tenant, user }: Asked, { from, to }: { from: number; to: number }) => {
  const all = new Map<string, number[]>();
  for (const { table, pk, sk, seq, after } of cloud.dynamo.writes) {
    if (table !== raw.tables.inbox || pk !== `${tenant}#person#${user}` || !sk.startsWith('conversation#')) continue;
    if (seq > to) break;
    const unread = Number(after?.count ?? 0) - Number(after?.read ?? 0);
    // What was there when it began, and everything since.
    all.set(sk, [...(seq <= from ? [] : (all.get(sk) ?? [0])), unread]);
  }
  const sum = (of: (...values: number[]) => number): number =>
    [...all.values()].reduce((total, values) => total + of(...values), 0);
  return { least: sum(Math.min), most: sum(Math.max) };
};

/** By the streams' heads, and the person's marks. */
const naiveUnread = ({ raw }: Quiet, { tenant, user }: Asked): number =>
  [...raw.streams().values()].reduce((total, commits) => {
    const head = commits.at(-1);
    if (head?.kind !== 'conversation' || head.tenant !== tenant || !head.audience.includes(user)) return total;
    const messages = commits.flatMap(({ events }) => events.filter(({ type }) => type === 'Sent')).length;
    const pointer = raw.item(raw.tables.inbox, `${tenant}#person#${user}`, `conversation#${head.id}`);
    return total + messages - Number(pointer?.read ?? 0);
  }, 0);

/** Each says what was unread while it was made; and where nothing has changed since, what the events and marks say now. */
const badges = (quiet: Quiet, tell: Tell): void => {
  const { accepted } = quiet.cloud.phones;
  const now = quiet.cloud.dynamo.writes.length;
  for (const push of accepted) {
    if (!push.found) continue;
    const from = push.found.seq;
    const about = `${push.what} of ${push.stream}@${push.v} to ${push.user}/${push.found.device} says ${push.badge}`;
    const { least, most } = unreadWithin(quiet, push, { from, to: push.seq });
    if (push.badge < least || push.badge > most) tell(`badge: ${about}, and ${least} to ${most} were unread`);
    const since = unreadWithin(quiet, push, { from, to: now });
    const total = naiveUnread(quiet, push);
    if (since.least === since.most && push.badge !== total) tell(`badge: ${about}, and ${total} are unread`);
  }
};

export const checkTrail = (quiet: Quiet, tell: Tell): void => {
  trail(quiet, tell);
  dead(quiet, tell);
  badges(quiet, tell);
};
