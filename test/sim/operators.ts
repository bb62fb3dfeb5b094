/** Operators' commands on a simulated system: their real code, in a process that can be killed like any other. */
import { makeDeps } from '../../core/deps.ts';
import { views } from '../../functions/views.ts';
import { rebuildView } from '../../ops/rebuild.ts';
import { type RepairReport, repairAll } from '../../ops/repair.ts';
import { verifyAll } from '../../ops/verify.ts';
import type { Walk } from '../../ops/walk.ts';
import type { Ended } from './functions.ts';
import type { World } from './world.ts';

const PAGE = 15;

/** Pages as a scan gives them: each as things stand when it is read. */
const scanOf = ({ cloud, raw }: World): Walk['scan'] =>
  async function* (table) {
    let last = '';
    for (;;) {
      await cloud.scheduler.wait(cloud.dice.below(50), `scan of ${table}`);
      const page = cloud.dynamo
        .items(raw.tables[table])
        // Operators serve every tenant; the twins' worlds have each their own.
        .filter(({ pk, sk }) => cloud.tenants.has(String(pk).split('#', 1)[0] ?? '') && `${pk}\0${sk}` > last)
        .slice(0, PAGE);
      if (page.length === 0) return;
      yield page;
      const end = page.at(-1);
      last = `${end?.pk}\0${end?.sk}`;
    }
  };

export const operate = async <T>(
  world: World,
  name: string,
  work: (walk: Walk) => Promise<T>,
): Promise<T | undefined> => {
  const walk = (): Walk => ({ deps: makeDeps({ read: 0, write: 0 }), scan: scanOf(world) });
  const ended: Ended = await world.cloud.functions.run(name, () => work(walk()));
  if (ended.how === 'failed' && world.cloud.faults.healed())
    world.cloud.violation(`operator: ${name}: ${String(ended.error)}`);
  return ended.how === 'answered' ? (ended.result as T) : undefined;
};

/** Once the events and what follows from them agree, there is nothing to report but what nobody can read. */
export const verify = async (world: World): Promise<void> => {
  const { cloud, poisoned, raw } = world;
  const findings = (await operate(world, 'verify', (walk) => verifyAll(walk))) ?? [];
  const about = poisoned.map((pk) => pk.split('#').at(-1) ?? pk);
  const texts = findings.map((finding) => JSON.stringify(finding));
  for (const text of texts) if (!about.some((id) => text.includes(id))) cloud.violation(`verify: ${text}`);
  // A restore may have taken it away.
  for (const id of about.filter((_, i) => raw.item(raw.tables.events, poisoned[i] ?? '', 'v#11')))
    if (!texts.some((text) => text.includes(id) && text.includes('undecodable')))
      cloud.violation(`verify: nothing is said of ${id}`);
};

export const repair = (world: World, restored?: string): Promise<RepairReport | undefined> =>
  operate(world, 'repair', (walk) => repairAll(walk, restored === undefined ? {} : { restored }));

/** All read models, one after the other. */
export const rebuild = async (world: World): Promise<void> => {
  for (const view of views) await operate(world, `rebuild ${view.name}`, (walk) => rebuildView(walk, view, {}));
};
