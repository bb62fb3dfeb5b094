/** What people do: who they are, on which devices, and in which order they like, write, read, leave and come back. */
import { type Customer, createCustomer } from './appstore/customer.ts';
import type { Cloud } from './cloud.ts';
import { createDevice, type Device } from './device.ts';
import type { History } from './history.ts';
import { createDice, type Dice } from './random.ts';

export type Cast = { tenant: string; user: string; name: string; address: string }[];

const hex = (text: string): string => Buffer.from(text).toString('hex').padEnd(64, '0').slice(0, 64);

/** Two to three people with one or two devices each, one of whom may sign in on another's phone. */
export const drawCast = (seed: number, tenant: string): Cast => {
  const dice = createDice(seed, 'cast');
  const users = dice.chance(0.5) ? ['ada', 'ben'] : ['ada', 'ben', 'cleo'];
  const devices = users.flatMap((user) =>
    (dice.chance(0.6) ? ['phone', 'tablet'] : ['phone']).map((name) => ({
      tenant,
      user,
      name,
      address: hex(`${user} ${name}`),
    })),
  );
  // The same phone, handed on: one push address for two people.
  if (dice.chance(0.3)) devices.push({ tenant, user: 'ben', name: 'handed-on', address: hex('ada phone') });
  return devices;
};

const conversationsOf = ({ replica }: Device): string[] =>
  [...replica.streams.keys()]
    .filter((name) => name.startsWith('conversation/'))
    .map((name) => name.slice('conversation/'.length));

type Action = (device: Device, dice: Dice, pause: () => Promise<void>, customer: Customer) => Promise<unknown>;
const write: Action = async (device, dice) => {
  const [conversation] = dice.shuffled(conversationsOf(device));
  if (conversation) await device.send(conversation, `${device.user} says ${dice.below(1000)}`);
};
const burst: Action = async (...args) => {
  for (let i = 0; i < 4; i++) await write(...args);
};
const look: Action = async (device, dice) => {
  const [conversation] = dice.shuffled(conversationsOf(device));
  const count =
    conversation === undefined ? 0 : (device.replica.streams.get(`conversation/${conversation}`)?.count ?? 0);
  if (conversation && count > 0) await device.read(conversation, 1 + dice.below(count));
};
/** Within a year of when the simulation plays, and after its end. */
const SUMMER = '2026-08-01T00:00:00.000Z';
const mute: Action = async (device, dice) => {
  const [conversation] = dice.shuffled(conversationsOf(device));
  const until = dice.pick(['', 'forever', SUMMER]);
  if (conversation) await device.mute(conversation, until || undefined);
};
/** The simulation plays at noon, UTC. */
const prefer: Action = async (device, dice) => {
  const wishes = [
    { kinds: {} },
    { kinds: { messages: 'none' } },
    { kinds: { messages: 'push', matches: 'none' } },
    { kinds: {}, quiet: { from: '11:00', to: '23:00' } },
    { kinds: { matches: 'push' }, quiet: { from: '22:00', to: '07:00' } },
  ] as const;
  await device.prefer(dice.pick(wishes));
};
/** Several at once: what is said of them passes one another. */
const happen: Action = async (_device, dice, _pause, customer) => {
  for (let left = 1 + dice.below(3); left > 0; left--) customer.happen(dice);
};
const comeBack: Action = async (device, _dice, pause) => {
  device.leave();
  await pause();
  await device.connect();
};
const signOutAndIn: Action = async (device, dice, pause) => {
  await device.logout();
  if (dice.chance(0.5)) await pause();
  await device.register();
  await device.connect();
};
const actions: readonly (readonly [number, Action])[] = [
  [8, write],
  [2, burst],
  [4, look],
  [3, comeBack],
  [2, (device) => device.sync()],
  [2, async (device) => device.ping()],
  [3, signOutAndIn],
  [2, (_device, _dice, pause) => pause()],
  [1, mute],
  [1, prefer],
  [2, (_device, dice, _pause, customer) => customer.buy(customer.choose(dice))],
  [2, happen],
  [1, (_device, dice, _pause, customer) => customer.show(dice)],
];
const pickAction = (dice: Dice): Action => {
  let at = dice.below(actions.reduce((sum, [weight]) => sum + weight, 0));
  for (const [weight, action] of actions) {
    if (at < weight) return action;
    at -= weight;
  }
  return write;
};

const PAUSE_MS = 4000;

const live = async (cloud: Cloud, history: History, device: Device, others: string[], seed: number): Promise<void> => {
  const { tenant, user, name } = device;
  const customer = createCustomer({ cloud, history, tenant, user, name });
  const dice = createDice(seed, 'life', tenant, user, name);
  const pause = (): Promise<void> => cloud.scheduler.wait(dice.below(PAUSE_MS), `${tenant}/${user}/${name} pauses`);
  if (dice.chance(0.8)) await device.register();
  if (dice.chance(0.7)) await device.connect();
  if (dice.chance(0.15)) await prefer(device, dice, pause, customer);
  for (const other of dice.shuffled(others)) {
    if (dice.chance(0.06)) await device.feel(other, 'pass');
    if (dice.chance(0.9)) await device.feel(other, 'like');
  }
  if (device.connection() === undefined) await device.connect();
  await device.sync();
  const count = 3 + dice.below(8);
  for (let i = 0; i < count; i++) await pickAction(dice)(device, dice, pause, customer);
};

export const fixedCast: Cast = [
  { tenant: 'demo', user: 'ada', name: 'phone', address: hex('ada phone') },
  { tenant: 'demo', user: 'ada', name: 'tablet', address: hex('ada tablet') },
  { tenant: 'demo', user: 'ben', name: 'phone', address: hex('ben phone') },
];

/** Until the device knows of a conversation; another look now and then. */
const meet = async (cloud: Cloud, device: Device): Promise<string> => {
  for (let looks = 0; looks < 100; looks++) {
    const [conversation] = conversationsOf(device);
    if (conversation) return conversation;
    await cloud.scheduler.wait(500, `${device.user}/${device.name} waits for a match`);
    await device.sync();
  }
  throw new Error(`${device.user} knows of no conversation`);
};

/** Everything once: registers, connects, matches, writes, reads, prefers, leaves, comes back, logs out. */
const scripts: Record<string, (cloud: Cloud, device: Device, customer: Customer) => Promise<void>> = {
  'ada/phone': async (cloud, device) => {
    await device.register();
    await device.connect();
    await device.feel('ben', 'like');
    await device.send(await meet(cloud, device), 'hello');
    await device.send(await meet(cloud, device), 'are you there?');
  },
  'ada/tablet': async (cloud, device) => {
    await device.connect();
    await device.register();
    await meet(cloud, device);
    device.leave();
    await device.connect();
    await device.logout();
  },
  'ben/phone': async (cloud, device, customer) => {
    await device.register();
    await device.feel('ada', 'like');
    await device.connect();
    const conversation = await meet(cloud, device);
    const copy = () => device.replica.streams.get(`conversation/${conversation}`)?.count ?? 0;
    for (let looks = 0; looks < 100 && copy() < 2; looks++) {
      await cloud.scheduler.wait(200, 'ben waits');
      await device.sync();
    }
    if (copy() > 0) await device.read(conversation, copy());
    await device.prefer({ kinds: { matches: 'none' } });
    await device.send(conversation, 'yes');
    await customer.buy({ product: 'gold.monthly', isNamed: true, isShown: true });
  },
};

export const followScript = (cloud: Cloud, history: History): { devices: Device[]; done: Promise<unknown> } => {
  const devices = fixedCast.map((each) => createDevice({ cloud, history, ...each }));
  return {
    devices,
    done: Promise.all(
      devices.map((device) =>
        scripts[`${device.user}/${device.name}`]?.(cloud, device, createCustomer({ cloud, history, ...device })),
      ),
    ),
  };
};

/** @returns the devices, and a promise of everyone having done what they wanted */
export const startPeople = (
  cloud: Cloud,
  history: History,
  cast: Cast,
  seed: number,
): { devices: Device[]; done: Promise<unknown> } => {
  const devices = cast.map((each) => createDevice({ cloud, history, ...each }));
  const lives = devices.map((device) => {
    const others = [
      ...new Set(
        cast.filter(({ tenant, user }) => tenant === device.tenant && user !== device.user).map(({ user }) => user),
      ),
    ];
    return live(cloud, history, device, others, seed);
  });
  return { devices, done: Promise.all(lives) };
};
