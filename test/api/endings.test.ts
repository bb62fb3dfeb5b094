/** How connections end: the token's time, a logout, too many devices. */
import { describe, expect, test } from 'vitest';
import type { Send } from '../../core/ddb.ts';
import { makeDeps, ports } from '../../core/deps.ts';
import { Session } from '../../core/socket.ts';
import { claimConnection } from '../../functions/sync/connections.ts';
import { type Frame, type Json, key, type Person, useWorld } from '../world.ts';
import { readTables } from './tables.ts';

const world = useWorld();

const registration = { platform: 'ios', locale: 'en', appVersion: '1.0' };
const rowOf = async (device: string, user: string): Promise<Json> =>
  (await readTables(world())).devices.find(({ pk, sk }) => pk === `demo#person#${user}` && sk === `device#${device}`);
const say = (from: Person, conversationId: string, after: number) =>
  from.call('POST', `/v1/conversations/${conversationId}/messages`, { text: 'hello', after }, key());
/** The end of a run of the function that closes connections whose token has ended. */
const isExpiry = ({ msg, fn }: Json): boolean => msg === 'done' && /expire/i.test(fn);
const isClosing = ({ type }: Frame): boolean => type === 'closing';

describe('a connection', () => {
  test('ends with the access token that its ticket was bought with, and hears nothing after', async () => {
    const { a, conversationId } = await world().matched('e-ada', 'e-ben');
    const brief = await world().person('e-ben', { ttlSeconds: 3 });
    const phone = await brief.connect('phone');
    await say(a, conversationId, 1);
    await phone.until(({ type }) => type === 'events');
    expect(await phone.until(isClosing)).toEqual({ type: 'closing', code: 'token-expired' });
    await phone.closed;
    expect((await brief.call('GET', '/v1/sync')).body.code).toBe('token-expired');
    const heard = phone.frames.length;
    await say(a, conversationId, 2);
    await world().drain();
    expect(phone.frames).toHaveLength(heard);
    expect((await rowOf('phone', 'e-ben')).connection).toBeUndefined();
  });
  test('outlives the token of an earlier connection of the same device', async () => {
    const { a, conversationId } = await world().matched('x-ada', 'x-ben');
    const [brief, long] = [await world().person('x-ben', { ttlSeconds: 3 }), await world().person('x-ben')];
    const first = await brief.connect('phone');
    const second = await long.connect('phone');
    await first.closed;
    const before = new Set(world().log);
    await world().logged((entry) => isExpiry(entry) && !before.has(entry));
    await say(a, conversationId, 1);
    await second.until(({ type }) => type === 'events');
    expect(second.frames.filter(isClosing)).toEqual([]);
  });
  test('ends with a logout, says so, and leaves nothing of the device but its epoch', async () => {
    const { a, b, conversationId } = await world().matched('l-ada', 'l-ben');
    await b.call('PUT', '/v1/devices/phone', registration);
    const [phone, tablet] = await Promise.all([b.connect('phone'), b.connect('tablet')]);
    expect((await b.call('DELETE', '/v1/devices/phone')).status).toBe(204);
    expect(await phone.until(isClosing)).toEqual({ type: 'closing', code: 'logged-out' });
    await phone.closed;
    await say(a, conversationId, 1);
    await tablet.until(({ type }) => type === 'events');
    expect(phone.frames.filter(({ type }) => type === 'events')).toEqual([]);
    const left = ['device', 'epoch', 'expires', 'loggedOut', 'person', 'pk', 'sk'];
    expect(Object.keys((await rowOf('phone', b.user)) ?? {}).sort()).toEqual(left);
    expect((await b.call('DELETE', '/v1/devices/phone')).status).toBe(204);
  });
});

describe('a person', () => {
  test('can be reached after a device logged out at the moment in which it connected', async () => {
    const { a, b, conversationId } = await world().matched('r-ada', 'r-ben');
    const tablet = await b.connect('tablet');
    await b.call('PUT', '/v1/devices/phone', registration);
    // A moment that does not come often: the logout between the handshake's read and its write.
    const send: Send = async (command) => {
      if (command.constructor.name === 'UpdateCommand') await b.call('DELETE', '/v1/devices/phone');
      return ports.send(command);
    };
    const session = Session.parse({ tenant: 'demo', user: b.user, device: 'phone', expires: 2 ** 31 });
    await claimConnection(makeDeps({ read: 0, write: 0 }, { ...ports, send }), session, 'connection');
    await say(a, conversationId, 1);
    await tablet.until(({ type }) => type === 'events');
    await world().drain();
    expect(world().log.filter(({ level, msg }) => level === 'error' || msg === 'ring failed')).toEqual([]);
  });
  test('can have 20 devices; the next ends the oldest, whose connection is closed', async () => {
    const ada = await world().person('m-ada');
    const put = (device: string) => ada.call('PUT', `/v1/devices/${device}`, registration);
    const health = async (device: string) => (await ada.call('GET', `/v1/devices/${device}`)).body;
    for (let i = 1; i <= 20; i++) expect((await put(`phone-${i}`)).status).toBe(200);
    const oldest = await ada.connect('phone-1');
    expect((await put('phone-21')).status).toBe(200);
    expect(await oldest.until(isClosing)).toEqual({ type: 'closing', code: 'logged-out' });
    await oldest.closed;
    expect(await health('phone-1')).toMatchObject({ retired: 'too-many-devices', action: 'register' });
    expect((await put('phone-2')).status).toBe(200);
    const tablet = await ada.connect('tablet');
    expect(await health('phone-3')).toMatchObject({ retired: 'too-many-devices' });
    expect((await put('phone-1')).status).toBe(200);
    expect((await tablet.until(isClosing)).code).toBe('logged-out');
    const { devices } = await readTables(world());
    expect(devices.filter(({ pk, loggedOut }) => pk === 'demo#person#m-ada' && !loggedOut)).toHaveLength(20);
  });
  test('whose device was ended is told so until it registers, also while it is connected', async () => {
    const ada = await world().person('o-ada');
    const put = (device: string) => ada.call('PUT', `/v1/devices/${device}`, registration);
    const health = async () => (await ada.call('GET', '/v1/devices/phone-1')).body;
    for (let i = 1; i <= 21; i++) expect((await put(`phone-${i}`)).status).toBe(200);
    const oldest = await ada.connect('phone-1');
    expect(await health()).toMatchObject({ retired: 'too-many-devices', action: 'register' });
    oldest.close();
    expect((await put('phone-1')).status).toBe(200);
    expect(await health()).not.toHaveProperty('retired');
  });
});
