/** Who is looking is not notified; who is not looking is, once; who logged out never. */
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { type Frame, type Json, key, type Person, useWorld } from '../world.ts';
import { readTables } from './tables.ts';

const world = useWorld({ graceSeconds: 1 });

/** An APNs token of this name. */
const token = (name: string): string => createHash('sha256').update(name).digest('hex').replace(/^dead/, 'beef');
const address = (name: string) => ({
  kind: 'apns',
  value: token(name),
  app: 'example.chorus.demo',
  environment: 'sandbox',
});
const ios = (name: string) => ({ platform: 'ios', push: address(name), locale: 'en', appVersion: '1.0' });
const register = async (person: Person, device: string, body: unknown): Promise<void> =>
  expect((await person.call('PUT', `/v1/devices/${device}`, body)).body).toEqual({ deviceId: device, push: true });
const shown = async (name: string): Promise<Json[]> =>
  (await world().pushes()).filter((push: Json) => push.token === token(name));

/** Two people who have matched; whoever registers now hears of what comes now. */
const pair = async (prefix: string) => {
  const { a, b, conversationId } = await world().matched(`${prefix}-ada`, `${prefix}-ben`);
  await world().drain();
  const stream = `conversation/${conversationId}`;
  const say = (after: number, text = 'hello', name = key()) =>
    a.call('POST', `/v1/conversations/${conversationId}/messages`, { text, after }, name);
  /** What became of the push of one version. */
  const decided = async (v: number, device = 'phone'): Promise<string> => {
    const isIt = (entry: Json) =>
      entry.msg === 'push decided' &&
      entry.what === 'show' &&
      entry.stream === stream &&
      entry.v === v &&
      entry.device === device;
    const { decision, reason } = await world().logged(isIt);
    return reason ? `${decision}: ${reason}` : decision;
  };
  /** The job is in the queue. */
  const queued = (v: number, device = 'phone') =>
    world().logged(
      (entry) => entry.msg === 'push queued' && entry.stream === stream && entry.v === v && entry.device === device,
    );
  const holds = (v: number) => (frame: Frame) =>
    frame.type === 'events' && frame.stream === stream && frame.events.some((event: Json) => event.v === v);
  return { a, b, stream, conversationId, say, decided, queued, holds };
};

describe('a device that is not connected', () => {
  test('is notified at once, of the message and where it is, and its sender is not', async () => {
    const { a, b, stream, say, decided } = await pair('u');
    await register(a, 'phone', ios('u-ada'));
    await register(b, 'phone', ios('u-ben'));
    await say(1, 'shall we dance?');
    expect(await decided(2)).toBe('sent');
    await world().drain();
    const [push, ...more] = await shown('u-ben');
    expect(more).toEqual([]);
    expect(push).toMatchObject({ platform: 'ios', visible: true, deliveries: 1, locArgs: [a.user, 'shall we dance?'] });
    expect(push.payload.chorus).toMatchObject({ type: 'show', stream, v: '2', user: b.user, badge: '1' });
    expect(push.badge).toBe(1);
    expect(await shown('u-ada')).toEqual([]);
  });
  test('is notified through FCM where it is an Android', async () => {
    const { b, say, decided } = await pair('f');
    const fcm = { kind: 'fcm-token', value: 'f-ben-token', app: 'example.chorus.demo', environment: 'production' };
    await register(b, 'phone', { platform: 'android', push: fcm, locale: 'pt-BR', appVersion: '2.0+7' });
    await say(1);
    expect(await decided(2)).toBe('sent');
    expect((await world().pushes()).filter((push: Json) => push.token === 'f-ben-token')).toHaveLength(1);
  });
  test('is notified once of a message that is sent again and again', async () => {
    const { b, say, decided } = await pair('o');
    await register(b, 'phone', ios('o-ben'));
    for (let i = 0; i < 4; i++) await say(1, 'once', key('o-1'));
    await decided(2);
    await world().drain();
    expect((await shown('o-ben')).map(({ deliveries }) => deliveries)).toEqual([1]);
  });
  test('is notified of a match, unless it is theirs who made it by liking back', async () => {
    const [ada, ben] = [await world().person('m-ada'), await world().person('m-ben')];
    await register(ada, 'phone', ios('m-ada'));
    await register(ben, 'phone', ios('m-ben'));
    await world().matched('m-ben', 'm-ada');
    await world().drain();
    expect(await shown('m-ben')).toMatchObject([{ locKey: 'match.body', locArgs: ['m-ada'] }]);
    expect(await shown('m-ada')).toEqual([]);
  });
});

describe('a device that is connected', () => {
  test('and acknowledges is not notified', async () => {
    const { b, stream, say, decided, holds } = await pair('c');
    await register(b, 'phone', ios('c-ben'));
    const phone = await b.connect('phone');
    await say(1);
    await phone.until(holds(2));
    phone.send({ type: 'ack', stream, v: 2 });
    expect(await decided(2)).toBe('skipped: acknowledged');
    expect(await shown('c-ben')).toEqual([]);
  });
  test('and does not acknowledge is notified after the grace, and not before', async () => {
    const { b, say, decided, holds } = await pair('g');
    await register(b, 'phone', ios('g-ben'));
    const phone = await b.connect('phone');
    const { at } = (await say(1)).body;
    await phone.until(holds(2));
    expect(await decided(2)).toBe('sent');
    const [push] = await shown('g-ben');
    expect(Date.parse(push.at) - Date.parse(at)).toBeGreaterThanOrEqual(1000);
  });
  test('is not notified of what was read on another device meanwhile', async () => {
    const { b, conversationId, say, decided, queued, holds } = await pair('x');
    await register(b, 'phone', ios('x-ben'));
    const phone = await b.connect('phone');
    await say(1);
    await phone.until(holds(2));
    await queued(2);
    await b.call('PUT', `/v1/conversations/${conversationId}/read`, { upTo: 1 });
    expect(await decided(2)).toBe('skipped: read');
    expect(await shown('x-ben')).toEqual([]);
  });
});

describe('after a logout', () => {
  test('nothing is sent to the device, not even what was waiting', async () => {
    const { b, say, decided, queued } = await pair('l');
    await register(b, 'phone', ios('l-ben'));
    const phone = await b.connect('phone');
    await say(1);
    expect((await queued(2)).delay).toBe(1);
    expect((await b.call('DELETE', '/v1/devices/phone')).status).toBe(204);
    await phone.until(({ type, code }) => type === 'closing' && code === 'logged-out');
    await say(2);
    expect(await decided(2)).toBe('skipped: device gone');
    await world().drain();
    expect(await shown('l-ben')).toEqual([]);
  });
  test('the address is its new owner’s alone', async () => {
    const first = await pair('p');
    const second = await pair('q');
    await register(first.b, 'phone', ios('shared'));
    await register(second.b, 'phone', ios('shared'));
    await register(first.b, 'tablet', ios('p-tablet'));
    await first.say(1, 'for the first');
    await second.say(1, 'for the second');
    await Promise.all([first.decided(2, 'tablet'), second.decided(2)]);
    await world().drain();
    expect((await shown('shared')).map(({ locArgs }) => locArgs[1])).toEqual(['for the second']);
  });
  test('an address that ten people register at once is one’s alone', async () => {
    const people = await Promise.all(Array.from({ length: 10 }, (_, i) => world().person(`r-${i}`)));
    const insist = async (person: Person, tries = 10): Promise<number> => {
      const { status } = await person.call('PUT', '/v1/devices/phone', ios('raced'));
      return status === 503 && tries > 1 ? insist(person, tries - 1) : status;
    };
    expect(await Promise.all(people.map((person) => insist(person)))).toEqual(people.map(() => 200));
    const { devices } = await readTables(world());
    const holders = devices.filter(({ push }) => push?.value === token('raced'));
    const owners = devices.filter(({ pk, person }) => pk.includes('#token#') && /^r-/.test(person));
    expect([holders.length, owners.length]).toEqual([1, 1]);
    expect([owners[0]?.person, owners[0]?.device]).toEqual([holders[0]?.person, holders[0]?.device]);
  });
});
