/** Tables that were restored to some moment, each to its own, and a repair: everybody goes on and agrees. */
import { expect, test } from 'vitest';
import { sim } from './cli.ts';

test('after a restore and a repair every device shows what the events say', async () => {
  const { status, output, last } = await sim('--restores', '25');
  expect(last, output).toBe('sim: restores=25 violations=0');
  expect(status).toBe(0);
}, 120_000);
test('without the repair it is seen that they do not', async () => {
  const { status, last } = await sim('--restores', '5', '--with', 'a repair that does nothing');
  expect(last).toMatch(/violations=[1-9]/);
  expect(status).toBe(1);
}, 60_000);
