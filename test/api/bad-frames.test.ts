/** Bad input over WebSocket: a frame that says what is wrong, or the close code; nothing is written, others go on. */
import { beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { type Frame, key, type Person, type Phone, useWorld } from '../world.ts';
import { readTables, writingNothing } from './tables.ts';
import { expectNoInternals } from './wire.ts';

const world = useWorld();
let ada: Person;
let cleo: Person;
let stream: string;
let phone: Phone;

beforeAll(async () => {
  const { a, conversationId } = await world().matched('ada', 'ben');
  [ada, cleo] = [a, await world().person('cleo')];
  stream = `conversation/${conversationId}`;
  await a.call('POST', `/v1/conversations/${conversationId}/messages`, { text: 'hello', after: 1 }, key());
  phone = await ada.connect('phone');
});

/** The answer to one frame, on a connection that hears of nothing else. */
const answerTo = async (frame: unknown, to = phone): Promise<Frame> => {
  const before = new Set(to.frames);
  return writingNothing(world(), () => {
    to.send(frame);
    return to.until((each) => !before.has(each));
  });
};
const isServed = async (): Promise<void> => expect((await answerTo({ type: 'ping' })).type).toBe('pong');

describe('a frame is answered with its problem that', () => {
  const ack = (more: object) => JSON.stringify({ type: 'ack', stream, v: 1, ...more });
  test.each<[string, () => string, string, string]>([
    ['is empty', () => ' ', 'malformed-json', ''],
    ['is no JSON', () => 'ping', 'malformed-json', ''],
    ['is a list', () => '[1]', 'invalid', 'frame'],
    ['is null', () => 'null', 'invalid', 'frame'],
    ['is deep', () => '['.repeat(20_000), 'too-deep', ''],
    ['has a key twice', () => `{"type":"ping","type":"ping"}`, 'duplicate-key', ''],
    ['names a prototype', () => `{"type":"ping","__proto__":{}}`, 'invalid', ''],
    ['has an unknown key', () => `{"type":"ping","token":"x"}`, 'invalid', 'frame'],
    ['has no type', () => '{}', 'invalid', 'type'],
    ['is of a type that only servers send', () => `{"type":"events","stream":"x","events":[]}`, 'invalid', 'type'],
    ['acknowledges nothing', () => ack({ v: 0 }), 'invalid', 'v'],
    ['acknowledges a negative version', () => ack({ v: -1 }), 'invalid', 'v'],
    ['acknowledges a fraction', () => ack({ v: 1.5 }), 'invalid', 'v'],
    ['acknowledges an endless number', () => ack({}).replace('"v":1', '"v":1e9999'), 'invalid', 'v'],
    ['acknowledges text', () => ack({ v: '1' }), 'invalid', 'v'],
    ['acknowledges a version never sent', () => ack({ v: 3 }), 'never-sent', 'v'],
    ['acknowledges the largest version there is', () => ack({ v: 2 ** 53 - 1 }), 'never-sent', 'v'],
    ['acknowledges no stream', () => ack({ stream: 'x' }), 'invalid', 'stream'],
    [
      'acknowledges a stream that does not exist',
      () => ack({ stream: 'conversation/cnv_none' }),
      'not-found',
      'stream',
    ],
    ['acknowledges a key of the database', () => ack({ stream: `conversation#${stream}%23` }), 'invalid', 'stream'],
    ['acknowledges what two feel', () => ack({ stream: 'pair/ada+ben' }), 'not-found', 'stream'],
    ['acknowledges what is another’s own', () => ack({ stream: 'person/ben' }), 'not-found', 'stream'],
  ])('%s', async (_, frame, code, field) => {
    const answer = await answerTo(frame());
    expect(answer).toEqual({ type: 'problem', code, detail: expect.any(String) });
    expect(answer.detail).toMatch(field ? new RegExp(`^${field}: .`) : /^The .*\.$/);
    expectNoInternals(world(), JSON.stringify(answer));
    await isServed();
  });
  test.each(['\ud800', '\udfffx', '\u0000', '\u202e'])('acknowledges a stream with %j in its name', async (odd) => {
    const answer = await answerTo(ack({ stream: `conversation/${odd}` }));
    expect(answer).toEqual({
      type: 'problem',
      code: expect.stringMatching(/^(invalid|not-found)$/),
      detail: answer.detail,
    });
    expect(answer.detail).toMatch(/^stream: ./);
    await isServed();
  });
  test('acknowledges another’s conversation, in the words for one that does not exist', async () => {
    const theirs = await cleo.connect('phone');
    const foreign = await answerTo({ type: 'ack', stream, v: 1 }, theirs);
    const missing = await answerTo({ type: 'ack', stream: 'conversation/cnv_AAAAAAAAAAAAAAAAAAAAAA', v: 1 }, theirs);
    expect([foreign.code, JSON.stringify(foreign)]).toEqual(['not-found', JSON.stringify(missing)]);
    theirs.close();
  });
  test('is binary and no text', async () => {
    const { ticket } = (await ada.call('POST', '/v1/socket-tickets', {})).body;
    const socket = new WebSocket(`${world().ws}/?ticket=${ticket}&device=binary`);
    await new Promise((resolve) => socket.once('open', resolve));
    socket.send(Buffer.from([0xff, 0xfe, 0x00, 0x80]));
    const answer = await new Promise((resolve) => socket.once('message', (data) => resolve(JSON.parse(String(data)))));
    expect(answer).toMatchObject({ type: 'problem', code: 'malformed-json' });
    socket.close();
  });
});

describe('a connection is closed', () => {
  test.each([
    ['of more than 32 KB', 'x'.repeat(32 * 1024 + 1)],
    ['of 5 MB', 'x'.repeat(5_000_000)],
    ['of 100,000 lists', '['.repeat(100_000)],
  ])('with code 1009 for a frame %s, and others are served', async (_, frame) => {
    const tablet = await ada.connect('tablet');
    const before = new Set(phone.frames);
    tablet.send(frame);
    expect(await tablet.closed).toBe(1009);
    phone.send({ type: 'ping' });
    await phone.until((each) => !before.has(each) && each.type === 'pong');
    expect((await ada.call('GET', '/v1/sync')).status).toBe(200);
  });
  test('by nobody for 200 bad frames, and each is answered', async () => {
    const tablet = await ada.connect('tablet');
    const before = await readTables(world());
    for (let i = 0; i < 200; i++) tablet.send(`{"type":"bad","i":${i}`);
    await tablet.until(() => tablet.frames.length === 200);
    expect(new Set(tablet.frames.map(({ code }) => code))).toEqual(new Set(['malformed-json']));
    expect((await readTables(world())).inbox).toEqual(before.inbox);
    tablet.close();
  });
});
