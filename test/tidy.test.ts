/** Style is a test: each rule names its remedy. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');
const folders = ['core', 'functions', 'infra', 'local', 'ops', 'bench', 'test'];
type Source = { path: string; text: string; lines: string[] };
const sources: Source[] = folders.flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => {
      const text = readFileSync(join(root, folder, name), 'utf8');
      return { path: relative(root, join(root, folder, name)), text, lines: text.split('\n') };
    }),
);
const product = sources.filter(({ path }) => !path.startsWith('test/'));
const under = (...prefixes: string[]) =>
  product.filter(({ path }) => prefixes.some((prefix) => path.startsWith(prefix)));
const imports = ({ text }: Source): string[] =>
  [...text.matchAll(/(?:from|import)\s*\(?'([^']+)'/g)].map(([, from]) => from ?? '');
const resolved = (source: Source): string[] =>
  imports(source).map((from) => (from.startsWith('.') ? relative(root, join(root, source.path, '..', from)) : from));

/** Lines that break a rule, as `path:line`. */
const offences = (among: Source[], breaks: (line: string, source: Source) => boolean): string[] =>
  among.flatMap((source) =>
    source.lines.flatMap((line, i) => (breaks(line, source) ? [`${source.path}:${i + 1}`] : [])),
  );
const matches =
  (pattern: RegExp, ...except: string[]) =>
  (among: Source[]) =>
    offences(
      among.filter(({ path }) => !except.includes(path)),
      (line) => pattern.test(line) && !/^\s*(\*|\/\/|\/\*\*)/.test(line),
    );

describe('arrows point one way', () => {
  const allowed: Record<string, string[]> = {
    core: ['core'],
    functions: ['core', 'functions'],
    infra: ['infra', 'core/tenants.ts'],
    local: ['local', 'core', 'infra/synth.ts'],
    ops: ['ops', 'core', 'functions'],
    bench: ['bench', 'core', 'functions', 'local', 'infra/synth.ts'],
  };
  test.each(Object.entries(allowed))('%s imports only %j and packages', (folder, targets) => {
    const broken = under(`${folder}/`).flatMap((source) =>
      resolved(source)
        .filter((to) => folders.some((each) => to.startsWith(`${each}/`)))
        .filter((to) => !targets.some((target) => to === target || to.startsWith(`${target}/`)))
        .map((to) => `${source.path} → ${to}`),
    );
    expect(broken, 'move what both need into core/, or name a handler by its file').toEqual([]);
  });
  test('a context imports another only in reactions', () => {
    const context = (path: string) => /^functions\/([a-z]+)\//.exec(path)?.[1];
    const broken = under('functions/').flatMap((source) =>
      resolved(source)
        .filter((to) => context(source.path) && context(to) && context(to) !== context(source.path))
        .map((to) => `${source.path} → ${to}`),
    );
    expect(broken, 'let functions/reactions.ts translate the event into a command').toEqual([]);
  });
  test('handlers do not know where they run', () =>
    expect(
      matches(/\blocalhost\b|127\.0\.0\.1|isLocal|if \(local/, 'core/tenants.ts')(under('core/', 'functions/')),
      'endpoints come from the environment',
    ).toEqual([]));
});

describe('a file without a suffix in functions/ is pure, or a use case that is handed what it needs', () => {
  const suffix = /\.(http|ws|stream|queue|schedule|authorizer)\.ts$/;
  /** Transports and verifiers: what stands behind a port. */
  const transports = /^functions\/(push\/(apns|fcm)(-[a-z]+)?|accounts\/token)\.ts$/;
  const bare = under('functions/').filter(({ path }) => !suffix.test(path) && !transports.test(path));
  test('imports no SDK and nothing of Node but hashes', () =>
    expect(
      bare
        .filter((source) =>
          imports(source).some(
            (from) => from.startsWith('@aws-sdk') || (from.startsWith('node:') && from !== 'node:crypto'),
          ),
        )
        .map(({ path }) => path),
      'take it from deps',
    ).toEqual([]));
  test('every other file is an entry point named after its trigger', () =>
    expect(
      under('functions/')
        .filter(({ path, text }) => suffix.test(path) !== /^export const handler\b/m.test(text))
        .map(({ path }) => path),
      'only entry points export `handler`',
    ).toEqual([]));
});

describe('what may stand only in one place', () => {
  test('process.env', () =>
    expect(
      matches(/process\.env/, 'core/env.ts', 'ops/target.ts')(under('core/', 'functions/', 'ops/')),
      'read it in core/env.ts',
    ).toEqual([]));
  test('the clock and random ids', () =>
    expect(
      matches(
        /\bDate\.now\(|new Date\(\)|Math\.random|randomUUID|randomBytes/,
        'core/deps.ts',
        'core/log.ts',
      )(under('core/', 'functions/')),
      'take now() and random from deps',
    ).toEqual([]));
  test('keys', () =>
    expect(
      matches(/\bpk: [`']|\bsk: [`'](?!owner|ticket)/, 'core/keys.ts')(under('core/', 'functions/')),
      'build it in core/keys.ts',
    ).toEqual([]));
  test('expressions are constant', () =>
    expect(
      matches(/(Condition|Update|Filter|Projection|KeyCondition)Expression: .*`/)(under('core/', 'functions/')),
      'values go through ExpressionAttributeValues',
    ).toEqual([]));
  test('names in expressions are placeholders', () =>
    expect(
      matches(/(UpdateExpression|ProjectionExpression): '(SET|REMOVE|ADD) [^#]/)(under('core/', 'functions/')),
      'use #names',
    ).toEqual([]));
});

describe('what may stand nowhere', () => {
  test.each([
    ['any', /: any\b|\bas any\b|<any>/, 'parse it into a type'],
    ['a double cast', /as unknown as/, 'parse it into a type'],
    ['a silenced compiler', /@ts-(ignore|expect-error|nocheck)/, 'mend the type'],
    ['unfinished work', /\bTODO\b|\bFIXME\b/, 'finish it, or write it into DECISIONS.md'],
  ] as const)('%s', (_, pattern, remedy) => expect(matches(pattern)(product), remedy).toEqual([]));
  test('a Scan', () =>
    expect(
      matches(/\bScanCommand\b|ExecuteStatement/, 'ops/scan.ts')(product),
      'read by key; operators read pages of a table through Target.scan',
    ).toEqual([]));
  test('PartiQL but for inserting, in one place', () => {
    const elsewhere = product.filter(({ path }) => !path.startsWith('infra/'));
    expect(
      matches(/ExecuteTransaction|PartiQL|\bInsert into "|INSERT INTO/i, 'core/ddb.ts', 'core/insertion.ts')(elsewhere),
      'insert through core/ddb.ts',
    ).toEqual([]);
    const { text } = product.find(({ path }) => path === 'core/insertion.ts') ?? { text: '' };
    expect(text.match(/`(INSERT|UPDATE|DELETE|SELECT|EXISTS)\b/gi), 'no other statement').toEqual(['`INSERT']);
    expect(
      matches(/PartiQL(?!Insert)/)(
        product.filter(({ path }) => path.startsWith('infra/') && path !== 'infra/stores.ts'),
      ),
      'only inserting can be granted',
    ).toEqual([]);
  });
  test('a default in evolve', () =>
    expect(
      product
        .filter(({ text }) => /const evolve[\s\S]*?\n};/.exec(text)?.[0].includes('default:'))
        .map(({ path }) => path),
      'name every event',
    ).toEqual([]));
  test('a skipped or exclusive test', () =>
    expect(
      offences(
        sources.filter(({ path }) => path.startsWith('test/') && path !== 'test/tidy.test.ts'),
        (line) => /\.(skip|only|todo)\(/.test(line),
      ),
      'run it or delete it',
    ).toEqual([]));
});

describe('size', () => {
  test('files have at most 200 lines', () =>
    expect(
      product.filter(({ lines }) => lines.length > 201).map(({ path, lines }) => `${path}: ${lines.length}`),
      'split by what it is for',
    ).toEqual([]));
  /** Blocks at the top level of a file, from their first line to the closing brace in column 0. */
  const blocks = ({ path, lines }: Source): string[] =>
    lines.flatMap((line, i) => {
      if (!/^(export )?(const \w+ = (async )?.*(=>|\()|(async )?function)/.test(line) || !/[({]$/.test(line)) return [];
      const length = lines.slice(i).findIndex((each) => /^[)}\]]/.test(each)) + 1;
      return length > 40 ? [`${path}:${i + 1}: ${length}`] : [];
    });
  test('functions have at most 40 lines', () =>
    expect(
      under('core/', 'functions/', 'local/', 'infra/', 'ops/', 'bench/').flatMap(blocks),
      'name its parts',
    ).toEqual([]));
  test('every file says what it is for', () =>
    expect(
      product.filter(({ text }) => !/^\/\*\*/.test(text)).map(({ path }) => path),
      'begin with one docstring',
    ).toEqual([]));
});

describe('the lock file', () => {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { version?: string; resolved?: string; optionalDependencies?: Record<string, string> }>;
  };
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<
    string,
    Record<string, string>
  >;
  test.each(['darwin-arm64', 'darwin-x64', 'linux-arm64', 'linux-x64', 'win32-x64'])(
    'holds the engine for %s',
    (platform) =>
      expect(
        lock.packages[`node_modules/@dynoxide/${platform}`]?.version,
        'complete it by hand: npm drops what it can not fetch',
      ).toBe('1.2.1'),
  );
  test('holds every optional package that another asks for, so that npm ci agrees', () => {
    const missing = Object.values(lock.packages).flatMap(({ optionalDependencies = {} }) =>
      Object.keys(optionalDependencies).filter(
        (name) => !Object.keys(lock.packages).some((path) => path.endsWith(`node_modules/${name}`)),
      ),
    );
    expect(missing).toEqual([]);
  });
  test('holds no addresses', () =>
    expect(Object.entries(lock.packages).flatMap(([path, { resolved }]) => (resolved ? [path] : []))).toEqual([]));
  test('and package.json pin exact versions', () => {
    const all = ['dependencies', 'devDependencies', 'optionalDependencies'].flatMap((kind) =>
      Object.entries(manifest[kind] ?? {}),
    );
    expect(all.filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
  });
});
