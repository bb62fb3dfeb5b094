/**
 * All functions in one esbuild call, each into a folder of its own: <logical id>/index.mjs with a source map and
 * the tenant files. What to build stands in the template's metadata, as for `local/`.
 */
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type BuildOptions, type BuildResult, build, type Message, type Metafile, type Plugin } from 'esbuild';
import type { Template } from './synth.ts';

/** One sentence a line: what the bundler did not find or understand. */
export class BundleError extends Error {
  override name = 'BundleError';
}

type Options = {
  /** The project's folder, in which the sources' paths begin. */
  root: string;
  /** Where the folders of the functions go; emptied first. */
  outdir: string;
  /** The folder of tenant files that every function carries. */
  tenants: string;
};

/** The text of each function's entry module, by logical id. */
const entriesOf = ({ Resources }: Template): Map<string, string> => {
  const entries = new Map<string, string>();
  for (const [id, { Type, Metadata }] of Object.entries(Resources)) {
    if (Type !== 'AWS::Lambda::Function') continue;
    const { 'chorus:entry': file, 'chorus:routes': routes } = Metadata ?? {};
    if (typeof file === 'string') entries.set(id, `export { handler } from './${file}';`);
    else if (typeof routes === 'object' && routes !== null) entries.set(id, dispatching(Object.entries(routes)));
    else throw new BundleError(`${id}: has neither chorus:entry nor chorus:routes in its metadata`);
  }
  return entries;
};

/** One Lambda for all routes of a context. */
const dispatching = (routes: [route: string, file: string][]): string => {
  const imports = routes.map(([, file], n) => `import { handler as h${n} } from './${file}';`);
  const handlers = routes.map(([route], n) => `${JSON.stringify(route)}: h${n}`);
  return [
    `import { dispatch } from './core/dispatch.ts';`,
    ...imports,
    `export const handler = dispatch({ ${handlers.join(', ')} });`,
  ].join('\n');
};

const scheme = 'function:';

const virtualEntries = (entries: Map<string, string>, root: string): Plugin => ({
  name: 'entries',
  setup: ({ onResolve, onLoad }) => {
    onResolve({ filter: /^function:/ }, ({ path }) => ({ path: path.slice(scheme.length), namespace: 'function' }));
    onLoad({ filter: /./, namespace: 'function' }, ({ path }) => ({
      contents: entries.get(path) ?? '',
      loader: 'ts',
      resolveDir: root,
    }));
  },
});

/**
 * `import … from 'node:http'` in an ES module reads every export, and reading `http.WebSocket` loads all of undici:
 * about 40 ms of every cold start. Asking for the module as an object reads only what is used.
 */
const lazyHttp: Plugin = {
  name: 'lazy-http',
  setup: ({ onResolve, onLoad }) => {
    onResolve({ filter: /^(node:)?https?$/ }, ({ path, kind }) =>
      kind === 'import-statement' ? { path: path.replace('node:', ''), namespace: 'builtin' } : undefined,
    );
    onLoad({ filter: /./, namespace: 'builtin' }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule('node:${path}');`,
      loader: 'js',
    }));
  },
};

/** Parts of libraries that never run here, yet cannot be shaken off: they would be up to two thirds of a function. */
const unused: Plugin = {
  name: 'unused',
  setup: ({ onResolve, onLoad }) => {
    const empty = { path: 'empty', namespace: 'unused' };
    // APNs is asked with a signed key, never with a .p12 certificate; FCM with a credential of our own.
    onResolve({ filter: /^(node-forge|google-auth-library)$/ }, () => empty);
    // Apple's verifier works offline; what it would fetch with is never called.
    onResolve({ filter: /^node-fetch$/ }, ({ importer }) =>
      importer.includes('/app-store-server-library/') ? empty : undefined,
    );
    // Messages are English; zod's other languages hang on its `z` object.
    onResolve({ filter: /\/locales\/index\.js$/ }, ({ importer }) => (importer.includes('/zod/') ? empty : undefined));
    onLoad({ filter: /./, namespace: 'unused' }, () => ({ contents: 'module.exports = {};', loader: 'js' }));
  },
};

/**
 * Builds every function of a template.
 * @returns what went into each output file, paths relative to the root
 * @throws BundleError for a file that is missing or not understood
 */
export const bundle = async (template: Template, { root, outdir, tenants }: Options): Promise<Metafile> => {
  const entries = entriesOf(template);
  rmSync(outdir, { recursive: true, force: true });
  const built = await run({
    absWorkingDir: root,
    entryPoints: [...entries.keys()].map((id) => ({ in: `${scheme}${id}`, out: join(id, 'index') })),
    outdir,
    plugins: [virtualEntries(entries, root), lazyHttp, unused],
  });
  for (const id of entries.keys()) cpSync(tenants, join(outdir, id, 'tenants'), { recursive: true });
  return built.metafile;
};

const run = async (options: BuildOptions): Promise<BuildResult<{ metafile: true }>> => {
  try {
    return await build({
      ...options,
      bundle: true,
      platform: 'node',
      target: 'node24',
      format: 'esm',
      outExtension: { '.js': '.mjs' },
      minify: true,
      sourcemap: true,
      // Line numbers are enough in a stack trace; the sources themselves would triple the upload.
      sourcesContent: false,
      metafile: true,
      logLevel: 'silent',
      // CommonJS packages ask for Node's modules with `require`, which an ES module does not have.
      banner: {
        js: `import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);`,
      },
    });
  } catch (error) {
    throw new BundleError(describe(error));
  }
};

const describe = (error: unknown): string => {
  if (!(error instanceof Error && 'errors' in error && Array.isArray(error.errors))) return String(error);
  const messages: Message[] = error.errors;
  return messages
    .map(({ text, location }) => `${location ? `${location.file}:${location.line}: ` : ''}${text}`)
    .join('\n');
};
