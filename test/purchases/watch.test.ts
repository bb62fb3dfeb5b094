/** What the watcher of the audit's stream makes of each change. */
import { describe, expect, test } from 'vitest';
import { chainKey, payloadKey } from '../../core/keys.ts';
import type { Entry as Line } from '../../core/log.ts';
import { genesisOf, hashOf } from '../../functions/purchases/audit.ts';
import { leafKey } from '../../functions/purchases/digests.ts';
import { watch } from '../../functions/purchases/watch.ts';
import { at, demo } from '../people.ts';

const chain = 'appstore-sandbox-2000000012';
const said = { chain, n: 1, id: 'a', store: 'appstore', source: 'notification', raw: 'raw', received: at };
const unhashed = { ...said, prev: genesisOf(demo, chain) };
const entry = { ...unhashed, hash: hashOf(unhashed) };
const row = { ...chainKey(demo, chain, 1), ...entry };
const known = { ...payloadKey(demo, chain, 'a'), n: 1, hash: entry.hash };

const seen = async (...changes: { before?: object; after?: object }[]) => {
  const [leaves, lines]: [string[], Line[]] = [[], []];
  const archive = {
    add: async (key: string) => leaves.push(key) > 0,
    hide: async () => undefined,
    get: async () => undefined,
    list: async () => ({ objects: [], more: false }),
  };
  for (const { before, after } of changes) {
    const { pk, sk } = { ...before, ...after } as { pk: string; sk: string };
    const change = { sequence: '1', keys: { pk, sk }, before: before && { ...before }, after: after && { ...after } };
    await watch({ archive, log: (line) => void lines.push(line) }, change);
  }
  return { leaves, told: lines.map(({ level, msg, how }) => `${level} ${msg}: ${how}`) };
};

describe('the watcher', () => {
  test('leaves a leaf of a new entry, under the hour of its receipt, and nothing of the row beside it', async () => {
    expect(await seen({ after: row }, { after: known })).toEqual({ leaves: [leafKey(entry)], told: [] });
    expect(leafKey(entry)).toBe(`leaves/2026-01-01T00/${entry.hash}`);
  });
  test.each([
    ['an entry that is changed', { before: row, after: { ...row, raw: 'forged' } }, 'changed'],
    ['an entry that is removed', { before: row }, 'removed'],
    ['a payload’s row that is changed', { before: known, after: { ...known, n: 2 } }, 'changed'],
    ['a payload’s row that is removed', { before: known }, 'removed'],
    ['something else that is changed', { before: { pk: 'x', sk: 'y' }, after: { pk: 'x', sk: 'y', n: 1 } }, 'changed'],
  ])('cries out over %s', async (_what, change, how) => {
    expect(await seen(change)).toEqual({ leaves: [], told: [`error audit tampered: ${how}`] });
  });
  test('cries out over an entry that is not what was hashed, and leaves a leaf of what it says', async () => {
    expect(await seen({ after: { ...row, raw: 'forged' } })).toEqual({
      leaves: [leafKey(entry)],
      told: ['error audit tampered: inserted with another hash'],
    });
  });
  test('can’t read what is no entry, which its edge parks', async () => {
    await expect(seen({ after: { ...row, n: 'one' } })).rejects.toThrow('invalid_type');
  });
});
