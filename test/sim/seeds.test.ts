/** The system under faults, many times: `npm run sim -- --seeds 5000` for more. */
import { expect, test } from 'vitest';
import { sim } from './cli.ts';

test('100 seeds end with everyone having everything, once and in order', async () => {
  const { status, output, last } = await sim('--seeds', '100', '--no-plants', '--workers', '1');
  expect(last, output).toMatch(/^sim: seeds=100 ops=\d{6,} faults=\d{4,} planted=0\/0 violations=0 worst=\d+$/);
  expect(status).toBe(0);
}, 400_000);
