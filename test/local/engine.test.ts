/** The embedded engine and the folder it works in: one owner, no orphans, no growth without end. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startEngine } from '../../local/engine/engine.ts';
import { findEngine } from '../../local/engine/engine-binary.ts';
import { openEngineFile } from '../../local/engine/engine-file.ts';
import { sweepTable } from '../../local/engine/sweep.ts';
import { ensureTables } from '../../local/engine/tables.ts';
import { lockFolder } from '../../local/lock.ts';
import type { TableModel } from '../../local/model.ts';
import { folder } from './stage.ts';

const keys: TableModel['keys'] = [{ attribute: 'pk', role: 'HASH', type: 'S' }];
const local = (file: string): string => JSON.stringify(new URL(`../../local/${file}`, import.meta.url).href);

/** A process of its own that holds the folder and its engine, and says so. */
const startOwner = async (data: string, program: string): Promise<ChildProcess & { said: string }> => {
  const child = spawn(process.execPath, ['--no-warnings', '--input-type=module', '-e', program, data], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [said] = await once(child.stdout, 'data');
  return Object.assign(child, { said: String(said).trim() });
};
const lockOnly = `
  const { lockFolder } = await import(${local('lock.ts')});
  const lock = lockFolder(process.argv[1]);
  console.log('locked');
  setInterval(() => lock, 1000);
`;
const withEngine = `
  const { startEngine } = await import(${local('engine/engine.ts')});
  const engine = await startEngine(process.argv[1], {}, () => {});
  console.log(engine.pid());
`;
/** Whatever it spawns first, it says its number and is gone at once. */
const killedAtSpawn = (program: string): string => `
  import { writeSync } from 'node:fs';
  import children from 'node:child_process';
  import { syncBuiltinESMExports } from 'node:module';
  const { spawn } = children;
  children.spawn = (...args) => {
    writeSync(1, String(spawn(...args).pid));
    process.kill(process.pid, 'SIGKILL');
  };
  syncBuiltinESMExports();
  const { startEngine } = await import(${local('engine/engine.ts')});
  await startEngine(process.argv[1], { CHORUS_DYNOXIDE_BIN: ${JSON.stringify(program)} }, () => {});
`;
const processes = (): { pid: number; group: number; command: string }[] =>
  execFileSync('ps', ['-A', '-o', 'pid=,pgid=,stat=,args='], { encoding: 'utf8' })
    .split('\n')
    .map((line) => /^\s*(\d+)\s+(\d+)\s+([^Z\s]+)\s+(.*)$/.exec(line))
    .flatMap((found) => (found ? [{ pid: Number(found[1]), group: Number(found[2]), command: found[4] ?? '' }] : []));
/** Living processes whose command names a folder. */
const namedIn = (data: string): string[] =>
  processes().flatMap(({ command }) => (command.includes(data) ? [command] : []));
/** Living processes of the group that a process leads. */
const groupOf = (leader: number | undefined) => (): number[] =>
  processes().flatMap(({ pid, group }) => (group === leader ? [pid] : []));
const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    // Dead, but not yet collected by whoever inherited it.
    return !(existsSync('/proc/self') && readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z '));
  } catch {
    return false;
  }
};
const open = async (data: string, notes: string[] = []) => {
  const engine = await startEngine(data, {}, (note) => void notes.push(note));
  onTestFinished(() => engine.stop());
  return engine;
};

describe('a data folder', () => {
  test('is refused to a second process, which learns the number of the first', async () => {
    const data = folder();
    const owner = await startOwner(data, lockOnly);
    expect(() => lockFolder(data)).toThrow(
      `${data} is in use by process ${owner.pid}: stop it, or choose another folder with --data`,
    );
  });

  test('is refused to a second system in the same process, until the first lets go', () => {
    const data = folder();
    const lock = lockFolder(data);
    expect(() => lockFolder(data)).toThrow(`is in use by process ${process.pid}`);
    lock.release();
    lockFolder(data).release();
  });

  test('can be had as soon as its owner was killed', async () => {
    const data = folder();
    const owner = await startOwner(data, lockOnly);
    owner.kill('SIGKILL');
    await once(owner, 'exit');
    lockFolder(data).release();
  });
});

describe('the engine', () => {
  test('dies with its parent, even when that is killed', async () => {
    const owner = await startOwner(folder(), withEngine);
    const pid = Number(owner.said);
    expect(isAlive(pid)).toBe(true);
    owner.kill('SIGKILL');
    await expect.poll(() => isAlive(pid), { interval: 5, timeout: 5000 }).toBe(false);
  });

  test('dies with its parent, also when that is killed before it can do anything after the spawn', async () => {
    const data = folder();
    // One that prints nothing: ours dies by itself when nobody hears its first word.
    const silent = join(data, 'engine');
    writeFileSync(silent, `#!${process.execPath}\nsetInterval(() => undefined, 1000);\n`, { mode: 0o755 });
    const pid = Number((await startOwner(data, killedAtSpawn(silent))).said);
    onTestFinished(() => void (namedIn(data).length > 0 && process.kill(pid, 'SIGKILL')));
    expect(pid).toBeGreaterThan(1);
    await expect.poll(() => namedIn(data), { interval: 5, timeout: 5000 }).toEqual([]);
  });

  test('leaves no guard behind, however it ends', async () => {
    const engine = await startEngine(folder(), {}, () => undefined);
    const both = { interval: 5, timeout: 5000 };
    const first = groupOf(engine.pid());
    try {
      expect(first()).toHaveLength(2);
      process.kill(engine.pid() ?? 0, 'SIGABRT');
      await expect.poll(first, both).toEqual([]);
      await expect.poll(() => groupOf(engine.pid())(), both).toHaveLength(2);
    } finally {
      const second = groupOf(engine.pid());
      await engine.stop();
      await expect.poll(second, both).toEqual([]);
    }
  });

  test('is ended when it outlived its parent nevertheless, before a new one opens its file', async () => {
    const data = folder();
    const file = join(data, 'dynamo.db');
    const args = ['serve', '--host', '127.0.0.1', '--port', '0', '--db-path', file];
    const orphan = spawn(findEngine(process.env), args, { stdio: 'ignore' });
    await expect.poll(() => existsSync(file), { interval: 5 }).toBe(true);
    writeFileSync(join(data, 'engine.pid'), `${orphan.pid}\n`);
    const engine = await open(data);
    expect(orphan.signalCode ?? (await once(orphan, 'exit'))[1]).toBe('SIGKILL');
    expect(engine.pid()).not.toBe(orphan.pid);
  });

  test('comes again at the same address with everything in it, and says so', async () => {
    const notes: string[] = [];
    const engine = await open(folder(), notes);
    await ensureTables(engine.dynamo, { tables: { T: { name: 'Table', keys } } });
    const before = engine.pid() ?? 0;
    process.kill(before, 'SIGABRT');
    await expect.poll(() => engine.pid(), { interval: 5, timeout: 5000 }).not.toBe(before);
    expect(await engine.dynamo.call('ListTables', {})).toEqual({ TableNames: ['Table'] });
    expect(notes).toEqual(['the database engine ended (SIGABRT) and is started again']);
  });

  test('refuses a table that has another shape than the template says', async () => {
    const { dynamo } = await open(folder());
    await ensureTables(dynamo, { tables: { T: { name: 'Table', keys } } });
    await ensureTables(dynamo, { tables: { T: { name: 'Table', keys } } });
    await expect(
      ensureTables(dynamo, { tables: { T: { name: 'Table', keys, streamView: 'NEW_IMAGE' } } }),
    ).rejects.toThrow('the table Table has other keys or another stream than infra/ says');
  });

  test('forgets stream records that are read and older than a day, but never the newest', async () => {
    const data = folder();
    const engine = await open(data);
    await ensureTables(engine.dynamo, { tables: { T: { name: 'Table', keys, streamView: 'NEW_IMAGE' } } });
    for (let n = 1; n <= 6; n++)
      await engine.dynamo.call('PutItem', { TableName: 'Table', Item: { pk: { S: `${n}` } } });
    expect(engine.head('Table')).toBe(6n);
    expect(engine.trim('Table', 7n)).toBe(0);

    const file = join(data, 'dynamo.db');
    const database = new DatabaseSync(file, { timeout: 1000 });
    database.exec('UPDATE _stream_records SET created_at = created_at - 90000');
    database.close();
    expect(engine.trim('Table', 4n)).toBe(3);
    expect(engine.trim('Table', 100n)).toBe(2);
    expect(engine.head('Table')).toBe(6n);
  });

  test('is used without help when its file is of another kind', () => {
    expect(openEngineFile(join(folder(), 'other.db'))).toBeUndefined();
  });

  test('has its expired items deleted, and only those', async () => {
    const { dynamo } = await open(folder());
    const table: TableModel = { name: 'Mortal', keys, ttlAttribute: 'expires' };
    await ensureTables(dynamo, { tables: { T: table } });
    for (const [pk, expires] of [
      ['old', '999'],
      ['young', '1001'],
      ['eternal', ''],
    ])
      await dynamo.call('PutItem', {
        TableName: 'Mortal',
        Item: { pk: { S: pk }, ...(expires && { expires: { N: expires } }) },
      });
    await sweepTable(dynamo, table, 1000);
    const { Items } = await dynamo.call<{ Items: { pk: { S: string } }[] }>('Scan', { TableName: 'Mortal' });
    expect(Items.map(({ pk }) => pk.S).sort()).toEqual(['eternal', 'young']);
  });
});

describe('without an embedded engine', () => {
  test('the address in AWS_ENDPOINT_URL_DYNAMODB is used, and left alone', async () => {
    const engine = await open(folder());
    const other = await startEngine(folder(), { AWS_ENDPOINT_URL_DYNAMODB: engine.endpoint }, () => undefined);
    expect([other.pid(), other.head('Any')]).toEqual([undefined, undefined]);
    await other.stop();
    expect(await engine.dynamo.call('ListTables', {})).toEqual({ TableNames: [] });
  });

  test.each([
    ['nobody answers there', { AWS_ENDPOINT_URL_DYNAMODB: 'http://127.0.0.1:9' }, 'start it or unset it'],
    ['it is no address', { AWS_ENDPOINT_URL_DYNAMODB: '8000' }, 'it must be an address such as http://127.0.0.1:8000'],
    ['the chosen program is none', { CHORUS_DYNOXIDE_BIN: '/none' }, 'is not a program: correct or unset it'],
  ])('one sentence says what to do when %s', async (_what, env, sentence) => {
    await expect(startEngine(folder(), env, () => undefined)).rejects.toThrow(sentence);
  });

  test('a server that is no DynamoDB is not taken for one', async () => {
    const server = createServer((_request, response) => response.writeHead(404).end('no')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const env = { AWS_ENDPOINT_URL_DYNAMODB: `http://127.0.0.1:${port}` };
    await expect(startEngine(folder(), env, () => undefined)).rejects.toThrow('no DynamoDB answers');
  });
});
