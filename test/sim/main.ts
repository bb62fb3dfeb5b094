/** `npm run sim`: many seeds, planted bugs, one seed again, or every fault of a fixed script in turn. */
import { fork } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { drawFaults, type Faults } from './faults.ts';
import { plantBug } from './load.ts';
import { plants } from './plants.ts';
import type { Result } from './run.ts';
import type { Job, Told } from './worker.ts';

const HELP = `npm run sim -- --seeds 1000     that many runs, and the planted bugs
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
  --workers <n>    processes at once (2)
`;
const PLANT_SEEDS = 300;
const AGAIN = 10;
const PROGRESS_MS = 2000;

type Sum = {
  done: number;
  total: number;
  ops: number;
  faults: number;
  caught: number;
  missed: string[];
  failed: Map<string, string[]>;
  worst: { name: string; violations: number; faults: number };
};
const createSum = (total: number): Sum => ({
  done: 0,
  total,
  ops: 0,
  faults: 0,
  caught: 0,
  missed: [],
  failed: new Map(),
  worst: { name: '-', violations: 0, faults: -1 },
});

const note = (line: string): void => void process.stderr.write(`${line}\n`);
let shown = 0;
const progress = ({ done, total, failed, caught }: Sum, force = false): void => {
  const now = performance.now();
  if (!force && now - shown < PROGRESS_MS) return;
  shown = now;
  const filled = total === 0 ? 0 : Math.round((done / total) * 30);
  const text = `[${'█'.repeat(filled)}${'·'.repeat(30 - filled)}] ${done}/${total} runs, ${caught} planted bugs caught, ${failed.size} runs with violations`;
  if (process.stderr.isTTY) process.stderr.write(`\r${text}`);
  else note(text);
};

const take = (sum: Sum, told: Told): void => {
  if (told.kind === 'total') sum.total = told.total;
  if (told.kind === 'caught') {
    if (told.seed === undefined) sum.missed.push(told.plant);
    else sum.caught++;
    note(
      `${process.stderr.isTTY ? '\n' : ''}planted: ${told.plant}: ${told.seed === undefined ? 'NOT CAUGHT' : `seed ${told.seed}: ${told.violation}`}`,
    );
  }
  if (told.kind !== 'run') return;
  const { name, violations, ops, faults } = told;
  sum.done++;
  sum.ops += ops;
  sum.faults += faults;
  if (violations.length > 0) {
    sum.failed.set(name, violations);
    note(`\n${name}: ${violations.length} violations\n  ${violations.slice(0, 5).join('\n  ')}`);
  }
  const { worst } = sum;
  if (violations.length > worst.violations || (violations.length === worst.violations && faults > worst.faults))
    sum.worst = { name: name.replace('seed ', ''), violations: violations.length, faults };
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
  { restored = false, whole = false }: { restored?: boolean; whole?: boolean },
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
  const { planned, result } = whole ? { planned: first.faults, result: first } : await minimize(first, profile, again);
  console.log(
    `${result.violations.join('\n')}\n\nrate ${profile.rate}, clocks ±${profile.skewMs} ms, enabled: ${[...profile.enabled].join(', ')}`,
  );
  console.log(
    `\n${planned.length} of ${first.faults.length} faults are enough:\n${planned.map(({ at, fault }) => `  ${fault}: ${at}`).join('\n')}`,
  );
  console.log(`\nThe last steps:\n${result.lines.join('\n')}`);
  return 1;
};

const chunks = (seeds: number[], size: number): number[][] =>
  Array.from({ length: Math.ceil(seeds.length / size) }, (_, i) => seeds.slice(i * size, (i + 1) * size));

const finish = (sum: Sum, label: string, planted: string): number => {
  progress(sum, true);
  if (process.stderr.isTTY) note('');
  for (const name of sum.missed) console.log(`not caught: ${name}`);
  for (const [name, violations] of sum.failed) console.log(`${name}: ${violations.join('\n  ')}`);
  const violations = [...sum.failed.values()].reduce((n, each) => n + each.length, 0);
  console.log(
    `sim: ${label} ops=${sum.ops} faults=${sum.faults} ${planted}violations=${violations} worst=${sum.worst.name}`,
  );
  return violations > 0 || sum.missed.length > 0 ? 1 : 0;
};

const main = async (): Promise<number> => {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string' },
      seed: { type: 'string' },
      from: { type: 'string', default: '1' },
      workers: { type: 'string', default: '2' },
      enumerate: { type: 'boolean' },
      twins: { type: 'string' },
      with: { type: 'string' },
      restores: { type: 'string' },
      restored: { type: 'boolean' },
      whole: { type: 'boolean' },
      'no-plants': { type: 'boolean' },
      plant: { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const workers = Number(values.workers);
  // Before anything of the product is loaded.
  if (values.with !== undefined) plantBug(values.with);
  if (values.restores !== undefined) return restores(Number(values.restores));
  if (values.twins !== undefined) return twins(Number(values.twins));
  if (values.seed !== undefined) return replay(Number(values.seed), values);
  if (values.enumerate) {
    const sum = createSum(0);
    await runJobs(
      Array.from({ length: workers }, (_, part) => ({ kind: 'enumerate' as const, part, parts: workers })),
      workers,
      sum,
    );
    return finish(sum, `enumerated=${sum.done}`, '');
  }
  const from = Number(values.from);
  const text = values.plant ?? '';
  const seeds = Array.from(
    { length: values.plant === undefined ? Number(values.seeds ?? 300) : 0 },
    (_, i) => from + i,
  );
  const sum = createSum(seeds.length);
  const size = Math.max(10, Math.min(250, Math.ceil(seeds.length / workers)));
  const planted = values['no-plants'] ? [] : plants.filter(({ name }) => name.includes(text));
  const jobs: Job[] = [
    ...chunks(seeds, size).map((some) => ({ kind: 'seeds' as const, seeds: some, again: AGAIN })),
    ...planted.map(({ name, restore = false }) => ({ kind: 'plant' as const, name, seeds: PLANT_SEEDS, restore })),
  ];
  await runJobs(jobs, workers, sum);
  return finish(sum, `seeds=${seeds.length}`, `planted=${sum.caught}/${planted.length} `);
};

process.exitCode = await main();
