/** 200 pairs like each other in the same moment: 200 matches, 200 conversations, everyone told once. */
import { beforeAll, describe, expect, test } from 'vitest';
import { splitKey } from '../../core/keys.ts';
import { type Answer, type Json, type Person, useWorld } from '../world.ts';
import { expectConverged, type Row, readTables, streamsOf, type Tables } from './tables.ts';

const world = useWorld();

const PAIRS = 200;
/** Pairs of whom both have a phone that is not looking. */
const WITH_PHONES = 10;
const people: Person[] = [];
let answers: Answer[];
let tables: Tables;

const apnsToken = (i: number): string => `beef${String(i).padStart(60, '0')}`;
const register = (person: Person, i: number) =>
  person.call('PUT', '/v1/devices/phone', {
    ...{ platform: 'ios', locale: 'en', appVersion: '1.0' },
    push: { kind: 'apns', value: apnsToken(i), app: 'example.chorus.demo', environment: 'sandbox' },
  });
/** As clients do when too many write at once: the same request again. */
const like = async (person: Person, other: Person, tries = 5): Promise<Answer> => {
  const answer = await person.call('PUT', `/v1/reactions/${other.user}`, { type: 'like' });
  return answer.status === 503 && tries > 1 ? like(person, other, tries - 1) : answer;
};
/** People 2i and 2i + 1 are a pair. */
const otherOf = (i: number): Person => people[i ^ 1] as Person;

beforeAll(async () => {
  for (let i = 0; i < PAIRS * 2; i++) people.push(await world().person(`p${String(i).padStart(3, '0')}`));
  await Promise.all(people.slice(0, WITH_PHONES * 2).map(register));
  answers = await Promise.all(people.map((person, i) => like(person, otherOf(i))));
  await world().drain();
  tables = await readTables(world());
}, 60_000);

const ofKind = (kind: string): Row[][] =>
  [...streamsOf(tables)].filter(([pk]) => splitKey(pk)[1] === kind).map(([, commits]) => commits);
const typesOf = (commits: Row[]): string[] => commits.flatMap(({ events }) => events.map(({ type }: Json) => type));

describe('200 pairs who like each other at once', () => {
  test('are all answered, and of each pair at least one is told of the match at once', () => {
    expect(answers.map(({ status }) => status)).toEqual(people.map(() => 200));
    for (let i = 0; i < people.length; i += 2) {
      const [a, b] = [answers[i]?.body, answers[i + 1]?.body];
      expect(a.matched || b.matched, `pair ${i / 2}`).toBe(true);
      if (a.matched && b.matched) expect(a.conversationId).toBe(b.conversationId);
    }
  });
  test('make 200 matches, each once and after both likes', () => {
    const pairs = ofKind('pair').map(typesOf);
    expect(pairs).toHaveLength(PAIRS);
    for (const types of pairs) expect(types).toEqual(['Liked', 'Liked', 'Matched']);
  });
  test('open 200 conversations, each once', () => {
    const opened = ofKind('conversation').map(typesOf);
    expect(opened).toEqual(Array.from({ length: PAIRS }, () => ['Opened']));
  });
  test('are told once each, with the right other and the right conversation', () => {
    const told = ofKind('person').map((commits) => commits.flatMap(({ events }) => events));
    expect(told).toHaveLength(PAIRS * 2);
    const conversations = new Map(ofKind('conversation').map(([row]) => [row?.pk.split('#')[2], row?.audience]));
    for (const events of told) {
      // Who liked first is told of that too.
      const [event, ...others] = events.filter(({ type }) => type !== 'Reacted');
      expect([event.type, others.length]).toEqual(['MatchMade', 0]);
      expect(event.with).toBe(otherOf(Number(event.person.slice(1))).user);
      expect(conversations.get(event.conversation)?.toSorted()).toEqual([event.person, event.with].sort());
    }
  });
  test('list one match each', async () => {
    expect(tables.views.filter(({ sk }) => sk.startsWith('match#'))).toHaveLength(PAIRS * 2);
    for (const i of [0, 1, 199, 399]) {
      const { matches } = (await people[i]?.call('GET', '/v1/matches'))?.body ?? {};
      expect(matches.map((match: Json) => match.with)).toEqual([otherOf(i).user]);
    }
  });
  test('leave every stream dense and every pointer at its head, and no other pointer', () => {
    expectConverged(tables);
    expect(tables.inbox).toHaveLength(PAIRS * 4);
  });
  test('are each notified once', async () => {
    const pushes = (await world().pushes()).map(({ token, locArgs, deliveries }: Json) => [
      token,
      locArgs[0],
      deliveries,
    ]);
    // Who made the match by liking back knows of it.
    const made = ofKind('person').flatMap((commits) => commits.flatMap(({ events }) => events));
    const isAsked = (user: string): boolean =>
      made.some(({ type, person, by }) => type === 'MatchMade' && person === user && by !== user);
    const expected = people
      .slice(0, WITH_PHONES * 2)
      .flatMap(({ user }, i) => (isAsked(user) ? [[apnsToken(i), otherOf(i).user, 1]] : []));
    expect(expected).toHaveLength(WITH_PHONES);
    expect(pushes.toSorted()).toEqual(expected.toSorted());
  });
});

test('one person whom 20 like back at once is told of each once', async () => {
  const [star, ...fans] = await Promise.all(
    ['star', ...Array.from({ length: 20 }, (_, i) => `fan-${i}`)].map((user) => world().person(user)),
  );
  if (!star) throw new Error('nobody is liked');
  await Promise.all(fans.map((fan) => like(star, fan)));
  const matches = await Promise.all(fans.map((fan) => like(fan, star)));
  expect(matches.map(({ status, body }) => [status, body.matched])).toEqual(fans.map(() => [200, true]));
  await world().drain();
  const now = await readTables(world());
  expectConverged(now);
  const told = (streamsOf(now).get('demo#person#star') ?? []).map(({ events }) =>
    events.flatMap((event: Json) => (event.type === 'MatchMade' ? [event.with] : [])),
  );
  expect(told.flat().toSorted()).toEqual(fans.map(({ user }) => user).sort());
  expect((await star.call('GET', '/v1/matches')).body.matches).toHaveLength(fans.length);
});
