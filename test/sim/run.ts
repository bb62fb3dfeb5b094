/**
 * One run: people live while things go wrong; when all are done everything heals; when nothing moves any more, it is
 * looked at. Never before: a system that is not quiet yet looks broken.
 */
import { canonicalJson } from '../../core/json.ts';
import { askShown } from './appstore/checks.ts';
import { checkAll, type Quiet } from './checks.ts';
import { checkPushes } from './checks-push.ts';
import { checkSilence } from './checks-silence.ts';
import { checkTrail } from './checks-trail.ts';
import { askAsStranger } from './checks-who.ts';
import type { Cloud } from './cloud.ts';
import { createDevice, type Device } from './device.ts';
import { askDecks, checkFaces, type Dealt, hasFaces, showFaces } from './faces.ts';
import { drawFaults, type Faults, type Planned } from './faults.ts';
import { flood } from './flood.ts';
import { checkStandings, isModerated, moderate, reinstate } from './moderators.ts';
import { rebuild, repair, verify } from './operators.ts';
import { type Cast, followScript, startPeople } from './people.ts';
import { doQuarrel, pairChecks, quarrel } from './quarrel.ts';
import { createDice } from './random.ts';
import type { Loaded } from './template.ts';
import { createWorld, tenantsOf, type World } from './world.ts';

export type Result = {
  seed: number;
  violations: string[];
  hash: string;
  steps: number;
  ops: number;
  faults: readonly Planned[];
  /** The newest lines of the trace, or those that led to the first violation. */
  lines: string[];
  /** Every call to the outside, by its name. */
  calls: readonly string[];
  /** Frames with events that were sent. */
  frames: number;
};
export type RunOptions = {
  seed: number;
  faults?: Faults;
  /** First come, first served, and the fixed script instead of dice. */
  scripted?: boolean;
  /** Lines of the trace to keep. */
  keep?: number;
};

/** So many steps are enough for anything; more mean that something goes round in circles. */
const STEPS = 60_000;
const QUIET_MS = 20 * 60_000;
const ROUNDS = 30;
const AWAY_MS = 15_000;

/** Lets everything happen that the last step led to. */
const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Takes steps until something holds, or there is nothing left to do. @returns whether it held */
const stepUntil = async ({ cloud, count }: World, holds: () => boolean): Promise<boolean> => {
  for (let steps = 0; steps < STEPS; steps++) {
    if (holds()) return true;
    const stepped = cloud.scheduler.step() !== undefined;
    await breathe();
    if (!stepped) return holds();
    count.steps++;
  }
  cloud.violation(`livelock: nothing came of ${STEPS} steps`);
  return false;
};

export const finish = async (world: World, what: string, work: Promise<unknown>): Promise<void> => {
  const { cloud } = world;
  let over = false;
  work
    .catch((error: unknown) =>
      cloud.violation(`error: ${what}: ${error instanceof Error ? error.stack : String(error)}`),
    )
    .finally(() => {
      over = true;
    });
  // What was just begun gets to its first call, or the clock would run on without it.
  await breathe();
  if (!(await stepUntil(world, () => over))) cloud.violation(`stuck: ${what}`);
};

const isFailedBatch = (key: string): boolean => key.startsWith('aws/lambda/');

/** Nothing runs, nothing waits, and nothing lies in the bucket that could be tried again. */
export const becomeQuiet = async (world: World): Promise<void> => {
  const { cloud } = world;
  for (let round = 0; round < ROUNDS; round++) {
    const until = cloud.scheduler.now() + QUIET_MS;
    await stepUntil(
      world,
      () => cloud.scheduler.now() > until && cloud.functions.running() + cloud.store.running() === 0,
    );
    if (![...cloud.objects.keys()].some(isFailedBatch)) return;
    await finish(world, 'redrive', cloud.redrive());
  }
  cloud.violation('quiet: batches keep failing after everything has healed');
};

/** A device of each person that only syncs. */
const lookers = ({ cloud, history }: World, cast: Cast, name: string): Device[] =>
  [...new Map(cast.map((each) => [`${each.tenant} ${each.user}`, each])).values()].map(({ tenant, user }) =>
    createDevice({ cloud, history, tenant, user, name, address: '' }),
  );

/** Has what was there at some moment, and is away from then on. */
const goAway = async (cloud: Cloud, device: Device): Promise<void> => {
  await cloud.scheduler.wait(cloud.dice.below(AWAY_MS), `${device.user} goes away`);
  await device.sync();
};

/** Now and then the bucket is looked at, as the schedule does, and operators rebuild what they think they must. */
const schedule = (world: World): void => {
  const { scheduler, dice, redrive } = world.cloud;
  scheduler.after(1 + dice.below(8000), { what: 'redrive is due', run: () => void redrive() });
  if (!world.scripted && dice.chance(0.2))
    scheduler.after(dice.below(12_000), { what: 'rebuild', run: () => void rebuild(world).catch(() => undefined) });
};

/** People live under faults, everything heals, and everybody has everything. @returns who was away all the time */
export const liveOnce = async (world: World): Promise<Device[]> => {
  const { cloud, history, cast, seed, scripted } = world;
  const { faults } = cloud;
  schedule(world);
  const { devices, done } = scripted ? followScript(cloud, history) : startPeople(cloud, history, cast, seed);
  world.people.push(...devices);
  const away = lookers(world, cast, 'away');
  const flooding = scripted ? [] : [flood(cloud, seed), moderate(world), showFaces(world)];
  if (!scripted && doQuarrel(seed)) flooding.push(quarrel(world));
  await finish(world, 'people', Promise.all([done, ...flooding, ...away.map((device) => goAway(cloud, device))]));
  // The fixed script meets its one fault wherever that is, also in what follows from it.
  if (scripted) await becomeQuiet(world);
  faults.heal();
  if (cloud.moderated) {
    await finish(world, 'reinstating', reinstate(world));
    await finish(world, 'waiting', cloud.scheduler.wait(6000, 'what was believed is over'));
  }
  // Streams may still be silent: what a device does not get to know now, it must know in the end.
  await finish(world, 'healing', Promise.all(devices.map(({ settle }) => settle())));
  await becomeQuiet(world);
  // Records that left the streams unread are an operator's to make up for.
  if (faults.happened.some(({ fault }) => fault === 'forgotten')) {
    await finish(world, 'repair', repair(world));
    await becomeQuiet(world);
  }
  return away;
};

/** Once: everyone knows that they have everything. */
export const settle = async (world: World): Promise<void> => {
  const settled = Promise.all(world.people.map((device) => device.settle()));
  await finish(world, 'settling', settled);
  for (const trouble of (await settled).flatMap((each) => each ?? [])) world.cloud.violation(trouble);
  await becomeQuiet(world);
};

const isOwn = ({ cloud }: World, pk: unknown): boolean => cloud.tenants.has(String(pk).split('#', 1)[0] ?? '');

/** Operators find nothing to report, and a read model that they build again is the same. */
const inspect = async (world: World): Promise<void> => {
  await finish(world, 'verify', verify(world));
  // Beside a twin the other's people still live.
  const rowsNow = () => canonicalJson(world.raw.items('views').filter(({ pk }) => isOwn(world, pk)));
  const rows = rowsNow();
  await finish(world, 'rebuild', rebuild(world));
  if (rowsNow() !== rows) world.cloud.violation('rebuild: a read model differs from what its events say');
};

/** Who looks at others notes down the day: everybody hears of that before anything is judged. */
const lookAround = async (world: World): Promise<Dealt[]> => {
  if (!hasFaces(world.seed)) return [];
  const dealt = askDecks(world.cloud, world.cast);
  await finish(world, 'decks', dealt);
  await becomeQuiet(world);
  await settle(world);
  return dealt;
};

/** Looks at everything that must hold in the end. @param more checks of its own */
export const judge = async (
  world: World,
  away: Device[],
  more: Parameters<typeof checkAll>[1] = {},
): Promise<Result> => {
  const { cloud, raw, history, cast, poisoned, count, seed } = world;
  const dealt = await lookAround(world);
  await inspect(world);
  const cold = lookers(world, cast, 'new');
  // Once: a sync that comes to its end has brought everything.
  await finish(world, 'looking', Promise.all([...cold, ...away].map(({ sync }) => sync())));
  await finish(world, 'a stranger', askAsStranger(world));
  await finish(
    world,
    'customers',
    askShown(cloud, cast).then((shown) => cloud.shown.push(...shown)),
  );
  await stepUntil(world, () => cloud.functions.running() === 0);
  const quiet: Quiet = { cloud, raw, history, devices: [...world.people, ...away], cold, poisoned };
  const violations = [...new Set([...cloud.violations, ...checkAll(quiet, { ...more, faces: checkFaces(dealt) })])];
  const { calls } = cloud;
  const frames = cloud.sockets.sent.get('events') ?? 0;
  const lines = cloud.atFirst.length > 0 ? cloud.atFirst : cloud.lines;
  return { seed, violations, hash: cloud.hash(), ...count, faults: cloud.faults.happened, lines, calls, frames };
};

/** From the first step to the verdict. */
export const live = async (world: World): Promise<Result> => {
  const away = await liveOnce(world);
  await settle(world);
  return judge(world, away, {
    ...{ pushes: checkPushes(world.timeOf), silence: checkSilence(world.timeOf), trail: checkTrail },
    standings: checkStandings(world.timeOf),
    ...pairChecks(world.timeOf),
  });
};

/** Some seeds have streams that lose records, as after a day of silence. */
export const mayForget = (seed: number): boolean => createDice(seed, 'forgets').chance(0.2);

export const run = (
  loaded: Loaded,
  { seed, faults = drawFaults(seed, mayForget(seed) ? [] : ['forgotten']), ...options }: RunOptions,
): Promise<Result> =>
  live(
    createWorld(loaded, {
      ...{ seed, faults, tenants: options.scripted ? ['demo'] : tenantsOf(seed) },
      moderated: !options.scripted && isModerated(seed),
      ...options,
    }),
  );
