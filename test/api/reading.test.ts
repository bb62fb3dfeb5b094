/** Reading: marks that only move up and that everyone concerned sees, pages of messages, lists of conversations. */
import { beforeAll, describe, expect, test } from 'vitest';
import { type Frame, type Json, key, type Person, useWorld } from '../world.ts';
import { readTables } from './tables.ts';

const world = useWorld();

const isInbox = (stream: string, fits: object) => (frame: Frame) =>
  frame.type === 'inbox' && frame.stream === stream && Object.entries(fits).every(([name, v]) => frame[name] === v);

/** Two people who have matched, and `n` messages from the first to the second. */
const told = async (prefix: string, n: number) => {
  const { a, b, conversationId } = await world().matched(`${prefix}-ada`, `${prefix}-ben`);
  const path = `/v1/conversations/${conversationId}`;
  for (let i = 1; i <= n; i++) await a.call('POST', `${path}/messages`, { text: `${i}`, after: i }, key());
  await world().drain();
  const read = (upTo: number) => b.call('PUT', `${path}/read`, { upTo });
  return { a, b, path, read, conversationId, stream: `conversation/${conversationId}` };
};
const syncedOf = async (person: Person, stream: string): Promise<Json> =>
  (await person.call('GET', '/v1/sync')).body.streams.find((part: Json) => part.stream === stream);

describe('a read mark', () => {
  test('moves up only', async () => {
    const { read } = await told('u', 3);
    expect((await read(2)).body).toEqual({ read: 2, unread: 1 });
    expect((await read(1)).body).toEqual({ read: 2, unread: 1 });
    expect((await read(2)).body).toEqual({ read: 2, unread: 1 });
    expect((await read(3)).body).toEqual({ read: 3, unread: 0 });
  });
  test('ends at the highest, in whatever order many come at once', async () => {
    const { b, read, stream } = await told('h', 6);
    await Promise.all([3, 6, 1, 5, 2, 4, 6, 1].map(read));
    expect(await syncedOf(b, stream)).toMatchObject({ read: 6, unread: 0 });
  });
  test('is told to one’s other devices and to the other person, once each', async () => {
    const { a, b, read, stream } = await told('t', 3);
    const [theirs, phone, tablet] = await Promise.all([a.connect('phone'), b.connect('phone'), b.connect('tablet')]);
    await read(2);
    await read(1);
    for (const own of [phone, tablet]) {
      const frame = await own.until(isInbox(stream, { read: 2 }));
      expect(frame).toEqual({
        type: 'inbox',
        stream,
        v: 4,
        count: 3,
        read: 2,
        unread: 1,
        seen: { [a.user]: 3 },
        mutes: 0,
      });
    }
    const seen = await theirs.until(({ type }) => type === 'inbox');
    expect(seen).toEqual({
      type: 'inbox',
      stream,
      v: 4,
      count: 3,
      read: 3,
      unread: 0,
      seen: { [b.user]: 2 },
      mutes: 0,
    });
    await world().drain();
    const marks = [theirs, phone, tablet].flatMap(({ frames }) => frames.filter(({ type }) => type === 'inbox'));
    expect(new Set(marks.map((frame) => JSON.stringify(frame))).size, 'whoever hears it again hears the same').toBe(2);
  });
  test('shows in the sync of both', async () => {
    const { a, b, read, stream } = await told('s', 3);
    await read(2);
    await world().drain();
    expect(await syncedOf(b, stream)).toMatchObject({ read: 2, unread: 1, seen: { [a.user]: 3 } });
    expect(await syncedOf(a, stream)).toMatchObject({ read: 3, unread: 0, seen: { [b.user]: 2 } });
  });
  test('is at one’s own message as soon as one wrote it, whoever wrote at the same moment', async () => {
    const { a, b, path } = await told('o', 0);
    for (let round = 0; round < 6; round++) {
      const { head } = (await a.call('GET', `${path}/messages?limit=1`)).body;
      const said = await Promise.all(
        [a, b, b, a, b, b].map((from) => from.call('POST', `${path}/messages`, { text: 'now', after: head }, key())),
      );
      await world().drain();
      const { inbox } = await readTables(world());
      for (const { body: message } of said) {
        const mark = inbox.find(({ person, count }) => person === message.by && count > 0)?.read;
        expect(mark, `round ${round}: ${message.by} wrote ${message.number}`).toBeGreaterThanOrEqual(message.number);
      }
    }
  });
});

/** Every page, from the first path on. */
const pages = async (person: Person, first: string, next: (page: Json) => string | undefined): Promise<Json[]> => {
  const all: Json[] = [];
  for (let path: string | undefined = first; path && all.length < 50; path = next(all.at(-1))) {
    const { status, body } = await person.call('GET', path);
    expect(status, JSON.stringify(body)).toBe(200);
    all.push(body);
  }
  return all;
};

describe('messages', () => {
  let seven: Awaited<ReturnType<typeof told>>;
  beforeAll(async () => {
    seven = await told('seven', 7);
  });
  test.each([1, 2, 3, 7, 100])('are read whole in pages of %i from the newest back', async (limit) => {
    const { a, path } = seven;
    const page = `${path}/messages?limit=${limit}`;
    const all = await pages(a, page, ({ messages, more }) => more && `${page}&before=${messages[0].version}`);
    const texts = all.toReversed().flatMap(({ messages }) => messages.map(({ text }: Json) => text));
    expect(texts).toEqual(['1', '2', '3', '4', '5', '6', '7']);
    expect(all.every(({ head, messages }) => head === 8 && messages.length <= limit)).toBe(true);
  });
  test.each([1, 2, 3, 7, 100])('are read whole in pages of %i from the oldest on', async (limit) => {
    const { b, path } = seven;
    const page = `${path}/messages?limit=${limit}`;
    // Version 1 is the conversation's opening and no message.
    const next = ({ messages, more }: Json) => more && `${page}&after=${messages.at(-1)?.version ?? 1}`;
    const all = await pages(b, `${page}&after=0`, next);
    expect(all.flatMap(({ messages }) => messages.map(({ number }: Json) => number))).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(all.every(({ head, messages }) => head === 8 && messages.length <= limit)).toBe(true);
  });
  test('are none before the first and none after the last', async () => {
    const { a, path } = await told('n', 2);
    const none = { messages: [], head: 3, more: false };
    for (const query of ['before=1', 'before=0', 'after=3', 'after=9000000000000000'])
      expect((await a.call('GET', `${path}/messages?${query}`)).body, query).toEqual(none);
  });
});

describe('conversations', () => {
  test('are listed most recent first, with what is unread and what was said last', async () => {
    const me = await world().person('c-me');
    const others = ['c-1', 'c-2', 'c-3'];
    const ids = new Map<string, string>();
    for (const other of others) ids.set(other, (await world().matched(other, 'c-me')).conversationId);
    for (const [i, other] of ['c-2', 'c-3', 'c-1', 'c-2'].entries()) {
      const person = await world().person(other);
      const path = `/v1/conversations/${ids.get(other)}/messages`;
      const { head } = (await person.call('GET', path)).body;
      await person.call('POST', path, { text: `${other} ${i}`, after: head }, key());
    }
    await me.call('PUT', `/v1/conversations/${ids.get('c-3')}/read`, { upTo: 1 });
    await world().drain();
    const { conversations } = (await me.call('GET', '/v1/conversations')).body;
    expect(conversations.map(({ conversationId, unread, last }: Json) => [conversationId, unread, last.text])).toEqual([
      [ids.get('c-2'), 2, 'c-2 3'],
      [ids.get('c-1'), 1, 'c-1 2'],
      [ids.get('c-3'), 0, 'c-3 1'],
    ]);
    for (const limit of [1, 2, 3]) {
      const page = `/v1/conversations?limit=${limit}`;
      const all = await pages(me, page, ({ next }) => next && `${page}&before=${encodeURIComponent(next)}`);
      expect(all.flatMap((each) => each.conversations)).toEqual(conversations);
    }
  });
});

test('matches are listed whole, in pages of any size', async () => {
  const others = ['m-1', 'm-10', 'm-2', 'm-3'];
  for (const other of others) await world().matched(other, 'm');
  const me = await world().person('m');
  for (const limit of [1, 2, 3, 4, 100]) {
    const page = `/v1/matches?limit=${limit}`;
    const all = await pages(me, page, ({ matches, more }) => more && `${page}&after=${matches.at(-1)?.with ?? 'zzz'}`);
    expect(all.flatMap(({ matches }) => matches.map((match: Json) => match.with))).toEqual(others);
  }
});
