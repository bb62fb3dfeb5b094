/** A person's list of devices, and what becomes of one that another of them revokes. */
import { beforeAll, describe, expect, test } from 'vitest';
import { type Json, key, type Person, useWorld } from '../world.ts';
import { readTables } from './tables.ts';

const world = useWorld({ graceSeconds: 1 });
let ada: Person;
let ben: Person;
let conversationId: string;
beforeAll(async () => {
  ({ a: ada, b: ben, conversationId } = await world().matched('ada', 'ben'));
});

const token = (name: string): string => Buffer.from(name).toString('hex').padEnd(64, '0');
const registration = (name: string) => ({
  ...{ platform: 'ios', locale: 'de-DE', timeZone: 'Europe/Berlin', appVersion: '3.1' },
  push: { kind: 'apns', value: token(name), app: 'example.chorus.demo', environment: 'production' },
});
const register = (who: Person, name: string) => who.call('PUT', `/v1/devices/${name}`, registration(name));
const listOf = async (who: Person): Promise<Json[]> => (await who.call('GET', '/v1/devices')).body.devices;

describe('the list', () => {
  test('is empty for who has none', async () => {
    const cleo = await world().person('cleo');
    expect((await cleo.call('GET', '/v1/devices')).body).toEqual({ devices: [] });
  });

  test('shows each device, the one last connected first, and never an address', async () => {
    await register(ada, 'phone');
    const socket = await ada.connect('laptop');
    const { body } = await ada.call('GET', '/v1/devices');
    const iso = expect.stringMatching(/^2\d{3}-.*Z$/);
    expect(body.devices).toEqual([
      { deviceId: 'laptop', lastConnectedAt: iso, connected: true, push: 'none', action: 'none' },
      {
        ...{ deviceId: 'phone', platform: 'ios', locale: 'de-DE', timeZone: 'Europe/Berlin', appVersion: '3.1' },
        ...{ registeredAt: iso, connected: false, push: 'good', action: 'none' },
      },
    ]);
    expect(JSON.stringify(body)).not.toContain(token('phone'));
    socket.close();
    await socket.closed;
    await world().drain();
    expect(await listOf(ada)).toMatchObject([{ deviceId: 'laptop', connected: false, lastConnectedAt: iso }, {}]);
  });

  test('keeps when a device was last connected over a new registration', async () => {
    const socket = await ada.connect('phone');
    const before = (await listOf(ada)).find(({ deviceId }) => deviceId === 'phone');
    await register(ada, 'phone');
    const after = (await listOf(ada)).find(({ deviceId }) => deviceId === 'phone');
    expect(after).toMatchObject({ connected: true, lastConnectedAt: before.lastConnectedAt });
    socket.close();
  });

  test('is one’s own: the same names of others, here and elsewhere, are not in it', async () => {
    const elsewhere = await world().person('ada', { tenant: 'aurora' });
    expect(await listOf(elsewhere)).toEqual([]);
    expect((await listOf(ben)).map(({ deviceId }) => deviceId)).not.toContain('laptop');
  });
});

describe('revoking another device of one’s own', () => {
  const stream = () => `conversation/${conversationId}`;
  const say = async (text: string): Promise<number> => {
    const after = (await ada.call('GET', `/v1/conversations/${conversationId}/messages`)).body.head;
    const sent = await ada.call('POST', `/v1/conversations/${conversationId}/messages`, { text, after }, key());
    return sent.body.version;
  };
  const pushesTo = async (name: string) => (await world().pushes()).filter((push: Json) => push.token === token(name));

  test('closes its socket at once, drops its address and its owner, and it gets nothing any more', async () => {
    await register(ben, 'kept');
    await register(ben, 'lost');
    const [kept, lost] = [await ben.connect('kept'), await ben.connect('lost')];
    const began = performance.now();
    expect((await ben.call('DELETE', '/v1/devices/lost')).status).toBe(204);
    expect(await lost.until(({ type }) => type === 'closing')).toEqual({ type: 'closing', code: 'logged-out' });
    await lost.closed;
    expect(performance.now() - began).toBeLessThan(5000);
    expect((await listOf(ben)).map(({ deviceId }) => deviceId)).toEqual(['kept']);
    const { devices } = await readTables(world());
    expect(devices.filter(({ push }) => push?.value === token('lost'))).toEqual([]);
    const owners = devices.filter(({ sk, person }) => sk === 'owner' && person === ben.user);
    expect(owners.map(({ device }) => device)).toEqual(['kept']);
    const frames = lost.frames.length;
    const v = await say('only for one of them');
    await kept.until(({ type, events }) => type === 'events' && events.some((each: Json) => each.v === v));
    kept.close();
    await kept.closed;
    const later = await say('and nobody looks');
    await world().logged(
      ({ msg, device, v: pushed, stream: of }) =>
        msg === 'push decided' && device === 'kept' && pushed === later && of === stream(),
    );
    await world().drain();
    expect(lost.frames).toHaveLength(frames);
    expect(await pushesTo('lost')).toEqual([]);
    expect((await pushesTo('kept')).length).toBeGreaterThan(0);
  });

  test('lets it register and connect again with a token that still is good, as a new one', async () => {
    await register(ben, 'lost');
    const socket = await ben.connect('lost');
    expect((await listOf(ben)).map(({ deviceId }) => deviceId)).toContain('lost');
    socket.close();
  });

  test('closes one whose handshake has just ended, too', async () => {
    const socket = await ben.connect('brief');
    await ben.call('DELETE', '/v1/devices/brief');
    await socket.closed;
    expect((await listOf(ben)).map(({ deviceId }) => deviceId)).not.toContain('brief');
  });
});
