/** The whole system in this process: its start, its stop, and the sentences when it cannot start. */
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { boot } from '../../local/system.ts';

const takePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const address = server.address();
  return typeof address === 'object' && address ? address.port : 0;
};

describe('the system', () => {
  const data = mkdtempSync(join(tmpdir(), 'chorus-'));
  afterAll(() => rmSync(data, { recursive: true, force: true }));

  test('does not start on a port that is taken, and leaves nothing behind', async () => {
    const port = await takePort();
    await expect(boot({ data, port, quiet: true })).rejects.toThrow(String(port));
  });

  test('starts, says where everything is, is drained, and stops within a second', async () => {
    const system = await boot({ data, quiet: true, env: { STAGE: 'other' } });
    await expect(boot({ data, quiet: true })).rejects.toThrow(`is in use by process ${process.pid}`);

    expect((await fetch(`${system.http}/v1/nothing`)).status).toBe(404);
    expect(system.env).toMatchObject({ EVENTS_TABLE: 'Events', STAGE: 'other' });
    expect(process.env).toMatchObject(system.env);
    expect(JSON.parse(readFileSync(join(data, 'system.json'), 'utf8')).env).toEqual(system.env);
    await system.drain();
    expect(system.units()).toEqual({ read: 0, write: 0 });

    const before = performance.now();
    await Promise.all([system.stop(), system.stop()]);
    expect(performance.now() - before).toBeLessThan(1000);
    await expect(fetch(system.http)).rejects.toThrow();
    expect(existsSync(join(data, 'system.json'))).toBe(false);
  });

  test('is not started a second time in one process, whose functions keep their environment', async () => {
    await expect(boot({ data, quiet: true })).rejects.toThrow('start a second process');
  });
});
