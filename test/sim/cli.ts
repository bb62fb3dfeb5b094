/** The simulation's command line, as `npm run sim` calls it. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';

export type Ran = { status: number | null; output: string; last: string };

export const sim = (...args: string[]): Promise<Ran> =>
  new Promise((resolve, reject) => {
    const flags = ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'main.ts'), ...args];
    // What a test runner adds to the environment is none of the simulation's business.
    const { NODE_OPTIONS: _, ...env } = process.env;
    const child = spawn(process.execPath, flags, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let noted = '';
    child.stdout.on('data', (text) => {
      output += String(text);
    });
    child.stderr.on('data', (text) => {
      noted += String(text);
    });
    child.once('error', reject);
    child.once('close', (status) =>
      resolve({ status, output: noted + output, last: output.trimEnd().split('\n').at(-1) ?? '' }),
    );
  });
