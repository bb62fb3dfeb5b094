/** A block that races with what the blocked person does: from its answer on nothing of theirs comes any more (S25). */
import { describe, expect, test } from 'vitest';
import { type Row, readTables, streamsOf } from '../api/tables.ts';
import { type Answer, type Json, key, type Person, useWorld } from '../world.ts';

const world = useWorld();

const ROUNDS = 8;
const typesOf = (commits: Row[] = []): string[] =>
  commits.flatMap(({ events }) => events.map(({ type }: Json) => type));
const react = (by: Person, about: Person, type: string): Promise<Answer> =>
  by.call('PUT', `/v1/reactions/${about.user}`, { type });
/** The same again while too many write at once. */
const surely = async (ask: () => Promise<Answer>): Promise<Answer> => {
  for (let tries = 0; tries < 10; tries++) {
    const answer = await ask();
    if (answer.status !== 503) return answer;
  }
  throw new Error('it stays busy');
};

describe.each(['blocks', 'matches'])('an end of a match by /v1/%s', (what) => {
  test('that is answered is the end of what the other one says', async () => {
    const ended: { conversation: string; sent: number }[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const { a, b, conversationId } = await world().matched(`${what}-a${round}`, `${what}-b${round}`);
      const path = `/v1/conversations/${conversationId}/messages`;
      let isOver = false;
      const after: Answer[] = [];
      const before: Answer[] = [];
      const chatter = async (): Promise<void> => {
        while (after.length < 3) {
          const list = isOver ? after : before;
          list.push(await b.call('POST', path, { text: 'hi', after: 1 }, key()));
        }
      };
      const chatters = Promise.all([chatter(), chatter(), chatter()]);
      while (before.length < round % 5) await a.call('GET', '/v1/matches');
      const end = () => a.call(what === 'blocks' ? 'PUT' : 'DELETE', `/v1/${what}/${b.user}`);
      // Twice at once: a retry does not end it again, nor half.
      const ends = await Promise.all([surely(end), surely(end)]);
      isOver = true;
      expect(ends.map(({ status }) => status)).toEqual([204, 204]);
      await chatters;
      expect(after.map(({ status, body }) => [status, body.code])).toEqual(after.map(() => [409, 'closed']));
      const sent = before.filter(({ status }) => status === 201).length;
      ended.push({ conversation: conversationId, sent });
    }
    const streams = streamsOf(await readTables(world()));
    for (const { conversation, sent } of ended) {
      const types = typesOf(streams.get(`demo#conversation#${conversation}`));
      expect(types.indexOf('Closed')).toBe(types.length - 1);
      expect(types.filter((type) => type === 'Sent').length).toBeGreaterThanOrEqual(sent);
    }
  }, 60_000);
});

test('whatever two do at once, there is one match and one open conversation, or neither', async () => {
  const pairs = await Promise.all(
    Array.from({ length: 30 }, async (_, i) => [await world().person(`x${i}`), await world().person(`y${i}`)] as const),
  );
  const deeds: ((by: Person, about: Person) => Promise<Answer>)[] = [
    (by, about) => react(by, about, 'like'),
    (by, about) => react(by, about, 'super-like'),
    (by, about) => by.call('PUT', `/v1/blocks/${about.user}`),
    (by, about) => by.call('DELETE', `/v1/blocks/${about.user}`),
    (by, about) => by.call('DELETE', `/v1/matches/${about.user}`),
    (by, about) => react(by, about, 'like'),
  ];
  await Promise.all(
    pairs.flatMap(([a, b], i) =>
      deeds.flatMap((deed, j) => [
        surely(() => deed(a, b)),
        // Each starts elsewhere, and says some of it twice.
        surely(() => (deeds[(i + j) % deeds.length] as (typeof deeds)[number])(b, a)),
        surely(() => (deeds[(i * j) % deeds.length] as (typeof deeds)[number])(b, a)),
      ]),
    ),
  );
  await world().drain();
  const tables = await readTables(world());
  const streams = streamsOf(tables);
  for (const [a, b] of pairs) {
    const history = typesOf(streams.get(`demo#pair#${a.user}+${b.user}`));
    const made = history.filter((type) => type === 'Matched').length;
    const ended = history.filter((type) => type === 'Unmatched').length;
    expect([0, 1]).toContain(made - ended);
    const told = (who: Person): Json[] =>
      (streams.get(`demo#person#${who.user}`) ?? []).flatMap(({ events }) => events);
    for (const who of [a, b]) {
      const types = told(who).map(({ type }) => type);
      expect(types.filter((type) => type === 'MatchMade')).toHaveLength(made);
      expect(types.filter((type) => type === 'MatchEnded')).toHaveLength(ended);
    }
    const conversations = told(a).flatMap(({ type, conversation }) => (type === 'MatchMade' ? [conversation] : []));
    const closed = conversations.map((id) => typesOf(streams.get(`demo#conversation#${id}`)));
    expect(closed.filter((types) => types.join() === 'Opened')).toHaveLength(made - ended);
    expect(closed.filter((types) => types.join() === 'Opened,Closed')).toHaveLength(ended);
    const listed = await Promise.all([a, b].map(async (who) => (await who.call('GET', '/v1/matches')).body.matches));
    expect(listed.map(({ length }) => length)).toEqual([made - ended, made - ended]);
  }
}, 60_000);
