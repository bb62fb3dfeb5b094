/** The operators' command line itself: help, wrong usage, where it works, what it prints. */
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startInside } from '../../local/gateway/aws.ts';
import { idOf } from '../../ops/functions.ts';
import { patternOf } from '../../ops/logs.ts';
import { main } from '../../ops/main.ts';
import { createOutput, tableText } from '../../ops/progress.ts';
import { scanTable } from '../../ops/scan.ts';
import { folder, invokes, modelOf, unasked } from '../local/stage.ts';
import { useWorld } from '../world.ts';
import { ops, opsJson } from './ops.ts';

const world = useWorld();
const run = promisify(execFile);

/** Runs as it stands, without the test's data folder. */
const bare = async (...argv: string[]) => {
  const ran = { out: '', err: '' };
  const write = (name: 'out' | 'err') => (text: string) => {
    ran[name] += text;
  };
  return { status: await main(argv, { out: write('out'), err: write('err'), isTty: false }), ...ran };
};

describe('the command line', () => {
  test('lists its commands and flags, and those of a command', async () => {
    for (const argv of [['--help'], ['-h']]) {
      const { status, out, err } = await bare(...argv);
      expect([status, err]).toEqual([0, '']);
      for (const word of ['parked', 'trace', '--data', '--stack', '--dry-run', '--json', '--yes'])
        expect(out).toContain(word);
    }
    const { out } = await bare('parked', '--help');
    for (const word of ['parked list | show <key>', '--reason <text>', '--all', '--stack <name>'])
      expect(out).toContain(word);
  });
  test.each([
    [[], /^say what to do: npm run ops -- --help lists the commands\n$/],
    [['mend'], /^there is no command mend; there are parked, .*trace\n$/],
    [['parked', 'list', '--hurry'], /^there is no flag --hurry here; --help lists those that there are\n$/],
    [['trace', 'msg_x', '--reason', 'y'], /^there is no flag --reason here/],
    [['parked', '--json=yes'], /^--json takes no value\n$/],
    [['parked', '--stack'], /^--stack needs a value: --stack <name>\n$/],
    [['parked', '--stack', '--json'], /^--stack needs a value: --stack <name>\n$/],
    [['parked', '--data', ''], /^--data needs a value: --data <folder>\n$/],
    [
      ['parked', '--data', 'x', '--stack', 'y'],
      /^--data is for the local system and --stack for AWS: give one of them\n$/,
    ],
    [['parked', '--rate', '-1'], /^--rate must be a number of units above 0\n$/],
  ])('%j is wrong usage', async (argv, sentence) => {
    const out = argv.includes('--json') ? expect.stringMatching(/^\{"error":".*"\}\n$/) : '';
    expect(await bare(...argv)).toEqual({ status: 2, out, err: expect.stringMatching(sentence) });
  });
  test('is what npm run ops runs, with its status', { timeout: 60_000 }, async () => {
    const help = await run('npm', ['run', '--silent', 'ops', '--', '--help']);
    expect([help.stdout.split('\n', 1)[0], help.stderr]).toEqual(['The operators’ commands.', '']);
    const wrong = run('npm', ['run', '--silent', 'ops', '--', 'mend']);
    await expect(wrong).rejects.toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(/^there is no command/),
    });
    const listed = await run('npm', ['run', '--silent', 'ops', '--', 'parked', '--json', '--data', data()]);
    expect([JSON.parse(listed.stdout), listed.stderr]).toEqual([{ parked: [], waiting: 0 }, '']);
  });
});

const data = (): string => dirname(world().env.TENANTS_DIR ?? '');

describe('the local system', () => {
  const none = (path: string): string =>
    `no system runs on ${path}: start it with npm start, or name its folder with --data or a stack with --stack\n`;

  test('that does not run is missed in one sentence', async () => {
    const path = folder();
    expect(await bare('parked', '--data', path)).toEqual({ status: 1, out: '', err: none(path) });
  });
  test('that was killed is missed too, whoever answers at its address by now', async () => {
    const running: { env: Record<string, string> } = JSON.parse(readFileSync(join(data(), 'system.json'), 'utf8'));
    const path = folder();
    for (const lambda of ['http://127.0.0.1:9', running.env.AWS_ENDPOINT_URL_LAMBDA ?? '', world().http]) {
      const env = { ...running.env, TENANTS_DIR: join(path, 'tenants'), AWS_ENDPOINT_URL_LAMBDA: lambda };
      mkdirSync(path, { recursive: true });
      writeFileSync(join(path, 'system.json'), JSON.stringify({ ...running, env }));
      expect(await bare('parked', '--data', path), lambda).toEqual({ status: 1, out: '', err: none(path) });
    }
    expect((await ops(world(), 'parked')).status).toBe(0);
  });
});

describe('a stack on AWS', () => {
  /** Lambda, as it lists two stages of one account. */
  const account = async () => {
    const model = modelOf([], {});
    const names = ['chorus-eu-SyncDeliverStream-AbC', 'chorus-eu-2-SyncDeliverStream-XyZ', 'other'];
    model.functions = Object.fromEntries(names.map((name) => [name, { name, entry: 'x', timeoutSeconds: 3 }]));
    const inside = await startInside({
      ...unasked,
      ...{ connections: { post: () => 'gone', get: () => undefined, drop: () => false } as const },
      ...{ model, invoke: invokes({}), parameter: async () => undefined, environment: () => world().env },
    });
    const { AWS_ENDPOINT_URL_LAMBDA } = process.env;
    process.env.AWS_ENDPOINT_URL_LAMBDA = inside.origin;
    onTestFinished(async () => {
      process.env.AWS_ENDPOINT_URL_LAMBDA = AWS_ENDPOINT_URL_LAMBDA;
      await inside.close();
    });
  };

  test('is found by its functions, and their environment says where everything is', async () => {
    await account();
    const { status, out, err } = await bare('parked', 'list', '--stack', 'chorus-eu', '--json');
    expect([status, err, JSON.parse(out)]).toEqual([0, '', { parked: [], waiting: 0 }]);
  });
  test('that there is not is missed in one sentence', async () => {
    await account();
    for (const stack of ['chorus', 'chorus-e', 'other']) {
      const { status, err } = await bare('parked', '--stack', stack);
      expect([status, err]).toEqual([1, expect.stringMatching(`^there is no stack ${stack} here: `)]);
    }
  });
  test('is not changed without --yes', async () => {
    await account();
    const refused = await bare('parked', 'retry', '--all', '--stack', 'chorus-eu');
    const why = 'this gives what is parked to its functions again in chorus-eu';
    expect(refused).toEqual({
      status: 1,
      out: '',
      err: `${why}: see with --dry-run what it would do, then say --yes\n`,
    });
    for (const flag of ['--yes', '--dry-run'])
      expect((await bare('parked', 'retry', '--all', '--stack', 'chorus-eu', flag)).status).toBe(0);
  });
  test.each([
    ['functions/sync/deliver.stream.ts', 'SyncDeliverStream'],
    ['functions/reactions.stream.ts', 'ReactionsStream'],
    ['functions/messaging/send.http.ts', 'MessagingHttp'],
  ])('calls the function of %s %s', (entry, id) => expect(idOf(entry)).toBe(id));
  test('is asked for log lines by terms that stand in them as they were written', () =>
    expect(patternOf({ stream: 'a"b', v: 5 })).toBe(String.raw`"\"stream\":\"a\\\"b\"" "\"v\":5"`));
});

describe('a scan', () => {
  const ITEMS = 150;

  test('reads every item, and keeps to its rate', async () => {
    const TableName = world().env.VIEWS_TABLE ?? '';
    const client = new DynamoDBClient({});
    const put = (_: unknown, i: number) =>
      client.send(
        new PutItemCommand({ TableName, Item: marshall({ pk: `scan ${i}`, sk: 'x', text: 'x'.repeat(4000) }) }),
      );
    await Promise.all(Array.from({ length: ITEMS }, put));
    const read = async (options: { unitsPerSecond?: number; consistent?: boolean } = {}) => {
      const meter = { read: 0, write: 0 };
      const found = new Set<unknown>();
      const started = performance.now();
      for await (const items of scanTable(TableName, meter, options)) for (const { pk } of items) found.add(pk);
      return { count: found.size, units: meter.read, seconds: (performance.now() - started) / 1000 };
    };
    const all = await read();
    expect(all.count).toBeGreaterThanOrEqual(ITEMS);
    expect((await read({ consistent: true })).units).toBeCloseTo(2 * all.units, -1);
    const slow = await read({ unitsPerSecond: all.units });
    expect(slow.count).toBe(all.count);
    expect(slow.seconds, 'but for the last page').toBeGreaterThan(0.5);
  });
});

describe('what is printed', () => {
  const printed = (options: { isJson?: boolean; isTty?: boolean } = {}) => {
    const texts = { out: '', err: '' };
    const write = (name: 'out' | 'err') => (text: string) => {
      texts[name] += text;
    };
    const io = { out: write('out'), err: write('err'), isTty: options.isTty ?? false };
    const out = createOutput(io, { isJson: options.isJson ?? false, cost: () => '12 read and 0 write units' });
    out.line('a line \u001b[2J');
    out.table([
      { name: 'ada', n: 5 },
      { name: 'b', n: 12, more: ['x', 'y'] },
    ]);
    out.json({ a: 1 });
    const progress = out.progress('reading', 10);
    progress.tick(5);
    progress.done();
    return texts;
  };

  test('is for people, and steers no terminal', () =>
    expect(printed()).toEqual({ out: 'a line \ufffd[2J\nname   n  more\nada    5\nb     12  x, y\n', err: '' }));
  test('with --json is one document', () =>
    expect(printed({ isJson: true })).toEqual({ out: '{\n "a": 1\n}\n', err: '' }));
  test('shows progress and cost to who watches', () => {
    const [before, bar, after, ...rest] = printed({ isTty: true, isJson: true }).err.split('\r\u001b[2K');
    expect([before, after, rest]).toEqual(['', '', []]);
    expect(bar).toMatch(/^reading {2}5\/10 {2}50 % {2}[\d,]+\/s {2}12 read and 0 write units$/);
  });
  test('names columns in the order in which they appear', () =>
    expect(tableText([{ b: 1 }, { a: undefined, b: 2 }]).split('\n')[0]).toBe('b  a'));
  test('with --verbose says on stderr what the functions would log', async () => {
    const { b, conversationId } = await world().matched('v-ada', 'v-ben');
    const Item = marshall({ pk: `demo#person#${b.user}`, sk: 'device#phone', device: 'phone' });
    await new DynamoDBClient({}).send(new PutItemCommand({ TableName: world().env.DEVICES_TABLE, Item }));
    const argv = ['trace', `conversation/${conversationId}@1`, '--tenant', 'demo'];
    expect((await opsJson(world(), ...argv)).err).toBe('');
    const { err, json } = await opsJson(world(), ...argv, '--verbose');
    expect(JSON.parse(err)).toMatchObject({ level: 'error', msg: 'device unreadable', device: 'device#phone' });
    expect(json.v).toBe(1);
  });
});
