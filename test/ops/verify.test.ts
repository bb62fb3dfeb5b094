/** verify: names every damage, and raises no false alarm while the system is busy. */
import { beforeAll, describe, expect, test } from 'vitest';
import { createFindings, type Finding, type Suspicion } from '../../ops/finding.ts';
import { verifyAll } from '../../ops/verify.ts';
import { useWorld } from '../world.ts';
import { damage, undo, walkOf } from './damage.ts';
import { damagesOf, type History, makeHistory, named } from './damages.ts';
import { startLoad } from './load.ts';
import { ops, opsJson } from './ops.ts';

const world = useWorld();
let history: History;
beforeAll(async () => {
  history = await makeHistory(world());
});

describe('what looks wrong', () => {
  const seen = (at: number): Suspicion => ({
    kind: 'pointer behind',
    tenant: 'demo',
    about: 'a pointer',
    detail: '',
    at,
  });
  const foundOf = async (...looks: Suspicion[][]): Promise<Finding[]> => {
    const findings = createFindings({ sleep: async () => undefined });
    let look = 0;
    findings.suspect(looks[0] ?? [], async () => looks[Math.min(++look, looks.length - 1)] ?? []);
    return findings.end();
  };
  test('is a finding when it is the same in every look', async () =>
    expect(await foundOf([seen(1)])).toEqual([
      { kind: 'pointer behind', tenant: 'demo', about: 'a pointer', detail: '' },
    ]));
  test('is none when it is gone in one of them, or has moved', async () => {
    expect(await foundOf([seen(1)], [], [seen(1)])).toEqual([]);
    expect(await foundOf([seen(1)], [seen(2)])).toEqual([]);
    expect(await foundOf([], [seen(1)])).toEqual([]);
  });
});

describe('verify', () => {
  test('finds nothing wrong where nothing is, however the pages are cut', async () => {
    expect(await verifyAll(walkOf(world()))).toEqual([]);
    for (const pages of [1, 2, 5]) expect(await verifyAll(walkOf(world(), { pages }))).toEqual([]);
    expect(await ops(world(), 'verify')).toMatchObject({ status: 0, out: 'Nothing is wrong.\n' });
  });
  test.each(damagesOf(() => history))('names %s', async (_, edits, expected) => {
    await damage(world(), edits());
    await world().drain();
    const findings = await verifyAll(walkOf(world(), { hurry: true }));
    await undo(world(), history.before);
    await world().drain();
    await undo(world(), history.before);
    expect(named(findings)).toEqual([...expected()].sort());
    expect(await verifyAll(walkOf(world(), { hurry: true })), 'and then nothing').toEqual([]);
  });
  test('raises no false alarm while everybody likes, writes and reads', async () => {
    const load = await startLoad(world());
    try {
      const rounds = [];
      for (let i = 0; i < 4; i++) rounds.push(...(await verifyAll(walkOf(world(), i % 2 ? { pages: 7 } : {}))));
      expect(rounds).toEqual([]);
      expect(load.sent(), 'and it was busy').toBeGreaterThan(50);
    } finally {
      await load.end();
    }
    await world().drain();
    expect(await verifyAll(walkOf(world()))).toEqual([]);
  }, 90_000);
  test('tells with its status, and as JSON', async () => {
    const [gone] = history.before.inbox;
    if (!gone) throw new Error('there is no pointer');
    await damage(world(), [{ table: 'inbox', gone }]);
    const { status, json } = await opsJson(world(), 'verify');
    await undo(world(), history.before);
    expect(status).toBe(1);
    expect(json).toEqual({
      parked: expect.any(Number),
      findings: [{ kind: 'missing pointer', tenant: 'demo', about: expect.any(String), detail: expect.any(String) }],
    });
  });
});
