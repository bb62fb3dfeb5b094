/**
 * The embedded engine as a child process: started on a port of its own, started again there when it dies (it keeps its
 * promises through that), and dead when this process is, even when that was killed.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { StartError } from '../errors.ts';

export type EngineProcess = { endpoint: string; pid: () => number | undefined; stop: () => Promise<void> };

const readyMilliseconds = 5_000;
const pollMilliseconds = 3;
const firstStarts = 3;
/** Without a stable while in between, so many restarts mean that it cannot run at all. */
const maxRestarts = 20;
const stableMilliseconds = 10_000;
const maxBackoffMilliseconds = 1_000;

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const asked = get({ port, host: '127.0.0.1', path: '/', timeout: 500 }, (response) => {
      response.resume().once('end', () => resolve(response.statusCode === 200));
    });
    asked.once('error', () => resolve(false)).once('timeout', () => asked.destroy());
  });

const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null;

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

/** Its command line, to be sure that a number from an old file still means our engine. */
const commandOf = (pid: number): string => {
  try {
    return execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' });
  } catch {
    return '';
  }
};

/** An engine that outlived its killed parent would write into the file together with ours. */
const endOrphan = async (pidFile: string, file: string): Promise<void> => {
  let pid = 0;
  try {
    pid = Number(readFileSync(pidFile, 'utf8'));
  } catch {
    return;
  }
  if (!(pid > 1) || !isAlive(pid) || !commandOf(pid).includes(file)) return;
  process.kill(pid, 'SIGKILL');
  // Not "is alive": one that nobody collects keeps its number for ever.
  for (let waited = 0; commandOf(pid).includes(file); waited += pollMilliseconds) {
    if (waited > readyMilliseconds) throw new StartError(`an old engine, process ${pid}, does not end: kill it`);
    await sleep(pollMilliseconds);
  }
};

/**
 * A shell forks the engine's guard and then becomes the engine, so that there is none without a guard. The guard kills it
 * when our end of a pipe closes, whatever ended us; a line there says that the engine ended, and its number is free.
 * Both stand in a session of their own, so that Ctrl-C reaches only us, and we stop them when we are done with them.
 */
const GUARDED = '{ read -r _ || kill -9 $$; } <&3 >/dev/null 2>&1 & exec "$@" 3<&-';

const spawnGuarded = (program: string, args: string[]): ChildProcess => {
  if (process.platform === 'win32')
    return spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'], detached: true, windowsHide: true });
  // Not through stdin, which Node closes before it says that a child ended.
  const child = spawn('/bin/sh', ['-c', GUARDED, 'engine', program, ...args], {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const pipe = child.stdio[3];
  if (pipe instanceof Writable) {
    // Its guard may be gone first.
    pipe.on('error', () => undefined);
    child.once('exit', () => pipe.end('\n'));
  }
  return child;
};

type Options = { program: string; file: string; pidFile: string; onNote: (sentence: string) => void };

/** Starts the program once; resolves when it answers. @throws Error with its last words when it ends before that */
const launch = async ({ program, file, pidFile }: Options, port: number): Promise<ChildProcess> => {
  const args = ['serve', '--host', '127.0.0.1', '--port', String(port), '--db-path', file];
  const child = spawnGuarded(program, args);
  let words = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    words = (words + chunk.toString()).slice(-1000);
  });
  child.once('error', (error) => {
    words += error.message;
  });
  if (child.pid !== undefined) writeFileSync(pidFile, `${child.pid}\n`);
  const deadline = Date.now() + readyMilliseconds;
  for (;;) {
    const ready = await answers(port);
    if (child.pid === undefined || hasEnded(child) || Date.now() > deadline) break;
    if (ready) return child;
    await sleep(pollMilliseconds);
  }
  child.kill('SIGKILL');
  throw new Error(words.trim().split('\n').at(-1) || 'it does not answer');
};

/** Takes another port when somebody was faster. */
const launchFirst = async (options: Options): Promise<{ child: ChildProcess; port: number }> => {
  for (let attempt = 1; ; attempt++) {
    const port = await freePort();
    try {
      return { child: await launch(options, port), port };
    } catch (error) {
      if (attempt === firstStarts)
        throw new StartError(`the database engine does not start: ${error instanceof Error ? error.message : error}`);
    }
  }
};

/**
 * @param data folder for the engine's file, held by the caller's lock
 * @param onNote told in a sentence when the engine died
 * @throws StartError when it does not start
 */
export const startEngineProcess = async (
  program: string,
  data: string,
  onNote: (sentence: string) => void,
): Promise<EngineProcess> => {
  const options = { program, file: join(data, 'dynamo.db'), pidFile: join(data, 'engine.pid'), onNote };
  await endOrphan(options.pidFile, options.file);
  const first = await launchFirst(options);
  let { child } = first;
  let stopping = false;

  const supervise = async (): Promise<void> => {
    for (let restarts = 0; restarts < maxRestarts; restarts++) {
      const since = Date.now();
      if (!hasEnded(child)) await new Promise((resolve) => child.once('exit', resolve));
      if (stopping) return;
      if (Date.now() - since > stableMilliseconds) restarts = 0;
      onNote(`the database engine ended (${child.signalCode ?? child.exitCode}) and is started again`);
      if (restarts > 0) await sleep(Math.min(maxBackoffMilliseconds, 10 * 2 ** restarts));
      child = await launch(options, first.port).catch(() => child);
      if (stopping) child.kill('SIGTERM');
    }
    onNote(
      `the database engine ended ${maxRestarts} times in a row and is left alone: stop Chorus and look at its file`,
    );
  };
  const supervised = supervise();

  return {
    endpoint: `http://127.0.0.1:${first.port}`,
    pid: () => child.pid,
    stop: async () => {
      stopping = true;
      child.kill('SIGTERM');
      const force = setTimeout(() => child.kill('SIGKILL'), 1_000);
      await supervised;
      clearTimeout(force);
    },
  };
};
