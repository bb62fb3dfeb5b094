/**
 * Tables are restored to a point in time: the events lose their newest versions, what stands beside them lags or is newer, and
 * a transaction may have come back in half. After `ops -- repair` everybody goes on, and everybody agrees.
 */
import { canonicalJson } from '../../core/json.ts';
import { drawFaults, type Faults } from './faults.ts';
import { repair } from './operators.ts';
import { createDice, type Dice } from './random.ts';
import { becomeQuiet, finish, judge, liveOnce, type Result, settle } from './run.ts';
import type { Loaded } from './template.ts';
import { createWorld, tenantsOf, type World } from './world.ts';

/** Puts a table back to where it was after so many writes; `jitter` more or fewer for each item but commits. */
const restoreTable = ({ cloud: { dynamo } }: World, table: string, to: number, jitter: () => number): void => {
  const back = new Map<string, { pk: string; sk: string; item: Record<string, unknown> | undefined }>();
  for (const { seq, pk, sk, before, ...write } of dynamo.writes.toReversed())
    if (write.table === table && seq > (sk.startsWith('v#') ? to : to + jitter()))
      back.set(`${pk}|${sk}`, { pk, sk, item: before });
  // In the order in which they were first met: the newest versions go first.
  for (const { pk, sk, item } of back.values()) dynamo.force(table, { pk, sk }, item && structuredClone(item));
};

/** Which tables come back, and to when. @returns whether anything of the events was lost */
const restore = (world: World, dice: Dice): void => {
  const { cloud, raw } = world;
  const { length } = cloud.dynamo.writes;
  // Now and then to before most of it began.
  const to = Math.floor(length * (dice.chance(0.25) ? 0.25 * dice.unit() : 0.3 + 0.6 * dice.unit()));
  const jitter = (): number => -dice.below(4);
  restoreTable(world, raw.tables.events, to, jitter);
  // Some operators restore everything, others only what was damaged.
  if (dice.chance(0.5)) restoreTable(world, raw.tables.inbox, to, jitter);
  if (dice.chance(0.5)) restoreTable(world, raw.tables.views, to, jitter);
  cloud.trace(`restored to ${to} of ${length}`);
};

const goOn = async (world: World, dice: Dice): Promise<void> => {
  for (const device of dice.shuffled(world.people)) {
    const [conversation] = dice.shuffled(
      [...device.replica.streams.keys()].filter((name) => name.startsWith('conversation/')),
    );
    if (conversation && dice.chance(0.8))
      await device.send(conversation.slice('conversation/'.length), 'after the restore');
    for (const other of new Set(
      world.cast.filter(({ tenant, user }) => tenant === device.tenant && user !== device.user).map(({ user }) => user),
    ))
      if (dice.chance(0.5)) await device.feel(other, 'like');
  }
};

export const runRestore = async (
  loaded: Loaded,
  seed: number,
  faults: Faults = drawFaults(seed, ['forgotten']),
): Promise<Result> => {
  const dice = createDice(seed, 'restore');
  const world = createWorld(loaded, { seed, faults, tenants: tenantsOf(seed) });
  const { cloud, history } = world;
  const away = await liveOnce(world);
  const before = canonicalJson(cloud.dynamo.items(world.raw.tables.events));
  Object.assign(cloud.restoring, { now: true, past: true });
  restore(world, dice);
  // Nobody is let in before the repair is done: what follows from it may well flow.
  const moment = new Date(cloud.scheduler.now()).toISOString();
  await finish(world, 'repair', repair(world, moment));
  cloud.restoring.now = false;
  await becomeQuiet(world);
  // What people were told before is gone with what was lost; that is what a restore costs.
  for (const sent of history.sent) Object.assign(sent, { attempts: ['unknown'], answer: undefined });
  for (const felt of history.felt) Object.assign(felt, { attempts: ['unknown'], answer: undefined });
  for (const each of [...history.read, ...history.muted]) each.told = 'unknown';
  for (const each of history.claimed) each.mine = undefined;
  // Before anyone writes at versions that were another's, everyone has to have heard of it, or to hear of it in the end.
  if (dice.chance(0.5)) await settle(world);
  await finish(world, 'going on', goOn(world, dice));
  await becomeQuiet(world);
  await settle(world);
  if (before === canonicalJson(cloud.dynamo.items(world.raw.tables.events))) cloud.trace('nothing was lost');
  return judge(world, away);
};
