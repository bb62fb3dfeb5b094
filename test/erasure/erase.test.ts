/** Erasure on tables in memory: what goes, what stays, and that it ends the same wherever it was cut off. */
import { describe, expect, test } from 'vitest';
import type { Deps } from '../../core/deps.ts';
import { parseStreamKey } from '../../core/keys.ts';
import { readings } from '../../functions/aggregates.ts';
import { erase, eraseSome } from '../../functions/erasure/erase.ts';
import { openErasure, REST_SECONDS, readErasure } from '../../functions/erasure/open.ts';
import { ada, ben, demo } from '../people.ts';
import { beginErasure, canaryOf, conversationWith, createStage, type Stage, sameEnd } from './stage.ts';

const commitsOf = ({ items }: Stage, pk: string) =>
  items('events').filter((item) => item.pk === pk && String(item.sk).startsWith('v#'));
const conversationPk = `demo#conversation#${conversationWith(ben).id}`;

const run = async (stage: Stage): Promise<void> => {
  await beginErasure(stage.deps, stage.me);
  await stage.work();
};

describe('erasure', () => {
  test('finds what it is to remove, and leaves none of it', async () => {
    const stage = await createStage();
    const before = stage.everything();
    for (const field of [
      `text-${ben}-1`,
      `note-${ben}`,
      `key-${ben}-1`,
      'prefer',
      'name',
      'bio',
      'place',
      'device',
      'export',
    ])
      expect(before, field).toContain(field === 'place' ? '52.52' : canaryOf(field));
    await run(stage);
    const after = stage.everything();
    expect(after.match(/.{0,80}canary.{0,40}/g) ?? []).toEqual([]);
    expect(after).not.toMatch(/52\.52|1990-01-01|21:17|ca4aca4a/);
  });

  test('leaves the words of others, and all versions', async () => {
    const stage = await createStage();
    const before = commitsOf(stage, conversationPk);
    await run(stage);
    const after = commitsOf(stage, conversationPk);
    const theirs = (commits: typeof before) => commits.filter(({ by }) => by === ben);
    expect(theirs(after)).toEqual(theirs(before));
    expect(after.map(({ v }) => v)).toEqual([...before.map(({ v }) => v), before.length + 1, before.length + 2]);
    expect(after.slice(-2).map(({ events, audience }) => [events, audience])).toMatchObject([
      [[{ type: 'Closed', why: 'erased' }], [ada, ben]],
      [[{ type: 'Erased', by: ada }], [ben]],
    ]);
  });

  test('leaves streams that everybody can read, with the states that their events lead to', async () => {
    const stage = await createStage();
    await run(stage);
    for (const [pk, commits] of Map.groupBy(
      stage.items('events').filter(({ sk }) => String(sk).startsWith('v#')),
      ({ pk }) => String(pk),
    )) {
      const reading = readings[parseStreamKey(pk).kind];
      let state = reading.initial;
      for (const commit of [...commits].sort((a, b) => Number(a.v) - Number(b.v))) {
        state = reading.evolve(state, commit.events as object[]);
        expect(commit.state, `${pk} v${commit.v}`).toEqual(JSON.parse(JSON.stringify(state)));
      }
    }
  });

  test('leaves no rows of theirs, and no owner of their address', async () => {
    const stage = await createStage();
    await run(stage);
    for (const table of ['inbox', 'views', 'devices', 'trail']) expect(stage.rowsOf(table), table).toEqual([]);
    expect(stage.items('devices')).toEqual([]);
    expect(
      stage
        .items('views')
        .filter(({ pk }) => String(pk).includes(`#${ada}`))
        .map(({ pk }) => pk),
    ).toEqual([`demo#standing#${ada}`]);
  });

  test('rests, walks once more for what landed since, and is done', async () => {
    const stage = await createStage(3);
    await run(stage);
    expect(await readErasure(stage.deps, stage.me)).toMatchObject({ state: 'resting' });
    await stage.deps.ddb.put({ TableName: 'memory-inbox', Item: { pk: `demo#person#${ada}`, sk: 'late' } });
    expect(await eraseSome(stage.deps, stage.me)).toBe('nothing');
    stage.clock.ms += REST_SECONDS * 1000;
    await erase(stage.deps, stage.me);
    expect(stage.rowsOf('inbox')).toEqual([]);
    expect(await readErasure(stage.deps, stage.me)).toMatchObject({ state: 'done' });
  });

  test('begins anew when it is told to, as after a restore', async () => {
    const stage = await createStage(3);
    await run(stage);
    await openErasure(stage.deps, stage.me, { again: true });
    expect(await readErasure(stage.deps, stage.me)).toMatchObject({ state: 'open' });
    await erase(stage.deps, stage.me);
    expect(await readErasure(stage.deps, stage.me)).toMatchObject({ state: 'resting' });
  });

  test('is parked with ids alone when it can not go on, and tried again', async () => {
    const stage = await createStage(3);
    await beginErasure(stage.deps, stage.me);
    const [broken] = commitsOf(stage, conversationPk);
    const key = { pk: String(broken?.pk), sk: String(broken?.sk) };
    stage.little.dynamo.force('memory-events', key, {
      ...broken,
      events: [{ type: 'Shouted', by: ada, text: 'canary' }],
    });
    await erase(stage.deps, stage.me);
    const parked = [...stage.parked].filter(([at]) => at.startsWith('parked/'));
    expect(parked.map(([at]) => at)).toEqual([`parked/erasure/erase/demo%7C${ada}.json`]);
    expect(parked[0]?.[1]).not.toContain('canary');
    stage.little.dynamo.force('memory-events', key, broken);
    await erase(stage.deps, stage.me);
    expect([...stage.parked.keys()]).toEqual(['aws/lambda/batch']);
  });
});

const began = async (deps: Deps, stage: Stage): Promise<void> => {
  await beginErasure(deps, stage.me);
  await erase(deps, { tenant: demo, user: ada });
};

describe('a process that dies', async () => {
  const clean = await createStage(7);
  await run(clean);
  const end = sameEnd(clean);
  const counted = await createStage(7);
  const { deps, made } = counted.mortal(Number.MAX_SAFE_INTEGER, 'before');
  await began(deps, counted);
  const calls = made();

  test.each(['before', 'after'] as const)(
    '%s any of its calls leaves nothing that the next does not finish',
    async (when) => {
      expect(calls).toBeGreaterThan(60);
      for (let call = 1; call <= calls; call++) {
        const stage = await createStage(7);
        // Whatever a dead process believes, nobody hears it.
        await began(stage.mortal(call, when).deps, stage).catch(() => undefined);
        // Who got no answer asks again; who did is found by a schedule, or by what follows from the event.
        await run(stage);
        expect(stage.everything().includes('canary'), `dies ${when} call ${call}`).toBe(false);
        const lines = sameEnd(stage);
        const odd = [...lines.filter((line) => !end.includes(line)), ...end.filter((line) => !lines.includes(line))];
        expect(odd, `dies ${when} call ${call}`).toEqual([]);
      }
    },
    300_000,
  );
});
