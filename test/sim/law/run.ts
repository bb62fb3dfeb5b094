/**
 * A generated history with its devices: each person has a phone that hears everything, a tablet that is away and syncs now
 * and then, a page at a time, and at every check a device that starts with nothing.
 */

import fc from 'fast-check';
import { DeviceId, type UserId } from '../../../core/ids.ts';
import { canonicalJson } from '../../../core/json.ts';
import { parseStreamName, type Stream } from '../../../core/keys.ts';
import { events } from '../../memory.ts';
import { createDice } from '../random.ts';
import { Acts, type Played, people, perform, tenant } from './acts.ts';
import { acknowledge, askPage, askSums } from './api.ts';
import { createDevice, type Device } from './device.ts';
import { foldingFor } from './folding.ts';
import { createLittle } from './little.ts';
import { type Due, dueTo, history } from './truth.ts';

const someone = fc.nat(people.length - 1);
const Steps = fc.oneof(
  { weight: 14, arbitrary: fc.record({ step: fc.constant('act' as const), act: Acts }) },
  { weight: 3, arbitrary: fc.record({ step: fc.constant('stream' as const), records: fc.nat(12) }) },
  { weight: 3, arbitrary: fc.record({ step: fc.constant('page' as const), whose: someone }) },
  { weight: 2, arbitrary: fc.record({ step: fc.constant('other reducer' as const), commits: fc.nat(9) }) },
  { weight: 2, arbitrary: fc.record({ step: fc.constant('check' as const) }) },
);
export type Step = typeof Steps extends fc.Arbitrary<infer T> ? T : never;

export const Histories = fc.record({
  /** Of what is left to chance: deaths, lost frames and answers, stale reads. */
  seed: fc.noShrink(fc.nat()),
  steps: fc.array(Steps, { minLength: 10, maxLength: 36, size: 'max' }),
});
export type History = typeof Histories extends fc.Arbitrary<infer T> ? T : never;

/** @param name such as conversation/cnv_… */
export const streamOf = (name: string): Stream => {
  const stream = parseStreamName(tenant, name);
  if (!stream) throw new Error(`${name} is no stream`);
  return stream;
};

const MOST_PAGES = 400;
type Phone = Device & { connection: string /** Frames that were overtaken. */; held: string[] };
export type Run = Played & { dice: (below: number) => number; phones: Phone[]; tablets: Device[] };

/** One page; its answer may be lost, or the cursor with which the next begins. @returns whether there is more */
const takePage = async ({ dice }: Run, device: Device, limit: number): Promise<boolean> => {
  const before = device.cursor;
  const page = await askPage(device.user, before, limit);
  const fate = dice(8);
  if (fate === 0) return true;
  device.take(page);
  if (fate === 1) device.cursor = before;
  if (fate === 2 && dice(4) === 0) device.cursor = undefined;
  return page.more || fate <= 2;
};

const catchUp = async (run: Run, device: Device): Promise<void> => {
  device.gap = false;
  const limit = run.dice(3) === 0 ? 100 : 1 + run.dice(7);
  for (let pages = 0; pages < MOST_PAGES; pages++) if (!(await takePage(run, device, limit))) return;
  throw new Error(`${device.user}: a sync does not end`);
};

const turnOn = async (run: Omit<Run, 'phones'>, user: UserId): Promise<Phone> => {
  const phone: Phone = Object.assign(createDevice(user), { connection: '', held: [] });
  phone.connection = await run.connect({ tenant, user }, DeviceId.parse('phone'), (frame) => {
    const fate = run.dice(12);
    if (fate === 0) throw new Error('a frame is lost');
    if (fate === 1) phone.held.push(frame);
    else for (const each of [frame, ...phone.held.splice(0)]) phone.hear(each);
  });
  return phone;
};

const same = (has: string | undefined, must: string | undefined, what: string): string[] =>
  has === must ? [] : [`${what}: ${has} instead of ${must}`];

/** What a device has, beside what it should have. */
const compare = (due: Due, { user, streams, events }: Device, what: string): string[] => [
  ...[...new Set([...due.streams.keys(), ...streams.keys()])].flatMap((name) =>
    same(canonicalJson(streams.get(name)), canonicalJson(due.streams.get(name)), `${user}, ${what}: ${name}`),
  ),
  ...[...events].flatMap(([key, text]) => same(text, due.texts.get(key), `${user}, ${what}: ${key}`)),
];

/** The phone syncs only on a gap, or when it hears that it misses something; then it must have everything. */
const prove = async (run: Run, phone: Phone): Promise<string[]> => {
  for (const each of phone.held.splice(0)) phone.hear(each);
  const isComplete = async (): Promise<boolean> =>
    canonicalJson(await askSums(phone.user, phone.connection)) === canonicalJson(phone.sums());
  if (phone.gap || !(await isComplete())) await catchUp(run, phone);
  if (!(await isComplete()))
    return [`${phone.user}: after a sync, pong tells other sums than ${canonicalJson(phone.sums())}`];
  for (const [stream, { v }] of phone.streams) await acknowledge(phone.user, phone.connection, stream, v);
  return [];
};

/** Everything that follows has happened: whoever has synced has the same. */
const check = async (run: Run): Promise<string[]> => {
  await run.stream();
  const past = history(run.dynamo);
  const wrong: string[] = [];
  for (const [i, user] of people.entries()) {
    const due = dueTo(user, past, run);
    const [phone, tablet, cold] = [run.phones[i], run.tablets[i], createDevice(user)];
    if (!phone || !tablet) throw new Error(`${user} has no devices`);
    wrong.push(...(await prove(run, phone)), ...compare(due, phone, 'saw all'));
    await catchUp(run, tablet);
    await catchUp(run, cold);
    wrong.push(...compare(due, tablet, 'was away'), ...compare(due, cold, 'starts cold'));
  }
  return wrong;
};

/** What an older release would have written: its states mean nothing to this one. */
const makeOlder = ({ dynamo, dice }: Run, commits: number): void => {
  const items = dynamo.items(events.name).filter(({ sk }) => String(sk).startsWith('v#'));
  for (let count = 0; count < commits; count++) {
    const item = items[dice(Math.max(1, items.length))];
    if (!item) return;
    const { pk, sk, kind } = item;
    const reducer = foldingFor(`${String(kind)}/`).reducer + 1;
    dynamo.force(events.name, { pk: String(pk), sk: String(sk) }, { ...item, reducer, state: { another: 'shape' } });
  }
};

const take = async (run: Run, step: Step): Promise<string[]> => {
  switch (step.step) {
    case 'act':
      await perform(run, step.act);
      return [];
    case 'stream':
      await run.stream(step.records);
      return [];
    case 'page': {
      const tablet = run.tablets[step.whose];
      if (tablet) await takePage(run, tablet, 1 + run.dice(9));
      return [];
    }
    case 'other reducer':
      makeOlder(run, step.commits);
      return [];
    case 'check':
      return check(run);
  }
};

/** Lives through a history. @returns how it is in the end, and what its checks found wrong, in sentences */
export const live = async ({ seed, steps }: History): Promise<{ run: Run; wrong: string[] }> => {
  const dice = createDice(seed, 'law').below;
  let names = 0;
  const played = {
    ...createLittle(dice),
    conversations: new Map(),
    reads: new Map(),
    mutes: new Map(),
    next: () => ++names,
  };
  const run: Run = { ...played, dice, phones: [], tablets: people.map(createDevice) };
  for (const user of people) run.phones.push(await turnOn(run, user));
  const wrong: string[] = [];
  for (const step of steps) wrong.push(...(await take(run, step)));
  return { run, wrong };
};
