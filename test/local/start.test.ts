import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { close, listen } from '../../local/listen.ts';
import { folder } from './stage.ts';

const run = promisify(execFile);
const WAIT = { timeout: 20_000 };

type Started = { process: ChildProcess; out(): string; errors(): string; code: Promise<number | null> };

/** `npm start` with these flags. */
const start = (...flags: string[]): Started => {
  const child = spawn(process.execPath, ['local/main.ts', ...flags], { detached: true });
  const heard = { out: '', errors: '' };
  child.stdout.on('data', (chunk) => {
    heard.out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    heard.errors += chunk;
  });
  const code = once(child, 'exit').then(([exit]) => exit as number | null);
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await code;
  });
  return { process: child, out: () => heard.out, errors: () => heard.errors, code };
};

const running = async (data: string): Promise<Started & { http: string }> => {
  const started = start('--port', '0', '--data', data);
  await expect.poll(() => started.out() + started.errors(), WAIT).toContain('How each event travels');
  return { ...started, http: /HTTP (\S+)/.exec(started.out())?.[1] ?? '' };
};

const between = (text: string, from: string, to: string): string => text.slice(text.indexOf(from), text.indexOf(to));

/** The socket that a printed line for another terminal opens. */
const openPrinted = async (line: string): Promise<string[]> => {
  const url = line.replace('npx --yes wscat -c', 'echo');
  const { stdout } = await run('sh', ['-c', url]);
  const socket = new WebSocket(stdout.trim());
  onTestFinished(() => socket.terminate());
  const heard: string[] = [];
  socket.on('message', (data) => heard.push(String(data)));
  await once(socket, 'open');
  return heard;
};

describe('npm start', () => {
  test('prints a walk-through that works when pasted, and shows how events travel', { timeout: 60_000 }, async () => {
    const system = await running(folder());
    const pasted = between(system.out(), 'CHORUS=', 'Two open devices');
    const { stdout } = await run('sh', ['-c', pasted]);
    expect(stdout).toContain('{"deviceId":"ben-phone","push":true}');
    expect(stdout).toMatch(/"version":2,"number":1,"by":"ada","text":"Hello Ben"/);
    const pushes = async () =>
      ((await (await fetch(`${system.http}/dev/pushes`)).json()) as { pushes: object[] }).pushes;
    await expect
      .poll(pushes, WAIT)
      .toContainEqual(expect.objectContaining({ platform: 'ios', locArgs: ['ada', 'Hello Ben'] }));

    const lines = system
      .out()
      .split('\n')
      .filter((line) => line.includes('npx --yes wscat'));
    const [ada, ben] = await Promise.all(lines.map(openPrinted));
    await run('sh', ['-c', pasted.replace('hello-', 'again-')]);
    for (const heard of [ada, ben])
      await expect
        .poll(() => heard?.join(), WAIT)
        .toMatch(/"type":"events","stream":"conversation\/cnv_.+"v":3,.*"type":"Sent"/);
    expect(system.out()).toMatch(/committed +conversation\/cnv_\S+ v2 by ada/);
    expect(system.out()).toMatch(/push decided +conversation\/cnv_\S+ v2 for ben\/ben-phone +push → sent to apns/);
    expect(system.out()).toMatch(/frame → ben-laptop/);

    // As a terminal and npm do it: to the whole process group, and once more to the process.
    process.kill(-(system.process.pid ?? 0), 'SIGINT');
    system.process.kill('SIGINT');
    expect([await system.code, system.errors()]).toEqual([0, '']);
  });

  test('says in one sentence that the port is taken or the data folder is in use', { timeout: 60_000 }, async () => {
    const data = folder();
    const server = createServer();
    const port = await listen(server);
    onTestFinished(() => close(server));
    const taken = start('--port', String(port), '--data', folder());
    await running(data);
    const locked = start('--port', '0', '--data', data);
    expect([await taken.code, await locked.code]).toEqual([1, 1]);
    expect(taken.errors()).toBe(`port ${port} is taken by another program; choose another one with --port\n`);
    expect(locked.errors()).toMatch(/^[^\n]*--data[^\n]*\n$/);
  });

  test.each([
    [['--prot', '1'], 'prot is not a flag of npm start; there are --port, --data, --roomy and --help'],
    [['extra'], 'extra is not a flag of npm start; there are --port, --data, --roomy and --help'],
    [['--port', 'x'], '--port must be a number from 0 to 65535'],
    [['--port', '65536'], '--port must be a number from 0 to 65535'],
    [['--port'], '--port must be a number from 0 to 65535'],
    [['--data', ''], '--data must name a folder'],
    [['--help=1'], '--help takes no value'],
  ])('refuses %j in one sentence', async (flags, sentence) => {
    const refused = start(...flags);
    expect([await refused.code, refused.errors(), refused.out()]).toEqual([1, `${sentence}\n`, '']);
  });

  test('tells its flags', async () => {
    const help = start('--help');
    expect(await help.code).toBe(0);
    for (const flag of ['--port', '--data', '--help']) expect(help.out()).toContain(flag);
  });
});
