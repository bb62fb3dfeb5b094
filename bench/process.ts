/** The system as a process of its own, so that what loads it costs it no time: started, measured, killed from outside. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { call } from './http.ts';
import type { Origins } from './people.ts';

export const root = join(import.meta.dirname, '..');
const startMilliseconds = 30_000;
const pollMilliseconds = 5;
const bytesPerKilobyte = 1024;
const WORDS = 500;
const MOMENT_MILLISECONDS = 50;

/** A port that was free a moment ago. */
export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });

export type Options = {
  data: string;
  port: number;
  /** What to run, before its flags. */
  command?: readonly [program: string, ...args: string[]];
  /** A file that its output is added to; if left out, only the last words of its errors are kept. */
  output?: string;
};

export type Chorus = Origins & {
  pid: number;
  hasEnded: () => boolean;
  /** Runs what needs it alive. @throws Error with its last words when it ended by itself meanwhile */
  during: <T>(work: () => Promise<T>) => Promise<T>;
  /** Resolves with the milliseconds from its start to the first answered request. @throws Error when it ends before */
  answered: () => Promise<number>;
  /** Stops it in order. */
  stop: () => Promise<void>;
  /** Kills it and every process of its group, at once. */
  kill: () => Promise<void>;
};

type Asked = { http: string; started: number; hasEnded: () => boolean; lastWords: () => string };

const untilAnswered = async ({ http, started, hasEnded, lastWords }: Asked): Promise<number> => {
  while (performance.now() - started < startMilliseconds) {
    const status = await call(http, 'GET', '/v1/matches').then(
      (answer) => answer.status,
      () => undefined,
    );
    if (status !== undefined) return performance.now() - started;
    if (hasEnded()) throw new Error(`the process ended before it answered; its last words: ${lastWords()}`);
    await sleep(pollMilliseconds);
  }
  throw new Error(`no answer after ${startMilliseconds} ms`);
};

const open = (
  command: readonly string[],
  output: string | undefined,
): { child: ChildProcess; lastWords: () => string } => {
  const [program = '', ...args] = command;
  const options = { cwd: root, detached: true };
  if (output !== undefined) {
    const file = openSync(output, 'a');
    const child = spawn(program, args, { ...options, stdio: ['ignore', file, file] });
    closeSync(file);
    return { child, lastWords: () => readFileSync(output, 'utf8').slice(-WORDS) };
  }
  const child = spawn(program, args, { ...options, stdio: ['ignore', 'ignore', 'pipe'] });
  let words = '';
  child.stderr.on('data', (chunk: Buffer) => {
    words = (words + chunk.toString()).slice(-WORDS);
  });
  return { child, lastWords: () => words };
};

/** Starts it in a process group of its own; it does not outlive this process. */
export const startChorus = ({ data, port, command, output }: Options): Chorus => {
  const started = performance.now();
  const flags = ['--port', String(port), '--data', data];
  const { child, lastWords } = open([...(command ?? [process.execPath, 'local/main.ts', '--roomy']), ...flags], output);
  const pid = child.pid ?? 0;
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null;
  const end = (signal: NodeJS.Signals): Promise<void> => {
    if (!hasEnded()) process.kill(-pid, signal);
    return exited;
  };
  const onExit = (): void => void (hasEnded() || process.kill(-pid, 'SIGKILL'));
  process.once('exit', onExit);
  child.once('exit', () => process.off('exit', onExit));
  const origin = `127.0.0.1:${port}`;
  const http = `http://${origin}`;
  return {
    ...{ http, ws: `ws://${origin}`, pid, hasEnded },
    during: (work) =>
      work().catch(async (error: unknown) => {
        // An end is told a moment later than the connections that it broke.
        await sleep(MOMENT_MILLISECONDS);
        if (!hasEnded()) throw error;
        throw new Error(`the system ended by itself (${child.signalCode ?? child.exitCode}): ${lastWords()}`);
      }),
    answered: () => untilAnswered({ http, started, hasEnded, lastWords }),
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
  };
};

const ps = (field: string, pid: number): string => {
  try {
    return execFileSync('ps', ['-o', `${field}=`, '-p', String(pid)], { encoding: 'utf8' }).trim();
  } catch {
    return '';
  }
};

/** Its command line; empty when there is no such process (any more). */
export const commandOf = (pid: number): string => (ps('stat', pid).startsWith('Z') ? '' : ps('command', pid));

/** Resident bytes. */
export const residentBytes = (pid: number): number => Number(ps('rss', pid)) * bytesPerKilobyte;

export const enginePid = (data: string): number => Number(readFileSync(join(data, 'engine.pid'), 'utf8'));

/** Where the engine of a running system listens. @throws Error when it does not run */
export const engineEndpoint = (data: string): string => {
  const port = /--port (\d+)/.exec(commandOf(enginePid(data)))?.[1];
  if (!port) throw new Error(`no engine runs for ${data}`);
  return `http://127.0.0.1:${port}`;
};
