/** `npm run sim`: many seeds, planted bugs, one seed again, or every fault of a fixed script in turn. */
import { fork } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { drawFaults, type Faults } from './faults.ts';
import { plantBug } from './load.ts';
import { plants } from './plants.ts';
import { createSum, finish, note, progress, type Sum, take } from './report.ts';
import type { Result } from './run.ts';
import { readSeen, writeSeen } from './seen.ts';
import type { Job, Told } from './worker.ts';

const HELP = `npm run sim -- --seeds 1000     that many runs (300 if not said), and the planted bugs
npm run sim -- --seed 7         one run again, with its faults, made as few as possible if it fails
npm run sim -- --enumerate      a fixed script, every call of it failing and crashing in turn

npm run sim -- --twins 25       so many seeds alone and beside a hostile tenant with the same ids

npm run sim -- --restores 100    so many seeds whose tables are restored, repaired, and lived on with

  --from <seed>    the first of the seeds (1)
  --whole          for --seed: with all of its faults, not as few as possible
  --restored       for --seed: with tables that are restored
  --with <name>    with this planted bug, for --seed, --twins and --restores
  --no-plants      without the planted bugs
  --plant <text>   only the planted bugs whose name holds this, and no other runs
  --part <n>       of the planted bugs, or of what is enumerated, every nth
  --remember       keep which seeds saw the planted bugs
  --workers <n>    processes at once (2)
`;
const PLANT_SEEDS = 300;
const AGAIN = 10;

const seedsFor = (plant: string): number[] => {
  const all = Array.from({ length: PLANT_SEEDS }, (_, i) => i + 1);
  const seen = readSeen()[plant];
  return seen === undefined ? all : [seen, ...all.filter((seed) => seed !== seen)];
};

/** Runs jobs in processes of their own, so many at once. @throws when one breaks */
const runJobs = async (jobs: Job[], workers: number, sum: Sum): Promise<void> => {
  const queue = jobs.values();
  const one = (job: Job): Promise<void> =>
    new Promise((resolve, reject) => {
      const child = fork(join(import.meta.dirname, 'worker.ts'), {
        execArgv: ['--disable-warning=ExperimentalWarning'],
      });
      let over = false;
      child.on('message', (told: Told) => {
        if (told.kind === 'over') over = true;
        take(sum, told);
        progress(sum);
      });
      child.once('exit', (code) =>
        over ? resolve() : reject(new Error(`a worker ended with ${code}: ${JSON.stringify(job).slice(0, 200)}`)),
      );
      child.send(job);
    });
  const worker = async (): Promise<void> => {
    for (const job of queue) await one(job);
  };
  await Promise.all(Array.from({ length: workers }, worker));
};

const twins = async (seeds: number): Promise<number> => {
  const { loadSystem } = await import('./template.ts');
  const { runTwins } = await import('./twin.ts');
  const loaded = await loadSystem();
  let different = 0;
  let violations = 0;
  for (let seed = 1; seed <= seeds; seed++) {
    const result = await runTwins(loaded, seed);
    if (result.alone !== result.beside) different++;
    violations += result.violations.length;
    if (result.alone !== result.beside || result.violations.length > 0)
      console.log(
        `seed ${seed}: ${result.alone === result.beside ? 'the same' : 'different'} ${result.violations.slice(0, 3).join('; ')}`,
      );
  }
  console.log(`sim: twins=${seeds} different=${different} violations=${violations}`);
  return different + violations > 0 ? 1 : 0;
};

const restores = async (seeds: number): Promise<number> => {
  const { loadSystem } = await import('./template.ts');
  const { runRestore } = await import('./restore.ts');
  const loaded = await loadSystem();
  let sum = 0;
  for (let seed = 1; seed <= seeds; seed++) {
    const { violations } = await runRestore(loaded, seed);
    sum += violations.length;
    for (const violation of violations.slice(0, 5)) console.log(`seed ${seed}: ${violation}`);
  }
  console.log(`sim: restores=${seeds} violations=${sum}`);
  return sum > 0 ? 1 : 0;
};

const replay = async (
  seed: number,
  { restored = false, whole: all = false }: { restored?: boolean | undefined; whole?: boolean | undefined },
): Promise<number> => {
  const { loadSystem } = await import('./template.ts');
  const { mayForget, run } = await import('./run.ts');
  const { runRestore } = await import('./restore.ts');
  const { minimize } = await import('./minimize.ts');
  const loaded = await loadSystem();
  const again = (faults?: Faults): Promise<Result> =>
    restored ? runRestore(loaded, seed, faults) : run(loaded, { seed, ...(faults ? { faults } : {}) });
  const first = await again();
  note(
    `seed ${seed}: ${first.steps} steps, ${first.ops} operations, ${first.faults.length} faults, hash ${first.hash}, ${first.violations.length} violations`,
  );
  if (first.violations.length === 0) return 0;
  const { profile } = drawFaults(seed, !restored && mayForget(seed) ? [] : ['forgotten']);
  const { planned, result } = all ? { planned: first.faults, result: first } : await minimize(first, profile, again);
  console.log(
    `${result.violations.join('\n')}\n\nrate ${profile.rate}, clocks ±${profile.skewMs} ms, enabled: ${[...profile.enabled].join(', ')}`,
  );
  console.log(
    `\n${planned.length} of ${first.faults.length} faults are enough:\n${planned.map(({ at, fault }) => `  ${fault}: ${at}`).join('\n')}`,
  );
  console.log(`\nThe steps before the first violation:\n${result.lines.join('\n')}`);
  console.log(`\nAgain: npm run sim -- ${process.argv.slice(2).join(' ')}`);
  return 1;
};

const chunks = (seeds: number[], size: number): number[][] =>
  Array.from({ length: Math.ceil(seeds.length / size) }, (_, i) => seeds.slice(i * size, (i + 1) * size));

const whole = z
  .string()
  .regex(/^\d{1,9}$/, 'must be a whole number')
  .transform(Number);
const atLeastOne = whole.pipe(z.int().min(1, 'must be at least 1'));
const plantName = z.string().refine((name) => plants.some((each) => each.name === name), {
  message: `must be one of: ${plants.map(({ name }) => name).join('; ')}`,
});
const Flags = z.strictObject({
  seeds: atLeastOne.default(300),
  from: whole.default(1),
  workers: atLeastOne.default(2),
  seed: whole.optional(),
  enumerate: z.boolean().optional(),
  twins: atLeastOne.optional(),
  restores: atLeastOne.optional(),
  with: plantName.optional(),
  restored: z.boolean().optional(),
  whole: z.boolean().optional(),
  'no-plants': z.boolean().optional(),
  plant: z.string().optional(),
  remember: z.boolean().optional(),
  part: atLeastOne.default(1),
  help: z.boolean().optional(),
});
const SWITCHES = ['remember', 'enumerate', 'restored', 'whole', 'no-plants', 'help'];

/** @throws Error, one sentence, for a flag that is unknown or wrong */
const readFlags = (args: string[]): z.infer<typeof Flags> => {
  const options = Object.fromEntries(
    Object.keys(Flags.shape).map((name) => [name, { type: SWITCHES.includes(name) ? 'boolean' : 'string' } as const]),
  );
  const { values } = parseArgs({ args, options });
  const flags = Flags.safeParse(values);
  if (flags.success) return flags.data;
  const [issue] = flags.error.issues;
  throw new Error(`--${issue?.path.join('.')} ${issue?.message}`);
};

const runEnumerated = async (workers: number, every: number): Promise<number> => {
  const sum = createSum(0);
  const jobs = Array.from({ length: workers }, (_, part) => ({
    ...{ kind: 'enumerate' as const, part, parts: workers * every },
  }));
  await runJobs(jobs, workers, sum);
  return finish(sum, `enumerated=${sum.done}`, '');
};

const runSeeds = async (flags: z.infer<typeof Flags>): Promise<number> => {
  const { from, workers, plant: text = '' } = flags;
  const seeds = Array.from({ length: flags.plant === undefined ? flags.seeds : 0 }, (_, i) => from + i);
  const sum = createSum(seeds.length);
  const size = Math.max(10, Math.min(250, Math.ceil(seeds.length / workers)));
  const planted = flags['no-plants']
    ? []
    : plants.filter(({ name }) => name.includes(text)).filter((_, i) => i % flags.part === 0);
  const jobs: Job[] = [
    ...chunks(seeds, size).map((some) => ({ kind: 'seeds' as const, seeds: some, again: AGAIN })),
    ...planted.map(({ name, restore = false }) => ({ kind: 'plant' as const, name, seeds: seedsFor(name), restore })),
  ];
  await runJobs(jobs, workers, sum);
  if (flags.remember) writeSeen({ ...readSeen(), ...Object.fromEntries(sum.seen) });
  return finish(sum, `seeds=${seeds.length}`, `planted=${sum.caught}/${planted.length} `);
};

const main = async (flags: z.infer<typeof Flags>): Promise<number> => {
  if (flags.help) {
    process.stdout.write(HELP);
    return 0;
  }
  // Before anything of the product is loaded.
  if (flags.with !== undefined) plantBug(flags.with);
  if (flags.restores !== undefined) return restores(flags.restores);
  if (flags.twins !== undefined) return twins(flags.twins);
  if (flags.seed !== undefined) return replay(flags.seed, flags);
  if (flags.enumerate) return runEnumerated(flags.workers, flags.part);
  return runSeeds(flags);
};

const wrong = (error: unknown): never => {
  process.stderr.write(
    `${error instanceof Error ? error.message : String(error)}\nnpm run sim -- --help says what there is.\n`,
  );
  process.exit(2);
};
const flags = ((): z.infer<typeof Flags> => {
  try {
    return readFlags(process.argv.slice(2));
  } catch (error) {
    return wrong(error);
  }
})();
process.exitCode = await main(flags);
