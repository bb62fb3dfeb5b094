/** The bundler, on a small project of its own and on the real one. */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { bundle } from '../../infra/bundle.ts';
import type { Template } from '../../infra/synth.ts';
import { dev, idsOf } from './template.ts';

const project = join(import.meta.dirname, '../..');
const root = mkdtempSync(join(tmpdir(), 'chorus-bundle-'));
const outdir = join(root, 'dist');
afterAll(() => rmSync(root, { recursive: true }));

/** As Node itself loads it, without the test runner's own resolution. */
const load = createRequire(import.meta.url);

const write = (path: string, content: string): void => {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
};
const read = (path: string): string => readFileSync(join(outdir, path), 'utf8');

const templateOf = (functions: Record<string, Record<string, unknown>>): Template => ({
  Resources: Object.fromEntries(
    Object.entries(functions).map(([id, Metadata]) => [id, { Type: 'AWS::Lambda::Function', Metadata }]),
  ),
});

write('tenants/demo.json', '{}');
write('functions/cats/feed.http.ts', `export const handler = async (): Promise<string> => 'purr';`);
write('functions/cats/call.http.ts', `export const handler = async (): Promise<string> => 'no answer';`);
write('functions/dogs/walk.queue.ts', `import old from 'old'; export const handler = async () => old.name();`);
write('node_modules/old/package.json', '{ "name": "old", "version": "1.0.0" }');
write(
  'node_modules/old/index.js',
  `const { Agent } = require('http'); const { basename } = require('path');
   module.exports = { name: () => basename('/dogs/' + Agent.name) };`,
);
cpSync(join(project, 'core/dispatch.ts'), join(root, 'core/dispatch.ts'));

const pets = templateOf({
  Cats: { 'chorus:routes': { 'PUT /cats': 'functions/cats/feed.http.ts', 'GET /cats': 'functions/cats/call.http.ts' } },
  Dogs: { 'chorus:entry': 'functions/dogs/walk.queue.ts' },
});
const bundled = bundle(pets, { root, outdir, tenants: join(root, 'tenants') });

test('each function gets a folder with its module, its source map and the tenants, and nothing else', async () => {
  await bundled;
  expect(readdirSync(outdir).sort()).toEqual(['Cats', 'Dogs']);
  expect(readdirSync(join(outdir, 'Cats')).sort()).toEqual(['index.mjs', 'index.mjs.map', 'tenants']);
  expect(read('Cats/tenants/demo.json')).toBe('{}');
});

test('the routes of a context are one function that picks the handler by route key', async () => {
  await bundled;
  const { handler } = load(join(outdir, 'Cats/index.mjs'));
  expect(await handler({ routeKey: 'PUT /cats' }, {})).toBe('purr');
  expect(await handler({ routeKey: 'GET /cats' }, {})).toBe('no answer');
  await expect(handler({ routeKey: 'DELETE /cats' }, {})).rejects.toThrow('no handler for DELETE /cats');
});

test('a CommonJS package that requires Node modules works inside an ES module', async () => {
  await bundled;
  const { handler } = load(join(outdir, 'Dogs/index.mjs'));
  expect(await handler({}, {})).toBe('Agent');
});

test('a function holds its own code only', async () => {
  await bundled;
  expect(read('Cats/index.mjs')).toContain('purr');
  expect(read('Dogs/index.mjs')).not.toContain('purr');
});

test('a source that is missing stops the bundler with its name', async () => {
  const template = templateOf({ Birds: { 'chorus:entry': 'functions/birds/sing.http.ts' } });
  const building = bundle(template, { root, outdir: join(root, 'none'), tenants: join(root, 'tenants') });
  await expect(building).rejects.toThrow('Could not resolve "./functions/birds/sing.http.ts"');
});

test('a function without a source stops the bundler with its id', async () => {
  const building = bundle(templateOf({ Fish: {} }), {
    root,
    outdir: join(root, 'none'),
    tenants: join(root, 'tenants'),
  });
  await expect(building).rejects.toThrow('Fish: has neither chorus:entry nor chorus:routes in its metadata');
});

test('the functions of this project bundle, small enough to start fast, without anything of infra or local', async () => {
  const everything = join(root, 'everything');
  const { inputs } = await bundle(dev, { root: project, outdir: everything, tenants: join(project, 'tenants') });
  const foreign = Object.keys(inputs).filter((path) => /^(infra|local|test)\/|aws-cdk-lib|fauxqs/.test(path));
  expect(foreign).toEqual([]);
  expect(readdirSync(everything).sort()).toEqual(idsOf('AWS::Lambda::Function').sort());
  for (const id of readdirSync(everything)) {
    const code = readFileSync(join(everything, id, 'index.mjs'), 'utf8');
    expect(code.length, id).toBeLessThan(2_250_000);
    // An ES import of these loads all of undici at each cold start.
    expect(code, id).not.toMatch(/from\s*"(node:)?https?"/);
  }
}, 120_000);
