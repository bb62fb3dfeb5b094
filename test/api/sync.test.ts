/** Sync: from any cursor, in pages of any size, while others write: a device ends with exactly what the tables hold. */
import { beforeAll, describe, expect, test } from 'vitest';
import { type Json, key, type Person, useWorld } from '../world.ts';
import { copyOf, type Device, deviceOf, expectComplete } from './device.ts';
import { readTables } from './tables.ts';

const world = useWorld();

/** Messages of each conversation, whose first version is no message: around the 20 versions that a new device is given. */
const lengths = [0, 1, 18, 19, 20, 30];
const sizes = [...Array.from({ length: 22 }, (_, i) => i + 1), 50, 200];
let ada: Person;
let friends: { friend: Person; path: string; stream: string }[];
/** Devices that last synced when the history was young, and when it was half written. */
const sleepers: Device[] = [];

/** The newest version of each conversation, by its path. */
const heads = new Map<string, number>();
const say = async (from: Person, path: string, n: number): Promise<void> => {
  for (let i = 0; i < n; i++) {
    const message = { text: `message ${i}`, after: heads.get(path) ?? 1 };
    const { status, body } = await from.call('POST', `${path}/messages`, message, key());
    expect(status).toBe(201);
    heads.set(path, body.version);
  }
};

const sleep = async (limit: number): Promise<void> => {
  await world().drain();
  const device = deviceOf(ada);
  await device.sync(limit);
  sleepers.push(device);
};

beforeAll(async () => {
  ada = await world().person('ada');
  const matches = await Promise.all(lengths.map((_, i) => world().matched(`friend-${i}`, 'ada')));
  friends = matches.map(({ a, conversationId }) => ({
    friend: a,
    path: `/v1/conversations/${conversationId}`,
    stream: `conversation/${conversationId}`,
  }));
  await sleep(3);
  for (const part of [0, 1]) {
    await Promise.all(
      friends.map(async ({ friend, path }, i) => {
        const n = Math.floor((lengths[i] ?? 0) / 2);
        await say(friend, path, part === 0 ? n : (lengths[i] ?? 0) - n);
      }),
    );
    if (part === 0) await sleep(100);
  }
  await ada.call('PUT', `${friends[3]?.path}/read`, { upTo: 7 });
  await say(ada, friends[2]?.path ?? '', 2);
  await world().drain();
});

describe('a device that syncs in pages', () => {
  test.each(sizes)('of %i has everything, from nothing and from an old cursor', async (limit) => {
    const tables = await readTables(world());
    const [young, half] = sleepers.map((sleeper) => copyOf(ada, sleeper));
    for (const device of [deviceOf(ada), (limit % 2 ? young : half) ?? deviceOf(ada)]) {
      await device.sync(limit);
      expectComplete(device, 'ada', tables);
      expect(await device.page(limit), 'and then there is no more').toBe(false);
      expectComplete(device, 'ada', tables);
    }
  });
  test('of changing sizes has everything', async () => {
    const tables = await readTables(world());
    for (const device of [deviceOf(ada), ...sleepers.map((sleeper) => copyOf(ada, sleeper))]) {
      for (let i = 0; await device.page([1, 7, 2, 30, 3][i % 5] ?? 1); i++) expect(i).toBeLessThan(500);
      expectComplete(device, 'ada', tables);
    }
  });
  test('gets at most as many events as it asked for', async () => {
    for (const limit of [1, 5, 20]) {
      const { streams } = (await ada.call('GET', `/v1/sync?limit=${limit}`)).body;
      expect(streams.flatMap(({ events }: Json) => events).length).toBeLessThanOrEqual(limit);
    }
  });
});

describe('what moved alone', () => {
  test('a read mark comes without events', async () => {
    const device = deviceOf(ada);
    await device.sync(100);
    const [theirs, mine] = [friends[2], friends[3]];
    await theirs?.friend.call('PUT', `${theirs.path}/read`, { upTo: 19 });
    await ada.call('PUT', `${mine?.path}/read`, { upTo: 11 });
    await world().drain();
    const { streams, more } = (await ada.call('GET', `/v1/sync?cursor=${device.cursor}`)).body;
    expect(streams).toHaveLength(2);
    expect(streams).toContainEqual({
      stream: theirs?.stream,
      v: 21,
      count: 20,
      read: 20,
      unread: 0,
      seen: { 'friend-2': 19 },
      mutes: 0,
      events: [],
    });
    expect(streams).toContainEqual({
      stream: mine?.stream,
      v: 20,
      count: 19,
      read: 11,
      unread: 8,
      seen: { 'friend-3': 19 },
      mutes: 0,
      events: [],
    });
    expect(more).toBe(false);
    await device.sync(1);
    expectComplete(device, 'ada', await readTables(world()));
  });
  test('nothing comes when nothing moved, and the cursor stays', async () => {
    const device = deviceOf(ada);
    await device.sync(100);
    const { body } = await ada.call('GET', `/v1/sync?cursor=${device.cursor}`);
    expect(body).toEqual({ streams: [], more: false, cursor: device.cursor });
  });
});

describe('a sync while others write', () => {
  test('has everything when they have ended', async () => {
    const devices = [deviceOf(ada), deviceOf(ada), ...sleepers.map((sleeper) => copyOf(ada, sleeper))];
    let writing = true;
    const writers = Promise.all([
      ...friends.slice(0, 4).map(({ friend, path }) => say(friend, path, 12)),
      ...friends.slice(0, 4).map(({ path }) => ada.call('PUT', `${path}/read`, { upTo: 1 })),
    ]).finally(() => {
      writing = false;
    });
    await Promise.all(
      devices.map(async (device, i) => {
        while (writing) await device.page([2, 5, 50, 1][i] ?? 1);
      }),
    );
    await writers;
    await world().drain();
    const tables = await readTables(world());
    for (const device of devices) {
      await device.sync(9);
      expectComplete(device, 'ada', tables);
    }
  });
});

describe('a cursor', () => {
  const refused = { status: 400, code: 'invalid', errors: [{ field: 'query.cursor', rule: expect.any(String) }] };
  test('of somebody else, or of the same person in another tenant, is refused', async () => {
    const { cursor } = (await ada.call('GET', '/v1/sync')).body;
    const others = [friends[0]?.friend ?? ada, await world().person('ada', { tenant: 'aurora' })];
    for (const other of others)
      expect((await other.call('GET', `/v1/sync?cursor=${cursor}`)).body).toMatchObject(refused);
  });
  test('in which one byte is changed, or that is cut, is refused', async () => {
    const bytes = Buffer.from((await ada.call('GET', '/v1/sync')).body.cursor, 'base64url');
    const forged = [...bytes.keys()].map((i) => bytes.map((byte, at) => (at === i ? byte ^ 1 : byte)));
    for (const each of [...forged, bytes.subarray(1), bytes.subarray(0, -1), Buffer.from([1]), Buffer.alloc(0)]) {
      const { body } = await ada.call('GET', `/v1/sync?cursor=${Buffer.from(each).toString('base64url')}`);
      expect(body).toMatchObject(refused);
    }
  });
});
