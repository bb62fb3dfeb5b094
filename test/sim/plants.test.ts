/** Bugs planted into the sources as they are loaded: a simulation that does not see them proves nothing. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { sim } from './cli.ts';
import { applyTo } from './load.ts';
import { plants } from './plants.ts';
import { readSeen } from './seen.ts';

/** As seeds.test.ts and restore.test.ts run them. */
const [SEEDS, RESTORES] = [150, 40];
const root = join(import.meta.dirname, '../..');

test('every planted bug is seen within 300 seeds', async () => {
  const { status, output, last } = await sim('--plant', '', '--workers', '1');
  expect(last, output).toContain(`planted=${plants.length}/${plants.length}`);
  expect(plants.length).toBeGreaterThanOrEqual(12);
  // Its violations are the plants' own, which are no violations of the product.
  expect(status).toBe(0);
}, 600_000);

test('what the simulation found is seen by a seed that other tests run, and is clean there since', () => {
  const seen = readSeen();
  for (const { name, found, restore } of plants)
    if (found) expect(seen[name], name).toBeLessThanOrEqual(restore ? RESTORES : SEEDS);
});

describe('what is planted', () => {
  test.each(plants.flatMap(({ edits }) => edits))('fits $file, which does not hold it', (edit) => {
    const text = readFileSync(join(root, edit.file), 'utf8');
    expect(applyTo(text, edit)).not.toBe(text);
  });
});
