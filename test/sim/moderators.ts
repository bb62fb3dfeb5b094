/** Moderators at work in some runs: somebody is reported, suspended, and reinstated, by the operators' own code. */
import { makeDeps } from '../../core/deps.ts';
import { TenantId, UserId } from '../../core/ids.ts';
import { load } from '../../core/load.ts';
import { type CaseCommand, theCase } from '../../functions/safety/case.ts';
import { act, caseStream, type Whose } from '../../ops/cases-act.ts';
import type { Check } from './checks.ts';
import type { Cloud } from './cloud.ts';
import { operate } from './operators.ts';
import { createDice } from './random.ts';
import type { World } from './world.ts';

/** In these seeds. */
export const isModerated = (seed: number): boolean => createDice(seed, 'moderators').chance(0.15);

const DAY_MS = 86_400_000;
const TRIES = 20;
const whoseOf = ({ cast: [first] }: Pick<World, 'cast'>): Whose => ({
  tenant: TenantId.parse(first?.tenant),
  user: UserId.parse(first?.user),
});

/** What is left of a decision is decided again, until it stands. What fails while things go wrong is tried later. */
const until = async (world: World, name: string, next: (suspensions: number[], at: string) => CaseCommand[]) => {
  const { cloud } = world;
  const whose = whoseOf(world);
  const work = async (): Promise<boolean> => {
    const deps = makeDeps({ read: 0, write: 0 });
    try {
      const { state } = await load(deps, theCase, caseStream(whose));
      const suspensions = state.actions.flatMap(({ type, action }) => (type === 'suspended' ? [action] : []));
      const commands = next(suspensions, deps.now().toISOString());
      for (const command of commands) await act(deps, whose, command);
      return commands.length === 0;
    } catch (error) {
      if (cloud.faults.healed()) throw error;
      return false;
    }
  };
  for (let tries = 0; tries < TRIES; tries++) {
    if (await operate(world, name, work)) return;
    await cloud.scheduler.wait(500, `${name} waits`);
  }
};

const about = ({ user: person }: Whose, at: string) => ({ person, operator: 'mod', reason: 'sim', at });

const suspend = (world: World): Promise<void> =>
  until(world, 'suspend', (suspensions, at) =>
    suspensions.length > 0
      ? []
      : [{ type: 'Suspend', ...about(whoseOf(world), at), until: new Date(Date.parse(at) + DAY_MS).toISOString() }],
  );

export const reinstate = (world: World): Promise<void> =>
  until(world, 'reinstate', (suspensions, at) =>
    suspensions.map((action) => ({ type: 'Reverse', ...about(whoseOf(world), at), action })),
  );

const report = async ({ cloud, cast }: World, { tenant, user }: Whose): Promise<void> => {
  const other = cast.find((each) => each.tenant === tenant && each.user !== user);
  const body = { subject: { type: 'user', userId: user }, reason: 'spam' };
  const asked = { route: 'POST /v1/reports', body, key: 'report' };
  if (other) await cloud.functions.http('report', { tenant, user: other.user }, asked);
};

/** Some time after things began, for some time. */
export const moderate = async (world: World): Promise<void> => {
  const { moderated, scheduler, dice } = world.cloud;
  if (!moderated) return;
  await scheduler.wait(dice.below(8000), 'moderators come');
  await report(world, whoseOf(world));
  await suspend(world);
  await scheduler.wait(4000 + dice.below(12_000), 'the suspension goes on');
  await reinstate(world);
};

/** Requests that who is suspended may make all the same. */
const isTheirs = (route: string): boolean =>
  ['/v1/purchases', '/v1/entitlements'].some((path) => route.includes(path)) ||
  ['DELETE /v1/devices/{deviceId}', 'DELETE /v1/me', 'POST /v1/me/export', 'GET /v1/me/export'].includes(route);

/** A process believes what it read for so long; a read may lag behind by so many writes. */
const BELIEVED_MS = 5000;
const LAG = 10;

type Window = { from: number; to: number };
/** From when to when nothing of theirs may be accepted: by what lay in the row, and when. */
const windowOf = ({ dynamo }: Cloud, timeOf: (seq: number) => number, pk: string): Window | undefined => {
  const writes = dynamo.writes.filter((write) => write.pk === pk);
  const first = writes.find(({ after }) => after?.is === 'suspended');
  if (!first) return undefined;
  const end = writes.find(({ seq, after }) => seq > first.seq && after?.is === 'good');
  const seen = dynamo.writes.some(({ seq }) => seq === first.seq + LAG)
    ? timeOf(first.seq + LAG)
    : Number.POSITIVE_INFINITY;
  return { from: seen + BELIEVED_MS, to: end ? timeOf(end.seq) : Number.POSITIVE_INFINITY };
};

/** Nothing is accepted of who is suspended, and in the end everybody knows how they stand. */
export const checkStandings =
  (timeOf: World['timeOf']): Check =>
  ({ cloud, raw }, tell) => {
    for (const [pk, commits] of raw.streams()) {
      const [first] = commits;
      if (first?.kind !== 'person' || !cloud.tenants.has(first.tenant)) continue;
      const { tenant, id } = first;
      const said = commits.flatMap(({ v, events }) =>
        events.flatMap(({ type, standing }) => (type === 'StandingChanged' ? [{ v, standing }] : [])),
      );
      const last = said.at(-1);
      const row = raw.item(raw.tables.views, `${tenant}#standing#${id}`, 'standing#now');
      if (last?.v !== row?.v) tell(`standing: ${pk} says so at ${last?.v}, and the row at ${String(row?.v)}`);
      if (row && row.is !== (last?.standing as { is: string } | undefined)?.is)
        tell(`standing: ${pk} stands as ${String(row.is)}`);
      if (row && row.is !== 'good') tell(`standing: ${pk} was reinstated, and stands as ${String(row.is)}`);
      const window = windowOf(cloud, timeOf, `${tenant}#standing#${id}`);
      if (!window) continue;
      const asked = cloud.asked.filter((each) => each.tenant === tenant && each.user === id && !isTheirs(each.route));
      for (const { route, began, ended, status } of asked)
        if (began > window.from && ended < window.to && status < 300)
          tell(`standing: ${id} is suspended since ${window.from}, and ${route} was answered ${status} at ${ended}`);
    }
  };
