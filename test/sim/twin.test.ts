/** A second tenant with the same ids, and the same seed twice. */
import { describe, expect, test } from 'vitest';
import { sim } from './cli.ts';

describe('a hostile tenant with the same ids', () => {
  test('changes no byte of the other', async () => {
    const { status, output, last } = await sim('--twins', '6');
    expect(last, output).toBe('sim: twins=6 different=0 violations=0');
    expect(status).toBe(0);
  }, 120_000);
  test('is noticed when a key loses its tenant', async () => {
    const { status, last } = await sim('--twins', '3', '--with', 'tenant dropped from a key');
    expect(last).toMatch(/different=3 violations=[1-9]/);
    expect(status).toBe(1);
  }, 120_000);
});

test('the same seed takes the same steps in another process', async () => {
  const [first, second] = [await sim('--seed', '7'), await sim('--seed', '7')];
  expect(first.output).toMatch(/hash [0-9a-f]{16}/);
  expect(second.output).toBe(first.output);
  expect((await sim('--seed', '8')).output).not.toBe(first.output);
}, 120_000);
