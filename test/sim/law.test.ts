/**
 * The law of sync, for every type of event: the state at v and the events v + 1 … w give the state at w, on a device that saw
 * all, on one that was away and on one that starts cold; the state that a commit carries equals a fold from the start.
 */

import { rmSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Commit, toWire } from '../../core/commit.ts';
import type { UserId } from '../../core/ids.ts';
import { canonicalJson } from '../../core/json.ts';
import { streamKinds } from '../../core/keys.ts';
import { stateOf } from '../../functions/aggregates.ts';
import { bindTo, roomyTenants } from '../memory.ts';
import { people } from './law/acts.ts';
import { foldingFor, foldings } from './law/folding.ts';
import { Histories, live, type Run, streamOf } from './law/run.ts';
import { history, type Moment } from './law/truth.ts';

const tenants = roomyTenants();
beforeAll(() => bindTo(tenants));
afterAll(() => rmSync(tenants, { recursive: true }));

const RUNS = 100;

/** For every generated history, no sentence says what is wrong with it. */
const holds = (wrongIn: (run: Run, chosen: number) => Promise<string[]> | string[]): Promise<void> =>
  fc.assert(
    fc.asyncProperty(Histories, fc.nat(), async ({ seed, steps }, chosen) => {
      const { run } = await live({ seed, steps: steps.filter(({ step }) => step !== 'check') });
      expect((await wrongIn(run, chosen)).slice(0, 3)).toEqual([]);
    }),
    { numRuns: RUNS },
  );

const pick = <T>(list: readonly T[], chosen: number): T => {
  const found = list[chosen % list.length];
  if (found === undefined) throw new Error('nothing to choose from');
  return found;
};

const differs = (what: string, has: unknown, must: unknown): string[] =>
  canonicalJson(has) === canonicalJson(must)
    ? []
    : [`${what}: ${canonicalJson(has)} instead of ${canonicalJson(must)}`];

test('whoever saw all, was away or starts cold has the same in the end: what a fold from the start gives', () =>
  fc.assert(
    fc.asyncProperty(Histories, async ({ seed, steps }) => {
      const { wrong } = await live({ seed, steps: [...steps, { step: 'check' }] });
      expect(wrong.slice(0, 3)).toEqual([]);
    }),
    { numRuns: 2 * RUNS },
  ));

/** What travels to one of the people is JSON. */
const wired = ({ row }: Moment, viewer: UserId): unknown[] =>
  JSON.parse(JSON.stringify(toWire(Commit.parse(row), viewer)));

test('the state at v and the events up to w are the state at w, in streams that nobody sees too', () =>
  holds(({ dynamo }, chosen) =>
    [...history(dynamo)].flatMap(([name, moments]) => {
      const w = chosen % moments.length;
      const v = (chosen >>> 8) % (w + 1);
      const after = moments.slice(v + 1, w + 1).flatMap((moment) => wired(moment, pick(people, chosen)));
      return differs(`${name} ${v + 1}…${w + 1}`, foldingFor(name).onward(moments[v]?.state, after), moments[w]?.state);
    }),
  ));

test('the state that a commit carries is a fold from the start, with the audience and the count that follow', () =>
  holds(({ dynamo }) =>
    [...history(dynamo)].flatMap(([name, moments]) =>
      moments
        .filter(({ row }) => row.reducer === foldingFor(name).reducer)
        .flatMap(({ row, ...folded }) => differs(`${name} ${row.v}`, { ...folded, ...carried(row) }, folded)),
    ),
  ));

const carried = ({ state, audience, count }: Moment['row']) => ({ state, audience, count });

test('the state of another reducer is folded again, to the same', () =>
  holds(async ({ dynamo, deps }) => {
    const all = [...history(dynamo)].flatMap(([name, moments]) => moments.map((moment) => ({ name, moment })));
    const checked = all.map(async ({ name, moment: { row, state } }) =>
      differs(`${name} ${row.v}`, await stateOf(deps(), streamOf(name), Commit.parse(row)), state),
    );
    return (await Promise.all(checked)).flat();
  }));

test('every kind of stream is lived through, with every type of event that its schema knows', async () => {
  const met = new Set<string>();
  for (const lived of fc.sample(Histories, { numRuns: 2 * RUNS, seed: 1 }))
    for (const [name, moments] of history((await live(lived)).run.dynamo))
      for (const { type } of moments.flatMap(({ row }) => row.events)) met.add(`${name.split('/')[0]} ${type}`);
  const known = streamKinds.flatMap((kind) => foldings[kind]?.types.map((type) => `${kind} ${type}`) ?? [kind]);
  expect(
    known.filter((each) => !met.has(each)),
    'give test/sim/law/acts.ts an act that leads to it',
  ).toEqual([]);
});
