/** A secret is kept for five minutes of the clock on the wall, and for longer only while the store does not answer. */
import { expect, test, vi } from 'vitest';
import { ports } from '../../core/deps.ts';
import { readSecret } from '../../core/secrets.ts';

const store = vi.hoisted(() => ({ asked: 0, fails: false }));
vi.mock('@aws-sdk/client-ssm', () => ({
  GetParameterCommand: class {},
  SSMClient: class {
    async send() {
      store.asked += 1;
      if (store.fails) throw new Error('no answer');
      return { Parameter: { Value: `secret ${store.asked}` } };
    }
  },
}));

test('one that was kept while the process was frozen is asked for again', async () => {
  const began = Date.parse('2026-01-01T00:00:00.000Z');
  const now = vi.spyOn(ports, 'now').mockReturnValue(new Date(began));
  expect(await readSecret('/chorus/a')).toBe('secret 1');
  now.mockReturnValue(new Date(began + 299_000));
  expect(await readSecret('/chorus/a')).toBe('secret 1');
  now.mockReturnValue(new Date(began + 301_000));
  expect(await readSecret('/chorus/a')).toBe('secret 2');
  store.fails = true;
  now.mockReturnValue(new Date(began + 900_000));
  expect(await readSecret('/chorus/a')).toBe('secret 2');
});
