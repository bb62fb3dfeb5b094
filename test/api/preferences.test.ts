/** What a person sets, preferences and mutes, and that each device of theirs comes to have it: by frame, or by sync. */
import { describe, expect, test } from 'vitest';
import { type Frame, type Json, type Person, useWorld } from '../world.ts';
import { readTables, setAttribute, writingNothing } from './tables.ts';
import { expectProblem, wireAs } from './wire.ts';

const world = useWorld();
const night = { from: '22:00', to: '07:00' };
const inAnHour = (): string => new Date(Date.now() + 3_600_000).toISOString();
const headOf = (person: Person, cursor?: string): Promise<Json> =>
  person.call('GET', `/v1/sync${cursor === undefined ? '' : `?cursor=${cursor}`}`).then(({ body }) => body);
const partOf = ({ streams }: Json, stream: string): Json => streams.find((part: Json) => part.stream === stream);

describe('preferences', () => {
  test('are the defaults for who never said any', async () => {
    const me = await world().person('p-new');
    const { status, body } = await writingNothing(world(), () => me.call('GET', '/v1/preferences'));
    expect([status, body]).toEqual([200, { kinds: {} }]);
  });
  test('are as they were said last, as a whole', async () => {
    const me = await world().person('p-whole');
    for (const said of [{ kinds: { messages: 'none' }, quiet: night }, { kinds: { matches: 'none' } }, { kinds: {} }]) {
      const put = await me.call('PUT', '/v1/preferences', said);
      expect([put.status, put.body]).toEqual([200, said]);
      expect((await me.call('GET', '/v1/preferences')).body).toEqual(said);
    }
  });
  test('said again write nothing', async () => {
    const me = await world().person('p-again');
    const said = { kinds: { messages: 'push', matches: 'none' }, quiet: night };
    await me.call('PUT', '/v1/preferences', said);
    const again = { quiet: { to: night.to, from: night.from }, kinds: { matches: 'none', messages: 'push' } };
    const { status, body } = await writingNothing(world(), () => me.call('PUT', '/v1/preferences', again));
    expect([status, body]).toEqual([200, said]);
  });
  test('reach every open device, and by sync the one that was away', async () => {
    const me = await world().person('p-all');
    const { cursor } = await headOf(me);
    const [phone, tablet] = await Promise.all([me.connect('phone'), me.connect('tablet')]);
    await me.call('PUT', '/v1/preferences', { kinds: { matches: 'none' } });
    const event = { v: 1, type: 'PreferencesSet', person: 'p-all', preferences: { kinds: { matches: 'none' } } };
    for (const device of [phone, tablet]) {
      const { stream, events } = await device.until(({ type }) => type === 'events');
      expect([stream, events]).toEqual([
        'person/p-all',
        [{ ...event, commandId: expect.anything(), at: expect.anything() }],
      ]);
    }
    await world().drain();
    const { state, v } = partOf(await headOf(me, cursor), 'person/p-all');
    expect([v, state]).toEqual([1, { person: 'p-all', preferences: { kinds: { matches: 'none' } } }]);
  });
  test('of two devices that say at once end as one of them, with both in the stream', async () => {
    const me = await world().person('p-race');
    const all = (['push', 'none'] as const).map((messages) => ({ kinds: { messages } }));
    const answers = await Promise.all(all.map((said) => me.call('PUT', '/v1/preferences', said)));
    expect(answers.map(({ status, body }) => [status, body])).toEqual(all.map((said) => [200, said]));
    await world().drain();
    const { state, events } = partOf(await headOf(me), 'person/p-race');
    expect(events.map(({ v }: Json) => v)).toEqual([1, 2]);
    expect((await me.call('GET', '/v1/preferences')).body).toEqual(state.preferences);
  });
  test.each<[string, string, string]>([
    ['nothing', '{}', 'body.kinds'],
    ['null', 'null', 'body'],
    ['an unknown key', '{"kinds":{},"volume":3}', 'body.volume'],
    ['an unknown kind', '{"kinds":{"calls":"none"}}', 'body.kinds.calls'],
    ['a kind named as a prototype', '{"kinds":{"constructor":"none"}}', 'body.kinds.constructor'],
    ['an unknown way', '{"kinds":{"matches":"mail"}}', 'body.kinds.matches'],
    ['no end of the night', '{"kinds":{},"quiet":{"from":"22:00"}}', 'body.quiet.to'],
    ['a night of null', '{"kinds":{},"quiet":null}', 'body.quiet'],
    ['a night with days', '{"kinds":{},"quiet":{"from":"22:00","to":"07:00","days":[1]}}', 'body.quiet.days'],
    ['24:00', '{"kinds":{},"quiet":{"from":"24:00","to":"07:00"}}', 'body.quiet.from'],
    ['7:00', '{"kinds":{},"quiet":{"from":"22:00","to":"7:00"}}', 'body.quiet.to'],
    ['07:60', '{"kinds":{},"quiet":{"from":"22:00","to":"07:60"}}', 'body.quiet.to'],
    ['seconds', '{"kinds":{},"quiet":{"from":"22:00:00","to":"07:00"}}', 'body.quiet.from'],
    ['a line more', '{"kinds":{},"quiet":{"from":"22:00\\n","to":"07:00"}}', 'body.quiet.from'],
    ['a night without a length', '{"kinds":{},"quiet":{"from":"22:00","to":"22:00"}}', 'body.quiet.to'],
  ])('with %s are refused', async (_, body, field) => {
    const me = await world().person('p-bad');
    const answer = await writingNothing(world(), () => wireAs(world(), me, 'PUT', '/v1/preferences', { body }));
    expectProblem(world(), answer, 400, 'invalid', field);
  });
});

const muting = async (prefix: string) => {
  const { a, b, conversationId } = await world().matched(`${prefix}-ada`, `${prefix}-ben`);
  await world().drain();
  const path = `/v1/conversations/${conversationId}/mute`;
  return {
    a,
    b,
    path,
    stream: `conversation/${conversationId}`,
    put: (until: string) => a.call('PUT', path, { until }),
  };
};
const isMute = (stream: string, mutes: number) => (frame: Frame) =>
  frame.type === 'inbox' && frame.stream === stream && frame.mutes === mutes;

describe('a mute', () => {
  test('holds until it is ended, and each change counts one', async () => {
    const { a, b, path, stream, put } = await muting('m-count');
    const until = inAnHour();
    expect(partOf(await headOf(a), stream)).toMatchObject({ mutes: 0 });
    for (const [i, ask] of [() => put('forever'), () => put(until), () => a.call('DELETE', path)].entries()) {
      const muted = ['forever', until, null][i];
      const { status, body } = await ask();
      expect([status, body]).toEqual([200, { muted }]);
      const part = partOf(await headOf(a), stream);
      expect([part.muted ?? null, part.mutes]).toEqual([muted, i + 1]);
      const again = await writingNothing(world(), ask);
      expect([again.status, again.body], 'said again').toEqual([200, { muted }]);
    }
    const theirs = partOf(await headOf(b), stream);
    expect([theirs.muted, theirs.mutes], 'is nobody else’s').toEqual([undefined, 0]);
  });
  test('is one moment, however it is written', async () => {
    const { put } = await muting('m-ms');
    const second = `${inAnHour().slice(0, 19)}Z`;
    const stored = new Date(second).toISOString();
    expect((await put(second)).body).toEqual({ muted: stored });
    expect((await writingNothing(world(), () => put(stored))).body).toEqual({ muted: stored });
  });
  test('is told to every open device of the person and to nobody else', async () => {
    const { a, b, path, stream, put } = await muting('m-told');
    const [phone, tablet, theirs] = await Promise.all([a.connect('phone'), a.connect('tablet'), b.connect('phone')]);
    await put('forever');
    await a.call('DELETE', path);
    for (const device of [phone, tablet]) {
      expect(await device.until(isMute(stream, 1))).toMatchObject({ v: 1, muted: 'forever' });
      expect(await device.until(isMute(stream, 2))).not.toHaveProperty('muted');
    }
    await world().drain();
    expect(theirs.frames.filter(({ type }) => type === 'inbox')).toEqual([]);
  });
  test('whose teller died is told by the inbox’s stream', async () => {
    const { a, stream } = await muting('m-died');
    const phone = await a.connect('phone');
    const { inbox } = await readTables(world());
    const row = inbox.find((each) => each.person === a.user && each.stream === stream);
    if (!row) throw new Error('no pointer');
    await setAttribute(world(), 'inbox', row, 'muted', 'forever');
    await setAttribute(world(), 'inbox', row, 'mutes', 1);
    expect(await phone.until(isMute(stream, 1))).toMatchObject({ muted: 'forever' });
  });
  test('that was said again is told to nobody', async () => {
    const { a, stream, put } = await muting('m-again');
    await put('forever');
    await world().drain();
    const phone = await a.connect('phone');
    await put('forever');
    await world().drain();
    phone.send({ type: 'ping' });
    await phone.until(({ type }) => type === 'pong');
    expect(phone.frames.filter((frame) => isMute(stream, 1)(frame))).toEqual([]);
  });
  test('reaches a device that was away by sync, and its ping shows that it was missing', async () => {
    const { a, stream, put } = await muting('m-away');
    const { cursor } = await headOf(a);
    const sumOf = async (device: string): Promise<number> => {
      const phone = await a.connect(device);
      phone.send({ type: 'ping' });
      const { registers } = await phone.until(({ type }) => type === 'pong');
      phone.close();
      return registers;
    };
    const before = await sumOf('one');
    await put('forever');
    expect(await sumOf('two')).toBe(before + 1);
    const moved = await headOf(a, cursor);
    expect(moved.streams).toMatchObject([{ stream, muted: 'forever', mutes: 1, events: [] }]);
    expect((await headOf(a, moved.cursor)).streams).toEqual([]);
  });
  test('stays through messages, reading and acknowledgements', async () => {
    const { a, b, stream, path, put } = await muting('m-stays');
    await put('forever');
    const messages = path.replace('/mute', '/messages');
    for (const [after, from] of [a, b].entries())
      await from.call('POST', messages, { text: 'hi', after: after + 1 }, { 'idempotency-key': `k-${after}` });
    await a.call('PUT', path.replace('/mute', '/read'), { upTo: 2 });
    await world().drain();
    expect(partOf(await headOf(a), stream)).toMatchObject({ v: 3, read: 2, muted: 'forever', mutes: 1 });
  });
  test('of many devices at once counts what changed, and all hear the same last one', async () => {
    const { a, path, stream, put } = await muting('m-many');
    const phone = await a.connect('phone');
    const asks = [1, 2, 3, 4, 5, 6].map((n) =>
      n % 3 === 0 ? a.call('DELETE', path) : put(n % 2 ? 'forever' : inAnHour()),
    );
    for (const { status } of await Promise.all(asks)) expect(status).toBe(200);
    await world().drain();
    const { muted, mutes } = partOf(await headOf(a), stream);
    expect(await phone.until(isMute(stream, mutes))).toMatchObject(muted === undefined ? { mutes } : { muted, mutes });
    const heard = phone.frames.filter(({ type }) => type === 'inbox').map((frame) => [frame.mutes, frame.muted]);
    expect(new Set(heard.map(([n]) => n)).size, 'one number, one mute').toBe(new Set(heard.map(String)).size);
  });
  const soon = inAnHour();
  test.each<[string, string, string, string?]>([
    ['nothing', '{}', 'body.until'],
    ['null', '{"until":null}', 'body.until'],
    ['a number', '{"until":3600}', 'body.until'],
    ['never', '{"until":"never"}', 'body.until'],
    ['no time', '{"until":"2099-01-01"}', 'body.until'],
    ['no zone', `{"until":"${soon.slice(0, -1)}"}`, 'body.until'],
    ['another zone', `{"until":"${soon.slice(0, -1)}+02:00"}`, 'body.until'],
    ['a day that is none', '{"until":"2027-02-30T00:00:00Z"}', 'body.until'],
    ['the past', '{"until":"2020-01-01T00:00:00Z"}', 'body.until', 'must be a moment that is still to come'],
    ['ages', '{"until":"2999-01-01T00:00:00Z"}', 'body.until', 'must be within a year; say `forever` for longer'],
    ['more', '{"until":"forever","why":1}', 'body.why'],
  ])('until %s is refused', async (_, body, field, rule) => {
    const { a, path } = await muting('m-bad');
    const answer = await writingNothing(world(), () => wireAs(world(), a, 'PUT', path, { body }));
    expectProblem(world(), answer, 400, 'invalid', field);
    if (rule) expect(answer.body.errors[0].rule).toBe(rule);
  });
  test('takes no body to end', async () => {
    const { a, path } = await muting('m-body');
    expectProblem(world(), await wireAs(world(), a, 'DELETE', path, { body: '{}' }), 400, 'invalid', 'body');
  });
});
