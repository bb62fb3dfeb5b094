/** A hundred pairs like each other at once, through HTTP; `npm run bench -- matching` does it with a thousand. */
import { expect, test } from 'vitest';
import { breakLoose, gatherStorm, outcomeOf } from '../../bench/storm.ts';
import { readTables } from '../api/tables.ts';
import { type Json, useWorld } from '../world.ts';

const world = useWorld();
const PAIRS = 50;

test('50 pairs come to 50 matches, 50 conversations and 100 notifications decided, each once', async () => {
  const people = await gatherStorm(world(), PAIRS, 'storm');
  await breakLoose(world(), people);
  await world().drain();
  expect(await outcomeOf(world(), people)).toEqual({
    ...{ pairs: PAIRS, matches: PAIRS, conversations: PAIRS },
    ...{ told: 2 * PAIRS, decided: 2 * PAIRS },
  });
  const all = (await readTables(world())).events.flatMap(({ events = [] }) => events.map(({ type }: Json) => type));
  const count = (type: string): number => all.filter((each) => each === type).length;
  expect([count('Matched'), count('Opened'), count('MatchMade')]).toEqual([PAIRS, PAIRS, 2 * PAIRS]);
  // Who made the match by liking back knows it; the other one gets a push.
  expect((await world().pushes()).length).toBe(PAIRS);
}, 120_000);
