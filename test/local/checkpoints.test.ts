/** What survives a stop and a crash: positions of consumers, times of schedules. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openCheckpoints } from '../../local/triggers/checkpoints.ts';
import { startSchedules } from '../../local/triggers/schedules.ts';
import { folder } from './stage.ts';

describe('checkpoints', () => {
  test('are there again after a flush', async () => {
    const file = join(folder(), 'checkpoints.json');
    const first = openCheckpoints(file);
    first.set('a', '1');
    first.set('a', '2');
    await first.flush();
    expect(openCheckpoints(file).get('a')).toBe('2');
  });

  test('are written soon without being told to', async () => {
    const file = join(folder(), 'checkpoints.json');
    openCheckpoints(file).set('a', '1');
    await expect.poll(() => existsSync(file) && readFileSync(file, 'utf8'), { interval: 10 }).toContain('"a": "1"');
  });

  test('are never half a file: the old one stands until the new one is complete', async () => {
    const file = join(folder(), 'checkpoints.json');
    const first = openCheckpoints(file);
    first.set('a', '1');
    await first.flush();
    // What a crash in the middle of the next write leaves behind.
    writeFileSync(`${file}.next`, '{"a": "');
    expect(openCheckpoints(file).get('a')).toBe('1');
  });

  test('that somebody damaged are refused with what to do', () => {
    const file = join(folder(), 'checkpoints.json');
    writeFileSync(file, '{');
    expect(() => openCheckpoints(file)).toThrow(`${file} is not JSON: delete it`);
  });
});

describe('a schedule', () => {
  const schedules = [{ id: 'Clock', functionId: 'F', everySeconds: 300 }];
  const run = (lastRun?: Date) => {
    const checkpoints = openCheckpoints(join(folder(), 'checkpoints.json'));
    if (lastRun) checkpoints.set('schedule Clock', lastRun.toISOString());
    const events: unknown[] = [];
    const invoke = async (_id: string, event: object): Promise<unknown> => events.push(event);
    onTestFinished(startSchedules({ model: { schedules }, checkpoints, invoke, onFailure: () => undefined }));
    return { events, checkpoints };
  };

  test('that was due while nothing ran is run at the start, once', async () => {
    const { events, checkpoints } = run(new Date(Date.now() - 3_000_000));
    await expect.poll(() => events).toMatchObject([{ 'detail-type': 'Scheduled Event', source: 'aws.scheduler' }]);
    expect(Date.parse(checkpoints.get('schedule Clock') ?? '')).toBeGreaterThan(Date.now() - 10_000);
  });

  test('begins to count at the first start', () => {
    const { events, checkpoints } = run();
    expect(events).toEqual([]);
    expect(Date.parse(checkpoints.get('schedule Clock') ?? '')).toBeGreaterThan(Date.now() - 10_000);
  });
});
