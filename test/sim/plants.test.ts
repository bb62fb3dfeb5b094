/** Bugs planted into the sources as they are loaded: a simulation that does not see them proves nothing. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { sim } from './cli.ts';
import { applyTo } from './load.ts';
import { plants } from './plants.ts';

const root = join(import.meta.dirname, '../..');

test('every planted bug is seen within 300 seeds', async () => {
  const { status, output, last } = await sim('--plant', '', '--workers', '1');
  expect(last, output).toContain(`planted=${plants.length}/${plants.length}`);
  expect(plants.length).toBeGreaterThanOrEqual(12);
  // Its violations are the plants' own, which are no violations of the product.
  expect(status).toBe(0);
}, 600_000);

describe('a bug that the simulation found', () => {
  const found = plants.flatMap(({ name, found: seed, restore }) =>
    seed === undefined ? [] : [{ name, flags: ['--seed', String(seed), ...(restore ? ['--restored'] : [])] }],
  );
  test.each(found)(
    '$name: $flags shows it, and is clean since',
    async ({ name, flags }) => {
      const planted = await sim(...flags, '--whole', '--with', name);
      expect(planted.status, planted.output).toBe(1);
      const mended = await sim(...flags);
      expect(mended.status, mended.output).toBe(0);
    },
    120_000,
  );
});

describe('what is planted', () => {
  test.each(plants.flatMap(({ edits }) => edits))('fits $file, which does not hold it', (edit) => {
    const text = readFileSync(join(root, edit.file), 'utf8');
    expect(applyTo(text, edit)).not.toBe(text);
  });
});
