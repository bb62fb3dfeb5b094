/** How long a start takes, from `npm start` to the first answered request. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, root, startChorus } from './process.ts';
import { percentile } from './stats.ts';

const npmStart = ['npm', 'start', '--silent', '--'] as const;
const cache = join(root, 'node_modules/.cache/chorus');

const startOnce = async (command?: readonly [string, ...string[]]): Promise<number> => {
  const data = mkdtempSync(join(tmpdir(), 'chorus-start-'));
  const chorus = startChorus({ data, port: await freePort(), ...(command && { command }) });
  try {
    return await chorus.answered();
  } finally {
    await chorus.stop();
    rmSync(data, { recursive: true, force: true });
  }
};

const median = async (times: number, command?: readonly [string, ...string[]]): Promise<number> => {
  const all: number[] = [];
  for (let time = 0; time < times; time++) all.push(await startOnce(command));
  return percentile(all, 50);
};

/** In milliseconds. The first start after an install finds neither a template nor compiled code. */
export const starts = async (): Promise<{ first: number; cached: number; cachedWithoutNpm: number }> => {
  rmSync(cache, { recursive: true, force: true });
  const first = await startOnce(npmStart);
  // Once more unmeasured: compiled code is written when a process ends.
  await startOnce(npmStart);
  return { first, cached: await median(3, npmStart), cachedWithoutNpm: await median(3) };
};
