/**
 * The twin tenants: the same seed alone, and beside a hostile second tenant whose people, devices, pairs and
 * conversations have the same ids. The first tenant must not notice: every byte of it is the same.
 */
import { canonicalJson } from '../../core/json.ts';
import type { Dynamo } from './dynamo/dynamo.ts';
import { drawFaults } from './faults.ts';
import { live, type Result } from './run.ts';
import type { Loaded } from './template.ts';
import { createDatabase, createWorld, type World } from './world.ts';

/** A lag counts the writes of all tenants, so stale reads would differ for a reason that is none. */
const WITHOUT = ['forgotten', 'stale'] as const;

const worldOf = (loaded: Loaded, seed: number, tenant: string, dynamo: Dynamo): World =>
  createWorld(loaded, { seed, faults: drawFaults(seed, WITHOUT), tenants: [tenant], dynamo });

/** Everything of a tenant: its items in all tables, its pushes, and the course of its events. */
const bytesOf = ({ cloud, raw }: World, { hash }: Result, tenant: string): string => {
  const items = (['events', 'inbox', 'views', 'devices', 'trail', 'transactions'] as const).map((table) =>
    raw
      .items(table)
      .filter(({ pk }) => String(pk).startsWith(`${tenant}#`))
      .map(canonicalJson)
      .sort(),
  );
  // Writes are counted over all tenants.
  const pushes = cloud.phones.accepted.map(({ seq: _seq, found: _found, ...push }) => push);
  return canonicalJson({ items, pushes, objects: [...cloud.objects.keys()].sort(), hash });
};

/** Asks for the other tenant's things under the same names for as long as the other lives. */
const attack = async (attacker: World, victim: World, isOver: () => boolean): Promise<void> => {
  const { cloud } = attacker;
  const [tenant = ''] = cloud.tenants;
  for (let n = 0; !isOver() && n < 200; n++) {
    await cloud.scheduler.wait(300, 'the attacker waits');
    for (const { user, replica } of victim.people) {
      const stolen = replica.cursor;
      if (stolen === undefined) continue;
      const answer = await cloud.functions.http(
        `attack ${n} ${user}`,
        { tenant, user },
        { route: 'GET /v1/sync', query: { cursor: stolen } },
      );
      if (answer.status === 200) cloud.violation(`tenant: ${tenant}/${user} syncs with the other tenant's cursor`);
    }
  }
};

/** @returns what each of the two runs left of the first tenant, and all violations */
export const runTwins = async (
  loaded: Loaded,
  seed: number,
): Promise<{ alone: string; beside: string; violations: string[] }> => {
  const solo = worldOf(loaded, seed, 'demo', createDatabase(loaded));
  const alone = await live(solo);
  const dynamo = createDatabase(loaded);
  const [first, second] = [worldOf(loaded, seed, 'demo', dynamo), worldOf(loaded, seed, 'aurora', dynamo)];
  let over = false;
  void attack(second, first, () => over);
  const living = live(first).finally(() => {
    over = true;
  });
  const [beside, other] = await Promise.all([living, live(second)]);
  return {
    alone: bytesOf(solo, alone, 'demo'),
    beside: bytesOf(first, beside, 'demo'),
    violations: [...alone.violations, ...beside.violations, ...other.violations],
  };
};
