/** rebuild: a read model's rows from the events, byte-equal, without a hole, while writes go on. */

import { beforeAll, describe, expect, test } from 'vitest';
import { commitsOf } from '../../core/done.ts';
import { canonicalJson } from '../../core/json.ts';
import { viewKey } from '../../core/keys.ts';
import type { RowChange, View } from '../../core/views.ts';
import { rebuildView } from '../../ops/rebuild.ts';
import type { Walk } from '../../ops/walk.ts';
import { type Row, readTables, writingNothing } from '../api/tables.ts';
import { ada, ben, demo } from '../people.ts';
import { useWorld } from '../world.ts';
import { damage, type Edit, walkOf } from './damage.ts';
import { startLoad } from './load.ts';
import { ops, opsJson } from './ops.ts';

const world = useWorld();
const hurried = (): Walk => walkOf(world(), { hurry: true });
/** Those of matches, and those that no view has. */
const rows = async (): Promise<Row[]> =>
  (await readTables(world())).views.filter(({ sk }) => /^(match|mood)#/.test(sk));
const remove = async (gone: Row[]): Promise<void> =>
  damage(
    world(),
    gone.map((row): Edit => ({ table: 'views', gone: row })),
  );
const texts = (all: Row[]): string[] => all.map(canonicalJson).sort();

beforeAll(async () => {
  await world().matched('ada', 'ben');
  await world().matched('ada', 'cleo');
  await world().matched('ada', 'ben', 'aurora');
  await world().drain();
});

describe('rebuild match', () => {
  test('leads from nothing to the very same rows', async () => {
    const before = await rows();
    await remove(before);
    expect(await rows()).toEqual([]);
    expect(await rebuildView(hurried(), 'match')).toMatchObject({ streams: 3, put: 6, removed: 0, failed: [] });
    expect(texts(await rows())).toEqual(texts(before));
  });
  test('changes nothing where nothing is wrong', async () => {
    await writingNothing(world(), async () =>
      expect(await rebuildView(hurried(), 'match')).toMatchObject({ put: 0, removed: 0 }),
    );
  });
  test('mends what is wrong, removes what follows from no event, and leaves other views alone', async () => {
    const before = await rows();
    const [first, second] = before;
    if (!first || !second) throw new Error('there are no rows');
    const foreign = { ...first, sk: 'mood#ben' };
    await remove([second]);
    await damage(world(), [
      { table: 'views', row: { ...first, at: '2020-01-01T00:00:00.000Z' } },
      { table: 'views', row: { ...first, sk: 'match#nobody', with: 'nobody' } },
      { table: 'views', row: { ...first, sk: 'match#no body' } },
      { table: 'views', row: foreign },
    ]);
    const dry = await writingNothing(world(), () => rebuildView(hurried(), 'match', { dryRun: true }));
    expect(dry).toMatchObject({ put: 2, removed: 2, failed: [] });
    expect(await rebuildView(hurried(), 'match')).toMatchObject({ put: 2, removed: 2, failed: [] });
    expect(texts(await rows())).toEqual(texts([...before, foreign]));
    await remove([foreign]);
  });
  test('removes no row that a reaction writes meanwhile, and leaves what live writes would have', async () => {
    const load = await startLoad(world());
    const seen = new Set<string>();
    try {
      for (let round = 0; round < 4; round++) {
        const before = await rows();
        for (const { pk, sk } of before) seen.add(`${pk} ${sk}`);
        if (round % 2) await remove(before.filter((_, i) => i % 2));
        await rebuildView(walkOf(world(), { pages: 5 }), 'match');
        const now = new Set((await rows()).map(({ pk, sk }) => `${pk} ${sk}`));
        expect([...seen].filter((row) => !now.has(row))).toEqual([]);
      }
    } finally {
      await load.end();
    }
    await world().drain();
    const live = await rows();
    await remove(live);
    await rebuildView(hurried(), 'match');
    expect(texts(await rows())).toEqual(texts(live));
    expect(live.length).toBeGreaterThan(20);
  }, 60_000);
  test('says what it did, and which views there are', async () => {
    const [gone] = await rows();
    if (gone) await remove([gone]);
    expect(await opsJson(world(), 'rebuild', 'match', '--dry-run')).toMatchObject({
      status: 0,
      json: { view: 'match', dryRun: true, put: 1, removed: 0 },
    });
    expect((await ops(world(), 'rebuild', 'match')).out).toContain('match');
    expect((await opsJson(world(), 'rebuild', 'match')).json).toMatchObject({ put: 0, removed: 0 });
    expect(await ops(world(), 'rebuild', 'moods')).toMatchObject({ status: 2, err: expect.stringContaining('match') });
    expect((await ops(world(), 'rebuild')).status).toBe(2);
  });
});

/** A view whose rows come and go: what somebody last felt, gone with a match. */
const moods: View = {
  name: 'mood',
  kind: 'pair',
  changes: ({ tenant, id }, { events }) =>
    events.flatMap((event): RowChange[] => {
      // Other pairs of this system match too.
      if (id !== 'usr_ada+usr_ben') return [];
      const { type, by, at } = event as { type: string; by?: string; at?: string };
      const of = (who: typeof ada, other: typeof ada) => viewKey(tenant, who, 'mood', other);
      if (type === 'Matched') return [of(ada, ben), of(ben, ada)].map((key) => ({ key, row: undefined }));
      const key = by === 'usr_ada' ? of(ada, ben) : of(ben, ada);
      return [{ key, row: { ...key, type, at } }];
    }),
  causeOf: ({ sk }) => (sk.startsWith('mood#usr_') ? { tenant: demo, kind: 'pair', id: 'usr_ada+usr_ben' } : undefined),
};

describe('a view whose rows come and go', () => {
  const feel = async (who: string, about: string, type: 'like' | 'pass'): Promise<void> => {
    const person = await world().person(who);
    expect((await person.call('PUT', `/v1/reactions/${about}`, { type })).status).toBe(200);
  };
  const found = async (): Promise<string[]> =>
    (await rows()).filter(({ sk }) => sk.startsWith('mood#')).map(({ pk, type }) => `${pk} ${type}`);

  test('has the newest of each row, and none that was removed', async () => {
    await feel('usr_ada', 'usr_ben', 'pass');
    await feel('usr_ada', 'usr_ben', 'like');
    await feel('usr_ben', 'usr_ada', 'pass');
    await rebuildView(hurried(), moods);
    expect(await found()).toEqual(['demo#person#usr_ada Liked', 'demo#person#usr_ben Passed']);
    await feel('usr_ben', 'usr_ada', 'like');
    await rebuildView(hurried(), moods);
    expect(await found()).toEqual([]);
  });
  test('keeps what a reaction wrote of an event that came while it was rebuilt', async () => {
    const [cleo, dan] = ['usr_cleo', 'usr_dan'];
    await feel(cleo, dan, 'pass');
    const view: View = {
      ...moods,
      changes: ({ tenant, id }, { events }) => {
        if (id !== 'usr_cleo+usr_dan') return [];
        const key = viewKey(tenant, ada, 'mood', ben);
        return events.map((event) => ({ key, row: { ...key, type: event.type } }));
      },
      causeOf: () => ({ tenant: demo, kind: 'pair', id: 'usr_cleo+usr_dan' }),
    };
    const { deps, ...walk } = hurried();
    let late = true;
    // A like comes, and its reaction writes the row, right before the rebuild writes what it had read.
    const put: typeof deps.ddb.put = async (input) => {
      if (late) {
        late = false;
        await feel(cleo, dan, 'like');
        const stream = { tenant: demo, kind: 'pair', id: 'usr_cleo+usr_dan' } as const;
        for await (const commit of commitsOf(deps, stream))
          for (const { row } of view.changes(stream, commit))
            await damage(world(), [{ table: 'views', row: row as Row }]);
      }
      return deps.ddb.put(input);
    };
    await rebuildView({ ...walk, deps: { ...deps, ddb: { ...deps.ddb, put } } }, view);
    expect(late).toBe(false);
    expect(await found()).toEqual(['demo#person#usr_ada Liked']);
  });
});
