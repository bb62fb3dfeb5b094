/**
 * What must hold when everything is quiet, read from raw items, from what people were told, and from what devices have.
 * Nothing here uses the product's readers.
 */
import { canonicalJson } from '../../core/json.ts';
import { storeChecks } from './appstore/checks.ts';
import { whoChecks } from './checks-who.ts';
import type { Cloud } from './cloud.ts';
import type { Device } from './device.ts';
import { type History, outcomeOf } from './history.ts';
import type { Raw, RawCommit } from './raw.ts';
import type { Replica } from './replica.ts';

export type Quiet = { cloud: Cloud; raw: Raw; history: History; devices: Device[]; cold: Device[]; poisoned: string[] };
type Tell = (violation: string) => void;
export type Check = (quiet: Quiet, tell: Tell) => void;

const ofCloud = ({ cloud, raw }: Quiet): Map<string, RawCommit[]> =>
  new Map([...raw.streams()].filter(([, [first]]) => first && cloud.tenants.has(first.tenant)));

/** Versions are 1, 2, 3, …, a command is there once, and messages are numbered densely. */
const streams: Check = (quiet, tell) => {
  for (const [pk, commits] of ofCloud(quiet)) {
    for (const [i, { v }] of commits.entries()) if (v !== i + 1) tell(`gap: ${pk} has v${v} at place ${i + 1}`);
    const commands = new Set<string>();
    for (const { command, v } of commits) {
      if (commands.has(command)) tell(`twice: ${pk} v${v} repeats ${command}`);
      commands.add(command);
    }
    const numbers = commits.flatMap(({ events }) =>
      events.flatMap(({ type, number }) => (type === 'Sent' ? [number] : [])),
    );
    for (const [i, number] of numbers.entries())
      if (number !== i + 1) tell(`number: ${pk} counts ${number} at place ${i + 1}`);
    if ((commits.at(-1)?.count ?? 0) !== numbers.length)
      tell(`count: ${pk} says ${commits.at(-1)?.count} of ${numbers.length}`);
  }
};

/** What was answered is there exactly once, what was refused is not, what nobody knows at most once. */
const commands: Check = (quiet, tell) => {
  const all = ofCloud(quiet);
  for (const { tenant, user, conversation, key, text, attempts, answer } of quiet.history.sent) {
    const commits = all.get(`${tenant}#conversation#${conversation}`) ?? [];
    const found = commits.filter(({ command }) => command === `${user}/${key}`);
    const about = `${user}'s ${key} in ${conversation}`;
    const outcome = outcomeOf(attempts);
    if (found.length > 1) tell(`duplicate: ${about} is there ${found.length} times`);
    if (outcome === 'done' && found.length === 0) tell(`lost: ${about} was accepted and is not there`);
    if (outcome === 'nothing' && attempts.length > 0 && found.length > 0)
      tell(`definite: ${about} was refused and is there`);
    const [commit] = found;
    const said = commit?.events.find(({ type }) => type === 'Sent');
    if (commit && (said?.text !== text || said.by !== user)) tell(`content: ${about} says ${JSON.stringify(said)}`);
    if (answer && commit && (commit.v !== answer.version || said?.number !== answer.number))
      tell(`answer: ${about} was told ${answer.version} and stands at ${commit.v}`);
  }
  // Nothing is there that nobody asked for.
  const asked = new Set(
    quiet.history.sent.map(
      ({ user, key, conversation, tenant }) => `${tenant}#conversation#${conversation} ${user}/${key}`,
    ),
  );
  for (const [pk, commits] of all)
    for (const { command, events } of commits)
      if (events.some(({ type }) => type === 'Sent') && !asked.has(`${pk} ${command}`))
        tell(`phantom: ${pk} ${command}`);
};

/** Everyone of an audience has a pointer at the head, nobody else has one, and read marks are known to the others. */
const pointers: Check = (quiet, tell) => {
  const all = ofCloud(quiet);
  const there = new Map(
    quiet.raw
      .pointers()
      .filter(({ tenant }) => quiet.cloud.tenants.has(tenant))
      .map((each) => [`${each.tenant} ${each.person} ${each.stream}`, each] as const),
  );
  const expected = new Set<string>();
  for (const commits of all.values()) {
    const head = commits.at(-1);
    if (!head) continue;
    const stream = `${head.kind}/${head.id}`;
    for (const person of head.audience) {
      expected.add(`${head.tenant} ${person} ${stream}`);
      const pointer = there.get(`${head.tenant} ${person} ${stream}`);
      if (pointer?.v !== head.v) tell(`pointer: ${person} has ${stream} at ${pointer?.v}, and it stands at ${head.v}`);
      if (!pointer) continue;
      if (pointer.count !== head.count)
        tell(`pointer: ${person} counts ${pointer.count} of ${head.count} in ${stream}`);
      const own = commits.findLast(({ by }) => by === person)?.count ?? 0;
      if (pointer.read < own) tell(`read: ${person} wrote ${own} in ${stream} and has read ${pointer.read}`);
      for (const other of head.audience) {
        if (other === person) continue;
        const theirs = there.get(`${head.tenant} ${other} ${stream}`);
        if (theirs && (pointer.seen[other] ?? 0) !== theirs.read)
          tell(
            `seen: ${person} believes ${other} read ${pointer.seen[other] ?? 0} of ${stream}, and it is ${theirs.read}`,
          );
      }
    }
  }
  // At 0 stands what a restore took away altogether.
  for (const [key, { v }] of there) if (v > 0 && !expected.has(key)) tell(`orphan: a pointer of ${key}`);
  for (const { tenant, user, conversation, upTo, told } of quiet.history.read) {
    const pointer = there.get(`${tenant} ${user} conversation/${conversation}`);
    if (told === 'done' && (pointer?.read ?? 0) < upTo)
      tell(`read: ${user} was told ${upTo} of ${conversation} and has ${pointer?.read}`);
  }
};

const shown = ({ streams: copies }: Replica): string =>
  canonicalJson(
    [...copies]
      .map(([name, { v, state, count, read, seen, muted, mutes }]) => ({
        name,
        v,
        state,
        count,
        read,
        seen,
        muted,
        mutes,
      }))
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
  );

/** Every device of a person, also one that starts now, shows the same, and that is what the events say. */
const devices: Check = (quiet, tell) => {
  const all = ofCloud(quiet);
  for (const device of [...quiet.devices, ...quiet.cold]) {
    const { tenant, user, name, replica } = device;
    const me = `${tenant}/${user}/${name}`;
    for (const each of replica.contradictions) tell(`contradiction: ${me}: ${each}`);
    const mine = [...all.values()].filter(
      (commits) => commits.at(-1)?.audience.includes(user) && commits[0]?.tenant === tenant,
    );
    if (mine.length !== replica.streams.size)
      tell(`device: ${me} has ${[...replica.streams.keys()].join(' ')}, and should have ${mine.length} streams`);
    for (const commits of mine) {
      const head = commits.at(-1);
      const name_ = `${head?.kind}/${head?.id}`;
      const copy = replica.streams.get(name_);
      if (!head || copy?.v !== head.v) {
        tell(`device: ${me} has ${name_} at ${copy?.v}, and it stands at ${head?.v}`);
        continue;
      }
      if (canonicalJson(copy.state) !== canonicalJson(head.state))
        tell(`device: ${me} shows another state of ${name_}`);
      for (const { v, events } of commits.filter((commit) => commit.v >= copy.first))
        if (copy.events.get(v) !== canonicalJson(events))
          tell(`device: ${me} has ${copy.events.get(v)} at ${name_} v${v}`);
    }
  }
  for (const cold of quiet.cold)
    for (const device of quiet.devices.filter((each) => each.tenant === cold.tenant && each.user === cold.user))
      if (shown(device.replica) !== shown(cold.replica))
        tell(
          `device: ${device.user}/${device.name} shows ${shown(device.replica)}, and a new one ${shown(cold.replica)}`,
        );
};

/** What is muted stands in the row, and on every device; whoever had one wish only has it. */
const mutes: Check = ({ cloud, raw, history, devices: old, cold }, tell) => {
  for (const { tenant, person, stream, v, muted, mutes: count } of raw.pointers()) {
    if (!cloud.tenants.has(tenant) || v === 0) continue;
    for (const { user, name, replica } of [...old, ...cold].filter((each) => each.tenant === tenant)) {
      const copy = user === person ? replica.streams.get(stream) : undefined;
      if (copy && (copy.muted !== muted || copy.mutes !== count))
        tell(`mute: ${user}/${name} holds ${stream} as ${copy.muted} (${copy.mutes}), and it is ${muted} (${count})`);
    }
    const wishes = history.muted.filter(
      (each) => each.tenant === tenant && each.user === person && `conversation/${each.conversation}` === stream,
    );
    const [wish, ...others] = new Set(wishes.map(({ until }) => until));
    if (muted !== undefined && !wishes.some(({ until }) => until === muted)) tell(`mute: nobody wished ${muted}`);
    if (others.length === 0 && wishes.some(({ told }) => told === 'done') && muted !== wish)
      tell(`mute: ${person} was told ${wish} of ${stream}, and it is ${muted}`);
  }
};

/** The newest connection of a device is the one that the server writes to. */
const connections: Check = ({ cloud, raw, devices: all }, tell) => {
  for (const { tenant, user, name, connection } of all) {
    const id = connection();
    if (id === undefined || cloud.sockets.connection(id)?.server !== 'open') continue;
    const row = raw.item(raw.tables.devices, `${tenant}#person#${user}`, `device#${name}`);
    const known = (row?.connection as { id?: string } | undefined)?.id;
    if (known !== id) tell(`connection: ${user}/${name} is connected as ${id}, and the server writes to ${known}`);
  }
};

/** Nothing is parked but what can't be read, nothing is left behind, and nothing failed but what was made to fail. */
const leftovers: Check = ({ cloud, poisoned }, tell) => {
  for (const key of cloud.objects.keys())
    if (!key.startsWith('leaves/') && !poisoned.some((pk) => key.includes(encodeURIComponent(pk))))
      tell(`parked: ${key}: ${cloud.objects.get(key)?.text.slice(0, 300)}`);
  const forgotten = cloud.faults.happened.filter(({ fault }) => fault === 'forgotten');
  for (const pk of poisoned) {
    const parked = [...cloud.objects.keys()].some((key) => key.includes(encodeURIComponent(pk)));
    // What left the stream unread was never met; `verify` names it.
    if (!parked && !forgotten.some(({ at }) => at.includes(pk))) tell(`poison: ${pk} is not parked`);
  }
  if (cloud.functions.running() > 0) tell(`running: ${cloud.functions.running()} processes`);
  if (cloud.streams.waiting() > 0) tell(`waiting: ${cloud.streams.waiting()} records`);
  for (const { process, entry } of cloud.logs)
    if (typeof entry.error === 'string' && !/injected|again$|outcome-unknown|busy/.test(entry.error))
      tell(`failed: ${process.name}: ${entry.msg}: ${entry.error}`);
};

const checks: Record<string, Check> = {
  ...{ streams, commands, pointers, devices, mutes, connections, leftovers },
  ...whoChecks,
  ...storeChecks,
};

/** @returns what does not hold, in sentences */
export const checkAll = (quiet: Quiet, more: Record<string, Check> = {}): string[] => {
  const violations: string[] = [];
  for (const check of Object.values({ ...checks, ...more })) check(quiet, (what) => void violations.push(what));
  return violations;
};
