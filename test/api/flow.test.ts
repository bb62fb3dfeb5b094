/** The main job: two people like each other, match, and what one says is on every device of both. */
import { describe, expect, test } from 'vitest';
import { type Answer, type Frame, type Json, key, type Phone, useWorld } from '../world.ts';
import { expectConverged, readTables, streamsOf, writingNothing } from './tables.ts';

const world = useWorld();

const holds = (stream: string, v: number) => (frame: Frame) =>
  frame.type === 'events' && frame.stream === stream && frame.events.some((event: Json) => event.v === v);
const eventsIn = (phone: Phone, stream: string): Json[] =>
  phone.frames.filter((frame) => frame.type === 'events' && frame.stream === stream).flatMap(({ events }) => events);

describe('two people who like each other', () => {
  test('match with the second like, and both are answered with the same conversation', async () => {
    const [ada, ben] = await Promise.all([world().person('m-ada'), world().person('m-ben')]);
    const first = await ada.call('PUT', '/v1/reactions/m-ben', { type: 'like' });
    expect([first.status, first.body]).toEqual([200, { matched: false }]);
    const second = await ben.call('PUT', '/v1/reactions/m-ada', { type: 'like' });
    expect(second.body).toEqual({ matched: true, conversationId: expect.stringMatching(/^cnv_[\w-]{22}$/) });
    const again = await ada.call('PUT', '/v1/reactions/m-ben', { type: 'like' });
    expect(again.body).toEqual(second.body);
  });
  test('match once, however often they say it', async () => {
    const { a, b } = await world().matched('o-ada', 'o-ben');
    await writingNothing(world(), async () => {
      for (const [one, other] of [[a, b] as const, [b, a] as const, [a, b] as const])
        await one.call('PUT', `/v1/reactions/${other.user}`, { type: 'like' });
    });
    const { events } = await readTables(world());
    const made = events.filter(({ pk }) => pk.includes('o-ada')).flatMap((row) => row.events ?? []);
    expect(made.filter(({ type }: Json) => type === 'Matched')).toHaveLength(1);
    expect(made.filter(({ type }: Json) => type === 'MatchMade')).toHaveLength(1);
  });
  test('find each other among their matches, and their conversation among their conversations', async () => {
    const { a, b, conversationId } = await world().matched('l-ada', 'l-ben');
    for (const [one, other] of [[a, b] as const, [b, a] as const]) {
      const { body } = await one.call('GET', '/v1/matches');
      const match = { id: expect.stringMatching(/^mat_/), with: other.user, conversationId, at: expect.any(String) };
      expect(body).toEqual({ matches: [match], more: false });
      const listed = await one.call('GET', '/v1/conversations');
      expect(listed.body.conversations).toMatchObject([{ conversationId, version: 1, messages: 0, unread: 0 }]);
      expect(listed.body.conversations[0].members.toSorted()).toEqual([a.user, b.user]);
    }
  });
  test('are both told in their own stream and on their open devices, and nobody else is', async () => {
    const people = await Promise.all(['t-ada', 't-ben', 't-cleo'].map((user) => world().person(user)));
    const phones = await Promise.all(people.map((person) => person.connect('phone')));
    const { conversationId } = await world().matched('t-ada', 't-ben');
    for (const [i, other] of ['t-ben', 't-ada'].entries()) {
      const name = `person/${people[i]?.user}`;
      // Who liked first is told of that too.
      const v = i === 0 ? 2 : 1;
      const { events } = await (phones[i] as Phone).until(holds(name, v));
      const made = { type: 'MatchMade', with: other, conversation: conversationId, by: 't-ben' };
      expect(events.at(-1)).toMatchObject({ v, ...made });
    }
    await world().drain();
    expect(phones[2]?.frames).toEqual([]);
    expect((await people[2]?.call('GET', '/v1/sync'))?.body.streams).toEqual([]);
  });
  test('are one pair whoever began, and a pass or a like of somebody else makes no match', async () => {
    const [ada, ben] = await Promise.all([world().person('p-ada'), world().person('p-ben')]);
    await ada.call('PUT', '/v1/reactions/p-ben', { type: 'like' });
    await ben.call('PUT', '/v1/reactions/p-cleo', { type: 'like' });
    expect((await ben.call('PUT', '/v1/reactions/p-ada', { type: 'pass' })).body).toEqual({ matched: false });
    await world().drain();
    expect((await ben.call('GET', '/v1/matches')).body.matches).toEqual([]);
    expect((await ben.call('PUT', '/v1/reactions/p-ada', { type: 'like' })).body.matched).toBe(true);
  });
});

const conversation = async (prefix: string) => {
  const { a, b, conversationId } = await world().matched(`${prefix}-ada`, `${prefix}-ben`);
  const path = `/v1/conversations/${conversationId}/messages`;
  return { a, b, path, stream: `conversation/${conversationId}`, conversationId };
};

/** As clients do when too many write at once: the same request again. */
const persistently = async (send: () => Promise<Answer>, tries = 5): Promise<Answer> => {
  const answer = await send();
  return answer.status === 503 && tries > 1 ? persistently(send, tries - 1) : answer;
};

describe('a message', () => {
  test('reaches both devices of both people, with the sender’s own key on the sender’s alone', async () => {
    const { a, b, path, stream, conversationId } = await conversation('d');
    const phones = await Promise.all([a, b].flatMap((person) => ['phone', 'tablet'].map((d) => person.connect(d))));
    const sent = await a.call('POST', path, { text: 'hello', after: 1 }, key('d-1'));
    const said = { id: expect.stringMatching(/^msg_/), number: 1, by: a.user, text: 'hello', at: expect.any(String) };
    expect([sent.status, sent.body]).toEqual([201, { ...said, conversationId, version: 2 }]);
    const frames = await Promise.all(phones.map((phone) => phone.until(holds(stream, 2))));
    const event = { ...said, id: sent.body.id, at: sent.body.at, v: 2, type: 'Sent' };
    for (const frame of frames.slice(0, 2)) expect(frame.events).toEqual([{ ...event, commandId: 'd-1' }]);
    for (const frame of frames.slice(2)) expect(frame.events).toEqual([event]);
  });
  test('comes to a device in order, and says the same when the stream rings again', async () => {
    const { a, b, path, stream } = await conversation('e');
    const phone = await b.connect('phone');
    for (const n of [1, 2, 3]) await a.call('POST', path, { text: `${n}`, after: n }, key());
    await phone.until(holds(stream, 4));
    await world().drain();
    const said = new Set(eventsIn(phone, stream).map((event) => JSON.stringify([event.v, event.text])));
    expect([...said]).toEqual(['[2,"1"]', '[3,"2"]', '[4,"3"]']);
  });
  test('is sent once however often it is sent again, and always answered the same', async () => {
    const { a, b, path } = await conversation('r');
    const send = () => a.call('POST', path, { text: 'once', after: 1 }, key('r-1'));
    const first = await send();
    await b.call('POST', path, { text: 'between', after: 2 }, key());
    await writingNothing(world(), async () => {
      for (const answer of await Promise.all(Array.from({ length: 5 }, send)))
        expect([answer.status, answer.body]).toEqual([201, first.body]);
    });
  });
  test('is sent once when the same request comes ten times at once', async () => {
    const { a, path, conversationId } = await conversation('s');
    const all = await Promise.all(
      Array.from({ length: 10 }, () => a.call('POST', path, { text: 'once', after: 1 }, key('s-1'))),
    );
    expect(new Set(all.map(({ status, body }) => JSON.stringify([status, body]))).size).toBe(1);
    expect((await a.call('GET', `/v1/conversations/${conversationId}/messages`)).body.messages).toHaveLength(1);
  });
  test('lands with others that come at the same moment on dense versions, each numbered once', async () => {
    const { a, b, path, conversationId } = await conversation('w');
    const sends = Array.from({ length: 24 }, (_, i) => {
      const name = key();
      return persistently(() => (i % 2 ? a : b).call('POST', path, { text: `${i}`, after: 1 }, name));
    });
    expect((await Promise.all(sends)).map(({ status }) => status)).toEqual(sends.map(() => 201));
    await world().drain();
    const tables = await readTables(world());
    expectConverged(tables);
    const commits = streamsOf(tables).get(`demo#conversation#${conversationId}`) ?? [];
    expect(commits.slice(1).map(({ events }) => events[0].number)).toEqual(sends.map((_, i) => i + 1));
  });
});
