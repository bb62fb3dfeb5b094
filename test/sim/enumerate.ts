/**
 * Every fault of a fixed script, one at a time: each call to the outside fails before it is applied, fails after, and its
 * process dies before, and after. No dice: first come, first served.
 */
import { type Fault, type Profile, planFaults } from './faults.ts';
import { run } from './run.ts';
import type { Loaded } from './template.ts';
import type { Told } from './worker.ts';

const OUTCOMES: readonly Fault[] = ['lost before', 'lost after', 'crash before', 'crash after'];
const profile: Profile = { rate: 1, enabled: new Set(OUTCOMES), skewMs: 0 };
/** Its people match, write from several devices, read, leave and come back, log out, and have a reader that is poison. */
const SCRIPT = 1;

/** @param part of `parts`: several processes share the work */
export async function* enumerate(
  loaded: Loaded,
  { part, parts }: { part: number; parts: number },
): AsyncGenerator<Told> {
  const base = await run(loaded, { seed: SCRIPT, faults: planFaults([], profile), scripted: true });
  const places = base.calls.flatMap((at) => OUTCOMES.map((fault) => ({ at, fault })));
  if (part === 0) yield { kind: 'total', total: places.length + 1 };
  const tell = ({ violations, ops, steps, faults }: typeof base, name: string): Told => ({
    ...{ kind: 'run', name, seed: SCRIPT, violations, ops, steps },
    faults: faults.length,
  });
  // Everybody gets everything by syncing too; that they need not is seen where nothing goes wrong.
  if (base.frames === 0) base.violations.push('frames: nobody was sent an event');
  if (part === 0) yield tell(base, 'without a fault');
  for (const [i, planned] of places.entries()) {
    if (i % parts !== part) continue;
    const result = await run(loaded, { seed: SCRIPT, faults: planFaults([planned], profile), scripted: true });
    // A fault that never came to pass would prove nothing.
    if (result.faults.length !== 1)
      result.violations.push(`enumerate: ${planned.fault} at ${planned.at} never happened`);
    yield tell(result, `${planned.fault}: ${planned.at}`);
  }
}
