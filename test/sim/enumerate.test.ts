/** A crash between any two awaits: every call of a fixed script fails, before and after, and kills its process. */
import { expect, test } from 'vitest';
import { sim } from './cli.ts';

// Of all places every fifth; `npm run sim -- --enumerate` goes to all.
test('the fixed script survives every fault at a fifth of its calls', async () => {
  const { status, output, last } = await sim('--enumerate', '--workers', '1', '--part', '5');
  const [, runs = '', faults = ''] = /^sim: enumerated=(\d+) ops=\d+ faults=(\d+) violations=0 worst=/.exec(last) ?? [];
  expect(Number(runs), output).toBeGreaterThan(300);
  expect(Number(faults), 'each run met its fault, but the one without').toBe(Number(runs) - 1);
  expect(status).toBe(0);
}, 400_000);
