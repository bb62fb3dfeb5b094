/** What others are told of a person's preferences: one read, and the defaults wherever nothing is known. */
import { beforeAll, expect, test } from 'vitest';
import type { Item } from '../../core/ddb.ts';
import type { Deps } from '../../core/deps.ts';
import { versionKey } from '../../core/keys.ts';
import { preferencesOf } from '../../functions/settings.ts';
import { bindEnvironment } from '../memory.ts';
import { ada, at, demo } from '../people.ts';
import { createLittle } from '../sim/law/little.ts';

beforeAll(bindEnvironment);

const preferences = { kinds: { matches: 'none' }, quiet: { from: '22:00', to: '07:00' } };
const wasSet = { type: 'PreferencesSet', person: ada, preferences, at };

const commit = (v: number, more: object): Item => ({
  ...versionKey({ tenant: demo, kind: 'person', id: ada }, v),
  ...{ kind: 'person', v, command: 'usr_ada/x', asked: 'x', by: ada, at, events: [wasSet] },
  ...{ state: {}, reducer: 2, audience: [ada], count: 0 },
  ...more,
});
/** Asks of a person whose stream holds these commits. */
const ask = async (commits: Item[], failure?: Error) => {
  const [reads, logged]: [unknown[], string[]] = [[], []];
  const query: Deps['ddb']['query'] = async (input, limit) => {
    if (failure) throw failure;
    reads.push({ consistent: input.ConsistentRead, limit });
    return (input.ScanIndexForward ? commits : commits.toReversed()).slice(0, limit);
  };
  const inMemory = createLittle(() => 1).deps();
  const log: Deps['log'] = ({ msg }) => void logged.push(msg);
  const deps: Deps = { ...inMemory, ddb: { ...inMemory.ddb, query }, log };
  return { told: await preferencesOf(deps, demo, ada), reads, logged };
};

test('are those of the newest commit, by one consistent read', async () => {
  const older = { state: { person: ada, preferences: { kinds: {} } } };
  const { told, reads } = await ask([commit(1, older), commit(2, { state: { person: ada, preferences } })]);
  expect(told).toEqual(preferences);
  expect(reads).toEqual([{ consistent: true, limit: 1 }]);
});
test.each([
  ['never had a stream', []],
  ['never said any', [commit(1, { state: { person: ada } })]],
  ['has a state from before there were any', [commit(1, { reducer: 1, state: { person: ada } })]],
])('are the defaults for who %s', async (_, commits) => {
  const { told, reads, logged } = await ask(commits);
  expect([told, reads.length, logged]).toEqual([{ kinds: {} }, 1, []]);
});
test('of a later release are folded again from the events', async () => {
  const later = { reducer: 5, state: { another: 'shape' } };
  expect((await ask([commit(1, later)])).told).toEqual(preferences);
});
test.each([
  ['commit', commit(1, { events: 'poison' })],
  ['state', commit(1, { state: { preferences: { kinds: 7 } } })],
])('are the defaults where the %s can not be read, and that is logged', async (_, item) => {
  const { told, logged } = await ask([item]);
  expect([told, logged]).toEqual([{ kinds: {} }, ['preferences unreadable']]);
});
test('are not made up when the database does not answer', () =>
  expect(ask([], new Error('busy'))).rejects.toThrow('busy'));
