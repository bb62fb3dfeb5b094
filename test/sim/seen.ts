/**
 * Which seed saw which planted bug last: tried first, so that a bug that is seen is seen soon. `npm run sim -- --remember` writes them
 * anew, when what people do in the simulation has changed.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const file = join(import.meta.dirname, 'seen.json');

export const readSeen = (): Record<string, number> =>
  z.record(z.string(), z.int()).parse(JSON.parse(readFileSync(file, 'utf8')));

export const writeSeen = (seen: Record<string, number>): void => {
  const sorted = Object.fromEntries(Object.entries(seen).sort(([a], [b]) => (a < b ? -1 : 1)));
  writeFileSync(file, `${JSON.stringify(sorted, undefined, 2)}\n`);
};
