/** What people write and are called arrives as it was sent: in frames, pages, syncs and notifications, to the byte. */
import { describe, expect, test } from 'vitest';
import { type Frame, type Json, key, useWorld } from '../world.ts';

const world = useWorld();

const android = (value: string) => ({
  ...{ platform: 'android', locale: 'en', appVersion: '1.0' },
  push: { kind: 'fcm-token', value, app: 'example.chorus.demo', environment: 'production' },
});

describe('a text', () => {
  test.each([
    ['with quotes, slashes and brackets', `"\\'/</script>{}[]$\{x}`],
    ['that looks like keys', 'demo#person#ada%23v#11'],
    ['that looks like JSON', '{"text":"x","__proto__":1}'],
    ['on several lines, with tabs', 'one\n\ttwo\n'],
    ['of composed and decomposed letters', 'e\u0301 \u00e9 \ufb01 A\u030a \u212b'],
    ['of emoji, families and flags', '👩‍👩‍👧‍👦 🏳️‍🌈 🇸🇪 👍🏽'],
    ['from right to left', '\u05e9\u05dc\u05d5\u05dd \u0639\u0644\u064a \u202eabc'],
    ['with line separators', 'a\u2028b\u2029c'],
    ['with what is no character', 'a\ufffeb\uffff'],
    ['with many marks', `Z${'\u0351'.repeat(60)}`],
    ['of 4,000 characters of four bytes', '😀'.repeat(4000)],
    ['of 4,000 quotes', '"'.repeat(4000)],
  ])('%s', async (name, text) => {
    const at = name.replaceAll(/\W/g, '-').slice(0, 40);
    const { a, b, conversationId } = await world().matched(`a-${at}`, `b-${at}`);
    await world().drain();
    await b.call('PUT', '/v1/devices/tablet', android(at));
    const phone = await b.connect('phone');
    const path = `/v1/conversations/${conversationId}/messages`;
    const sent = await a.call('POST', path, { text, after: 1 }, key());
    expect([sent.status, sent.body.text]).toEqual([201, text]);
    const isText = ({ type, events }: Frame) => type === 'events' && events.some((event: Json) => event.text === text);
    const frame = await phone.until(isText);
    expect(Buffer.byteLength(JSON.stringify(frame)), 'a frame of API Gateway').toBeLessThanOrEqual(32 * 1024);
    expect((await b.call('GET', path)).body.messages[0].text).toBe(text);
    const { streams } = (await b.call('GET', '/v1/sync')).body;
    expect(streams.flatMap(({ events }: Json) => events).map((event: Json) => event.text)).toContain(text);
    await world().drain();
    const [push] = (await world().pushes()).filter(({ token }: Json) => token === at);
    const whole = [...text];
    // An override of the writing direction ends with the text, and not in the middle of the app's own words.
    const shown = text.includes('\u202e') ? `${text}\u202c` : text;
    expect(push.locArgs[1]).toBe(whole.length <= 200 ? shown : `${whole.slice(0, 199).join('')}…`);
    const inLog = JSON.stringify(text).slice(1, -1);
    expect(
      world().log.filter((entry) => JSON.stringify(entry).includes(inLog)),
      'the log holds ids only',
    ).toEqual([]);
    phone.close();
  });
});

test.each([
  ['auth0|a.b:c-d_e', 'google-oauth2|1'],
  ['A', 'a'],
  ['u1', 'u10'],
  ['x'.repeat(64), 'y'.repeat(64)],
])('people may be called %s and %s', async (first, second) => {
  const { a, b, conversationId } = await world().matched(first, second);
  const phone = await b.connect('phone');
  const path = `/v1/conversations/${conversationId}`;
  await a.call('POST', `${path}/messages`, { text: 'hello', after: 1 }, key());
  await phone.until(({ type }) => type === 'events');
  phone.send({ type: 'ack', stream: `person/${second}`, v: 1 });
  await world().logged(({ msg, user, stream }) => msg === 'acknowledged' && user === second && /person/.test(stream));
  expect((await b.call('PUT', `${path}/read`, { upTo: 1 })).body).toEqual({ read: 1, unread: 0 });
  await world().drain();
  const { streams } = (await a.call('GET', '/v1/sync')).body;
  expect(streams.map(({ stream }: Json) => stream).sort()).toEqual([
    `conversation/${conversationId}`,
    `person/${first}`,
  ]);
  expect(streams.find(({ stream }: Json) => stream.startsWith('conversation')).seen).toEqual({ [second]: 1 });
  expect((await a.call('GET', '/v1/matches')).body.matches.map((match: Json) => match.with)).toEqual([second]);
});
