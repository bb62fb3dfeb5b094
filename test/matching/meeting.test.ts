/** Liking, undoing, parting and blocking through HTTP, on the real engine: what each is answered, and what everybody sees then. */
import { describe, expect, test } from 'vitest';
import { makeDeps } from '../../core/deps.ts';
import { UserId } from '../../core/ids.ts';
import { setStanding } from '../../functions/standing.ts';
import { readTables, streamsOf } from '../api/tables.ts';
import { demo } from '../people.ts';
import { type Answer, type Json, key, type Person, useWorld } from '../world.ts';

const world = useWorld();

let names = 0;
/** Two who never met. */
const two = async (tenant = 'demo'): Promise<[Person, Person]> => {
  const n = ++names;
  return [await world().person(`a${n}`, { tenant }), await world().person(`b${n}`, { tenant })];
};
const react = (by: Person, about: Person, type: string, more: object = {}): Promise<Answer> =>
  by.call('PUT', `/v1/reactions/${about.user}`, { type, ...more });
const undo = (by: Person, about: Person, headers?: Record<string, string>) =>
  by.call('DELETE', `/v1/reactions/${about.user}`, undefined, headers);
const unmatch = (by: Person, about: Person) => by.call('DELETE', `/v1/matches/${about.user}`);
const block = (by: Person, about: Person) => by.call('PUT', `/v1/blocks/${about.user}`);
const unblock = (by: Person, about: Person) => by.call('DELETE', `/v1/blocks/${about.user}`);
const match = async (a: Person, b: Person): Promise<string> => {
  await react(a, b, 'like');
  const { body } = await react(b, a, 'like');
  expect(body).toMatchObject({ matched: true });
  return body.conversationId;
};
const list = async (who: Person, what: 'matches' | 'blocks' | 'likes'): Promise<Json> =>
  (await who.call('GET', `/v1/${what}`)).body;
const send = (by: Person, conversation: string, after = 1) =>
  by.call('POST', `/v1/conversations/${conversation}/messages`, { text: 'hi', after }, key());
const toldTo = async (who: Person, tenant = 'demo'): Promise<Json[]> =>
  (streamsOf(await readTables(world())).get(`${tenant}#person#${who.user}`) ?? []).flatMap(({ events }) => events);
const bytesOf = ({ status, body, headers }: Answer): string =>
  JSON.stringify([status, { ...body, requestId: '' }, headers.get('content-length')]);

describe('a reaction', () => {
  test.each(['like', 'super-like', 'pass', 'later'])(
    '%s is told to one’s own devices, and to nobody else',
    async (type) => {
      const [a, b] = await two();
      const phone = await a.connect('phone');
      expect((await react(a, b, type)).body).toEqual({ matched: false });
      const { events } = await phone.until(({ events = [] }) => events[0]?.type === 'Reacted');
      expect(events).toMatchObject([{ v: 1, person: a.user, about: b.user, kind: type, asOf: 1 }]);
      await world().drain();
      expect(await toldTo(b)).toEqual([]);
      phone.close();
    },
  );
  test('that is said again says nothing new', async () => {
    const [a, b] = await two();
    for (const type of ['like', 'like', 'super-like', 'super-like', 'like', 'later', 'later', 'pass', 'pass'])
      expect((await react(a, b, type)).status).toBe(200);
    await world().drain();
    expect((await toldTo(a)).map(({ kind }) => kind)).toEqual(['like', 'super-like', 'later', 'pass']);
  });
  test('of a match tells both of it, and who made it is told no more than that', async () => {
    const [a, b] = await two();
    const conversation = await match(a, b);
    await world().drain();
    const made = { type: 'MatchMade', conversation, by: b.user };
    expect(await toldTo(a)).toMatchObject([{ type: 'Reacted' }, { ...made, with: b.user }]);
    expect(await toldTo(b)).toMatchObject([{ ...made, with: a.user }]);
  });
  test.each([
    ['too long', 'x'.repeat(141)],
    ['turning the direction of writing', 'a\u202eb'],
    ['nothing', '  '],
    ['a control character', 'a\u0007b'],
    ['half a character', 'a\ud800'],
  ])('has no note that is %s', async (_, note) => {
    const [a, b] = await two();
    const { status, body } = await a.call('PUT', `/v1/reactions/${b.user}`, { type: 'like', note });
    expect([status, body.errors[0].field]).toEqual([400, 'body.note']);
  });
  test.each(['pass', 'later'])('%s has no note', async (type) => {
    const [a, b] = await two();
    expect((await react(a, b, type, { note: 'hello' })).status).toBe(400);
  });
  test('is not about oneself, and neither is anything else', async () => {
    const [a] = await two();
    const answers = [
      await react(a, a, 'super-like'),
      await undo(a, a),
      await unmatch(a, a),
      await block(a, a),
      await unblock(a, a),
    ];
    expect(answers.map(({ status, body }) => [status, body.code])).toEqual(answers.map(() => [422, 'self']));
  });
});

describe('somebody who was', () => {
  test.each(['banned', 'erased'] as const)('%s is there for nobody', async (is) => {
    const [a, b] = await two();
    const deps = makeDeps({ read: 0, write: 0 });
    await setStanding(deps, { tenant: demo, user: UserId.parse(b.user) }, { standing: { is }, v: 1 });
    const nobody = bytesOf(await a.call('GET', '/v1/conversations/cnv_AAAAAAAAAAAAAAAAAAAAAA/messages'));
    for (const type of ['like', 'super-like', 'pass', 'later']) expect(bytesOf(await react(a, b, type))).toBe(nobody);
  });
});

describe('undoing', () => {
  test.each(['pass', 'later'])('takes back a %s, once', async (type) => {
    const [a, b] = await two();
    await react(a, b, type);
    const name = key();
    expect((await undo(a, b, name)).status).toBe(204);
    expect((await undo(a, b, name)).status, 'a retry').toBe(204);
    const again = await undo(a, b);
    expect([again.status, again.body.code]).toEqual([409, 'nothing-to-undo']);
    await react(b, a, 'like');
    expect((await react(a, b, 'like')).body.matched).toBe(true);
  });
  test('needs a pass', async () => {
    const [a, b] = await two();
    expect((await undo(a, b)).body.code).toBe('nothing-to-undo');
    await react(a, b, 'like');
    expect((await undo(a, b)).body.code).toBe('nothing-to-undo');
  });
});

describe('the end of a match', () => {
  test('closes the conversation before the answer, and is told to both', async () => {
    const [a, b] = await two();
    const conversation = await match(a, b);
    expect((await send(b, conversation)).status).toBe(201);
    const phone = await b.connect('phone');
    expect((await unmatch(a, b)).status).toBe(204);
    for (const who of [a, b]) {
      const refused = await send(who, conversation, 2);
      expect([refused.status, refused.body.code]).toEqual([409, 'closed']);
    }
    await phone.until(
      ({ stream, events = [] }) => stream === `conversation/${conversation}` && events[0]?.type === 'Closed',
    );
    await phone.until(({ events = [] }) => events[0]?.type === 'MatchEnded' && events[0].conversation === conversation);
    await world().drain();
    for (const [who, other] of [
      [a, b],
      [b, a],
    ] as const) {
      expect((await toldTo(who)).at(-1)).toMatchObject({ type: 'MatchEnded', with: other.user, conversation });
      expect((await list(who, 'matches')).matches).toEqual([]);
    }
    const { conversations } = (await a.call('GET', '/v1/conversations')).body;
    expect(conversations).toMatchObject([{ conversationId: conversation, closed: true }]);
    phone.close();
  });
  test('is said again without a change, and needs a match', async () => {
    const [a, b] = await two();
    expect((await unmatch(a, b)).status).toBe(404);
    await match(a, b);
    expect([(await unmatch(a, b)).status, (await unmatch(a, b)).status, (await unmatch(b, a)).status]).toEqual([
      204, 204, 204,
    ]);
    await world().drain();
    expect((await toldTo(a)).filter(({ type }) => type === 'MatchEnded')).toHaveLength(1);
  });
  test('can be followed by another, with a conversation and an id of its own', async () => {
    const [a, b] = await two();
    const first = await match(a, b);
    await world().drain();
    const before = (await list(a, 'matches')).matches[0];
    await unmatch(b, a);
    const second = await match(b, a);
    expect(second).not.toBe(first);
    await world().drain();
    const [after, ...more] = (await list(a, 'matches')).matches;
    expect([after.conversationId, more]).toEqual([second, []]);
    expect(after.id).not.toBe(before.id);
    expect((await list(b, 'matches')).matches[0].id).toBe(after.id);
    expect([(await send(a, first)).status, (await send(a, second)).status]).toEqual([409, 201]);
  });
  test('is the last where the tenant says so', async () => {
    const [a, b] = await two('aurora');
    await match(a, b);
    await unmatch(a, b);
    for (const type of ['like', 'pass', 'later']) expect((await react(b, a, type)).body.code).toBe('ended');
  });
  test('that got no answer is not undone by a like that is sent again', async () => {
    const [a, b] = await two();
    const name = key();
    await react(a, b, 'like');
    await b.call('PUT', `/v1/reactions/${a.user}`, { type: 'like' }, name);
    await unmatch(a, b);
    const { body } = await b.call('PUT', `/v1/reactions/${a.user}`, { type: 'like' }, name);
    expect(body.matched, 'its first answer').toBe(true);
    expect((await react(a, b, 'like')).body.matched, 'Ben likes nobody any more').toBe(false);
  });
});

describe('a block', () => {
  test('ends a match; the other one is told nothing but that', async () => {
    const [a, b] = await two();
    const conversation = await match(a, b);
    expect((await block(a, b)).status).toBe(204);
    expect((await send(b, conversation)).body.code).toBe('closed');
    await world().drain();
    expect((await toldTo(b)).map(({ type }) => type)).toEqual(['MatchMade', 'MatchEnded']);
    expect((await toldTo(a)).map(({ type }) => type).sort()).toEqual([
      'BlockSet',
      'MatchEnded',
      'MatchMade',
      'Reacted',
    ]);
    const closed = streamsOf(await readTables(world()))
      .get(`demo#conversation#${conversation}`)
      ?.at(-1);
    expect(closed?.events).toMatchObject([{ type: 'Closed', why: 'unmatched' }]);
    expect(await list(a, 'blocks')).toMatchObject({ blocks: [{ userId: b.user }], more: false });
    expect(await list(b, 'blocks')).toMatchObject({ blocks: [], more: false });
  });
  test('is answered to both as if there was nobody', async () => {
    const [a, b] = await two();
    await react(b, a, 'pass');
    await block(a, b);
    const nobody = bytesOf(await a.call('GET', '/v1/conversations/cnv_AAAAAAAAAAAAAAAAAAAAAA/messages'));
    for (const [who, other] of [
      [a, b],
      [b, a],
    ] as const) {
      for (const type of ['like', 'super-like', 'pass', 'later'])
        expect(bytesOf(await react(who, other, type))).toBe(nobody);
      expect(bytesOf(await undo(who, other))).toBe(nobody);
    }
  });
  test('is lifted by who set it, and nothing of before comes back', async () => {
    const [a, b] = await two();
    await react(b, a, 'super-like', { note: 'you there' });
    await block(a, b);
    await world().drain();
    expect((await list(a, 'likes')).count ?? 0).toBe(0);
    expect([(await unblock(b, a)).status, (await react(b, a, 'like')).status]).toEqual([204, 404]);
    expect([(await unblock(a, b)).status, (await unblock(a, b)).status]).toEqual([204, 204]);
    expect((await react(a, b, 'like')).body).toEqual({ matched: false });
    await world().drain();
    expect((await list(a, 'blocks')).blocks).toEqual([]);
    expect((await toldTo(a)).map(({ type }) => type)).toEqual(['BlockSet', 'BlockLifted', 'Reacted']);
  });
  test('of two holds until both lifted it', async () => {
    const [a, b] = await two();
    await block(a, b);
    await block(b, a);
    await unblock(a, b);
    expect((await react(a, b, 'like')).status).toBe(404);
    await world().drain();
    expect((await list(b, 'blocks')).blocks).toMatchObject([{ userId: a.user }]);
    expect((await list(a, 'blocks')).blocks).toEqual([]);
    await unblock(b, a);
    expect((await react(a, b, 'like')).status).toBe(200);
  });
  test('reaches nobody of the same name in another tenant', async () => {
    const [a, b] = await two();
    const [c, d] = [
      await world().person(a.user, { tenant: 'aurora' }),
      await world().person(b.user, { tenant: 'aurora' }),
    ];
    await block(a, b);
    expect((await react(d, c, 'like')).status).toBe(200);
  });
});

describe('who likes me', () => {
  test('is a number for who is entitled to no more, and a list for who is', async () => {
    const [a, b] = await two();
    await react(b, a, 'super-like', { note: 'Hi! 👋' });
    const [c, d] = await two('aurora');
    await react(d, c, 'like');
    await world().drain();
    expect(await list(a, 'likes')).toEqual({ count: 1, more: false });
    expect(await list(c, 'likes')).toMatchObject({ likes: [{ by: d.user, kind: 'like' }], more: false });
  });
  test('shows what was written, until it is taken back, answered or passed on', async () => {
    const [a, b] = await two('aurora');
    const shown = async () => {
      await world().drain();
      return (await list(a, 'likes')).likes.map(({ kind, note }: Json) => [kind, note]);
    };
    await react(b, a, 'super-like', { note: 'Hi! 👋' });
    expect(await shown()).toEqual([['super-like', 'Hi! 👋']]);
    await react(b, a, 'later');
    expect(await shown()).toEqual([]);
    await react(b, a, 'like');
    expect(await shown()).toEqual([['like', undefined]]);
    await react(a, b, 'pass');
    expect(await shown()).toEqual([]);
    await undo(a, b);
    expect(await shown()).toEqual([['like', undefined]]);
    await react(a, b, 'like');
    expect(await shown()).toEqual([]);
  });
  test('comes in pages', async () => {
    const star = await world().person('pagestar', { tenant: 'aurora' });
    const fans = await Promise.all([1, 2, 3, 4, 5].map((n) => world().person(`fan${n}`, { tenant: 'aurora' })));
    for (const fan of fans) await react(fan, star, 'like');
    await react(fans[1] as Person, star, 'pass');
    await world().drain();
    const first = (await star.call('GET', '/v1/likes?limit=2')).body;
    expect([first.likes.map(({ by }: Json) => by), first.more]).toEqual([['fan1', 'fan3'], true]);
    const second = (await star.call('GET', '/v1/likes?limit=2&after=fan3')).body;
    expect([second.likes.map(({ by }: Json) => by), second.more]).toEqual([['fan4', 'fan5'], false]);
  });
});
