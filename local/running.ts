/** What a running system leaves in its data folder, so that the operators' tools find it: the functions' environment. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { replaceFile } from './files.ts';

/** @returns how to take it back; after a kill it stays, and whoever reads it must see whether somebody answers */
export const announce = (data: string, env: Record<string, string>): (() => void) => {
  const file = join(data, 'system.json');
  replaceFile(file, `${JSON.stringify({ pid: process.pid, env }, null, 1)}\n`);
  return () => rmSync(file, { force: true });
};
