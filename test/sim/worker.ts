/** One process of `npm run sim`: runs what it is told to, and tells what came of it. */
import { z } from 'zod';
import { plantBug } from './load.ts';

export const Job = z.discriminatedUnion('kind', [
  /** Seeds one after the other; every `again`th twice, to see the same hash. */
  z.object({ kind: z.literal('seeds'), seeds: z.array(z.int()), again: z.int() }),
  /** Seeds until one sees the planted bug. */
  z.object({ kind: z.literal('plant'), name: z.string(), seeds: z.array(z.int()), restore: z.boolean() }),
  /** The nth part of all faults of the fixed script. */
  z.object({ kind: z.literal('enumerate'), part: z.int(), parts: z.int() }),
]);
export type Job = z.infer<typeof Job>;

export type Told =
  | { kind: 'run'; name: string; seed: number; violations: string[]; ops: number; faults: number; steps: number }
  | { kind: 'caught'; plant: string; seed: number | undefined; violation: string | undefined }
  | { kind: 'total'; total: number }
  | { kind: 'over' };

const tell = (told: Told): void => void process.send?.(told);

const work = async (job: Job): Promise<void> => {
  // The bug must be planted before anything of the product is loaded.
  if (job.kind === 'plant') plantBug(job.name);
  const { loadSystem } = await import('./template.ts');
  const { run } = await import('./run.ts');
  const { runRestore } = await import('./restore.ts');
  const loaded = await loadSystem();
  if (job.kind === 'plant') {
    for (const seed of job.seeds) {
      const { violations } = job.restore ? await runRestore(loaded, seed) : await run(loaded, { seed });
      if (violations.length > 0) return tell({ kind: 'caught', plant: job.name, seed, violation: violations[0] });
    }
    return tell({ kind: 'caught', plant: job.name, seed: undefined, violation: undefined });
  }
  if (job.kind === 'enumerate') {
    const { enumerate } = await import('./enumerate.ts');
    for await (const told of enumerate(loaded, job)) tell(told);
    return;
  }
  for (const [i, seed] of job.seeds.entries()) {
    const { violations, hash, ops, faults, steps } = await run(loaded, { seed });
    if (i % job.again === 0 && (await run(loaded, { seed })).hash !== hash)
      violations.push(`determinism: seed ${seed} ran in two ways`);
    tell({ kind: 'run', name: `seed ${seed}`, seed, violations, ops, faults: faults.length, steps });
  }
};

process.once('message', (message) => {
  work(Job.parse(message)).then(
    () => {
      tell({ kind: 'over' });
      process.disconnect();
    },
    (error: unknown) => {
      process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
      process.exit(2);
    },
  );
});
