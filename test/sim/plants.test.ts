/** Bugs planted into the sources as they are loaded: a simulation that does not see them proves nothing. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { sim } from './cli.ts';
import { applyTo } from './load.ts';
import { plants } from './plants.ts';
import { readSeen } from './seen.ts';

/** As seeds.test.ts and restore.test.ts run them. */
const [SEEDS, RESTORES] = [100, 25];
const root = join(import.meta.dirname, '../..');

// `npm run sim` plants all of them; each takes a process of its own.
test('every fourth planted bug is seen within 300 seeds', async () => {
  const { status, output, last } = await sim('--plant', '', '--workers', '1', '--part', '4');
  const some = Math.ceil(plants.length / 4);
  expect(last, output).toContain(`planted=${some}/${some}`);
  expect(some).toBeGreaterThanOrEqual(12);
  // Its violations are the plants' own, which are no violations of the product.
  expect(status).toBe(0);
}, 600_000);

describe('a bug that the simulation found', () => {
  const seen = readSeen();
  const found = plants
    .filter(({ found }) => found)
    .map(({ name, restore }) => ({ name, restore, seed: seen[name] ?? 0 }));
  test.each(found)('$name: a seed is known that shows it', ({ seed }) => expect(seed).toBeGreaterThan(0));
  // What the other tests run is clean.
  const elsewhere = found.filter(({ restore, seed }) => seed > (restore ? RESTORES : SEEDS));
  test.each(elsewhere)(
    '$name: seed $seed is clean since',
    async ({ seed, restore }) => {
      const mended = await sim('--seed', String(seed), ...(restore ? ['--restored'] : []));
      expect(mended.status, mended.output).toBe(0);
    },
    60_000,
  );
});

describe('what is planted', () => {
  test.each(plants.flatMap(({ edits }) => edits))('fits $file, which does not hold it', (edit) => {
    const text = readFileSync(join(root, edit.file), 'utf8');
    expect(applyTo(text, edit)).not.toBe(text);
  });
});
