/**
 * Where the synthesized template comes from: the cache, as long as nothing changed that it is made of, else infra/.
 * CDK costs half a second and 300 MB, so it runs in a worker that ends, and only then.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { z } from 'zod';
import { StartError } from '../errors.ts';

export const root = join(import.meta.dirname, '../..');
const cacheFolder = join(root, 'node_modules/.cache/chorus');
const sources = ['infra', 'cdk.json', 'tenants', 'core/tenants.ts', 'core/ids.ts', 'package-lock.json'];
const synthesisMilliseconds = 60_000;

const Resource = z.looseObject({
  Type: z.string(),
  Properties: z.record(z.string(), z.unknown()).default({}),
  Metadata: z.record(z.string(), z.unknown()).default({}),
});
const Template = z.looseObject({ Resources: z.record(z.string(), Resource) });
export type Template = z.infer<typeof Template>;
export type Resource = z.infer<typeof Resource>;

/** Every file at or under a path, in a stable order; nothing if it does not exist. */
const filesUnder = (path: string): string[] => {
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found) return [];
  if (found.isFile()) return [path];
  return readdirSync(path)
    .sort()
    .flatMap((name) => filesUnder(join(path, name)));
};

const hashOf = (folder: string): string => {
  const hash = createHash('sha256');
  for (const file of sources.flatMap((source) => filesUnder(join(folder, source)))) {
    const content = readFileSync(file);
    hash.update(`${relative(folder, file)}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex').slice(0, 32);
};

/** Runs in the worker. The path is data, so that local/ knows infra/ by file name only. */
const program = `
  const { parentPort, workerData } = require('node:worker_threads');
  import(workerData)
    .then(({ synthesize }) => synthesize())
    .then((template) => parentPort.postMessage(JSON.stringify(template)));
`;

/** @throws StartError with what infra/ said */
const synthesizeApart = (folder: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const refuse = (reason: string): void =>
      reject(new StartError(`infra/ makes no template: ${reason.split('\n', 1)[0]}`));
    const workerData = pathToFileURL(join(folder, 'infra/synth.ts')).href;
    const worker = new Worker(program, { eval: true, workerData });
    const timer = setTimeout(() => refuse('it took more than a minute'), synthesisMilliseconds);
    const finish = (): void => {
      clearTimeout(timer);
      void worker.terminate();
    };
    worker.once('message', (text: string) => resolve(text));
    worker.once('error', (error) => refuse(error instanceof Error ? error.message : String(error)));
    worker.once('exit', () => refuse('it ended without one'));
    worker.once('message', finish).once('error', finish);
  });

const readCached = (file: string): Template | undefined => {
  try {
    return Template.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return undefined;
  }
};

/** Replaces older templates; a failure only costs the next start its time. */
const keep = (cache: string, file: string, text: string): void => {
  try {
    mkdirSync(cache, { recursive: true });
    for (const old of readdirSync(cache).filter((name) => name.startsWith('template-'))) rmSync(join(cache, old));
    writeFileSync(`${file}.${process.pid}`, text);
    renameSync(`${file}.${process.pid}`, file);
  } catch (error) {
    console.warn(`the template could not be cached: ${error instanceof Error ? error.message : error}`);
  }
};

/**
 * The template of infra/, from the cache when its sources are unchanged.
 * @throws StartError when infra/ cannot make one, with its reason
 */
export const loadTemplate = async (folder = root, cache = cacheFolder): Promise<Template> => {
  const file = join(cache, `template-${hashOf(folder)}.json`);
  const cached = readCached(file);
  if (cached) return cached;
  const text = await synthesizeApart(folder);
  keep(cache, file, text);
  return Template.parse(JSON.parse(text));
};
