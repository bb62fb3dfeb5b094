/** Waiting for the end of everything, without waiting for time. */
import { describe, expect, test } from 'vitest';
import { createActivity } from '../../local/activity.ts';
import { createDrain } from '../../local/drain.ts';
import { folder } from './stage.ts';
import { nameOf, openWorld } from './world.ts';

const quiet = { isQuiet: () => true, look: () => undefined, busy: () => [] };

describe('drain', () => {
  test('waits for what an invocation causes, and for what that causes', async () => {
    const world = await openWorld(folder(), async (records) => {
      for (const name of records.map(nameOf)) {
        const next = Number(name) + 1;
        if (next <= 10) await world.put(`${next}`);
      }
    });
    await world.put('1');
    await world.drain();
    expect(world.calls.flat()).toEqual(['1', '2', '3', '4', '5', '6', '7', '8', '9', '10']);
  });

  test('returns at once when there is nothing, however often it is asked', async () => {
    const world = await openWorld(folder(), () => undefined);
    await world.drain();
    await Promise.all([world.drain(), world.drain()]);
    expect(world.calls).toEqual([]);
  });

  test('waits for retries and for what is given up', async () => {
    const world = await openWorld(folder(), () => {
      throw new Error('always');
    });
    await world.put('a');
    await world.drain();
    expect(world.calls).toHaveLength(6);
    expect(world.parked).toHaveLength(1);
  });

  test('says after its time what is still busy', async () => {
    const activity = createActivity();
    const drain = createDrain({ activity, streams: quiet, consumers: quiet, outside: { idle: () => true } }, 20);
    activity.begin();
    await expect(drain()).rejects.toThrow('not drained after 0.02 s, busy: 1 invocations');
    activity.end();
    await drain();
  });
});
