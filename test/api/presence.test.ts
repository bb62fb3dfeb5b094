/** Who is there, for whom: matches alone, and only if both say so; all others look like people who are not there. */
import { beforeAll, describe, expect, test } from 'vitest';
import { type Json, type Person, useWorld } from '../world.ts';
import { readAside, readTables, setAttribute } from './tables.ts';
import { expectProblem, wireAs } from './wire.ts';

const world = useWorld();
let ada: Person;
let ben: Person;

const show = (who: Person, presence: boolean) =>
  who.call('PUT', '/v1/me', { name: who.user, birthDate: '1990-01-01', settings: { discoverable: false, presence } });
const askFor = (who: Person, users: string) => who.call('GET', `/v1/presence?users=${users}`);
const presenceOf = async (who: Person, users: string): Promise<Json[]> => (await askFor(who, users)).body.presence;
const absent = (userId: string) => ({ userId, online: false });

beforeAll(async () => {
  ({ a: ada, b: ben } = await world().matched('ada', 'ben'));
  for (const who of [ada, ben]) await show(who, true);
});

describe('of a match', () => {
  test('says that they are there while they are connected, and afterwards when, to the minute', async () => {
    const socket = await ben.connect('phone');
    const minute = expect.stringMatching(/^2\d{3}-\d\d-\d\dT\d\d:\d\d:00.000Z$/);
    expect(await presenceOf(ada, 'ben')).toEqual([{ userId: 'ben', online: true, lastActive: minute }]);
    socket.close();
    await socket.closed;
    await world().drain();
    expect(await presenceOf(ada, 'ben')).toEqual([{ userId: 'ben', online: false, lastActive: minute }]);
  });

  test('is raised by a ping, at most once a minute', async () => {
    const socket = await ben.connect('phone');
    const row = async (): Promise<Json> =>
      (await readTables(world())).devices.find(({ pk, sk }) => pk === 'demo#person#ben' && sk === 'device#phone');
    const ping = async (n: number): Promise<number> => {
      socket.send({ type: 'ping' });
      await socket.until(() => socket.frames.filter(({ type }) => type === 'pong').length === n);
      return (await row()).activeAt;
    };
    const { activeAt } = await row();
    expect(await ping(1)).toBe(activeAt);
    await setAttribute(world(), 'devices', await row(), 'activeAt', activeAt - 61);
    expect(await ping(2)).toBeGreaterThanOrEqual(activeAt);
    socket.close();
    await socket.closed;
  });

  test('is hidden beyond seven days, and who is silent is not there', async () => {
    const socket = await ben.connect('phone');
    const set = async (secondsAgo: number) => {
      const { devices } = await readTables(world());
      const row = devices.find(({ pk, sk }) => pk === 'demo#person#ben' && sk === 'device#phone');
      const now = Math.floor(Date.now() / 1000);
      await setAttribute(world(), 'devices', row as Json, 'activeAt', now - secondsAgo);
    };
    await set(700);
    expect(await presenceOf(ada, 'ben')).toMatchObject([{ online: false, lastActive: expect.any(String) }]);
    await set(7 * 24 * 3600 + 5);
    expect(await presenceOf(ada, 'ben')).toEqual([absent('ben')]);
    socket.close();
    await socket.closed;
  });

  test('is said of many at once, in their order, each once', async () => {
    expect((await presenceOf(ada, 'nobody,ben,ada,ben')).map(({ userId }: Json) => userId)).toEqual([
      'nobody',
      'ben',
      'ada',
    ]);
  });
});

describe('is the same bytes as of somebody who does not exist', () => {
  const bytes = async (who: Person, user: string): Promise<string> =>
    JSON.stringify(await presenceOf(who, user)).replaceAll(user, 'somebody');

  test('for strangers, whoever likes whom, for oneself, and across tenants', async () => {
    const [cleo, other] = [await world().person('cleo'), await world().person('ada', { tenant: 'aurora' })];
    await show(cleo, true);
    await cleo.call('PUT', '/v1/reactions/ben', { type: 'like' });
    const sockets = await Promise.all([ben.connect('phone'), ada.connect('phone')]);
    const nobody = await bytes(ada, 'nobody');
    expect(await bytes(cleo, 'ben')).toBe(nobody);
    expect(await bytes(ben, 'cleo')).toBe(nobody);
    expect(await bytes(other, 'ben')).toBe(nobody);
    expect(await bytes(ada, 'ada')).toBe(nobody);
    for (const socket of sockets) socket.close();
  });

  test.each(['a', 'b'] as const)('if %s has switched it off', async (off) => {
    const { a, b } = await world().matched(`off-${off}-a`, `off-${off}-b`);
    const socket = await b.connect('phone');
    for (const who of [a, b]) await show(who, true);
    expect(await presenceOf(a, b.user)).toMatchObject([{ online: true }]);
    await show(off === 'a' ? a : b, false);
    expect(await presenceOf(a, b.user)).toEqual([absent(b.user)]);
    socket.close();
  });

  test('if one has said nothing of themselves', async () => {
    const { a, b } = await world().matched('dora', 'emil');
    const socket = await b.connect('phone');
    await show(a, true);
    expect(await presenceOf(a, b.user)).toEqual([absent(b.user)]);
    socket.close();
  });

  test('once they are matched no more', async () => {
    const { a, b } = await world().matched('fay', 'gus');
    const socket = await b.connect('phone');
    for (const who of [a, b]) await show(who, true);
    expect(await presenceOf(a, b.user)).toMatchObject([{ online: true }]);
    expect((await b.call('DELETE', `/v1/matches/${a.user}`)).status).toBeLessThan(300);
    expect(await presenceOf(a, b.user)).toEqual([absent(b.user)]);
    socket.close();
  });
});

test.each([
  ['', 'query.users.0'],
  ['a%20b', 'query.users.0'],
  [`${Array.from({ length: 51 }, (_, i) => `u${i}`).join(',')}`, 'query.users'],
  ['x'.repeat(4000), 'query.users'],
])('refuses to be asked for %.20s', async (users, field) => {
  const answer = await wireAs(world(), ada, 'GET', `/v1/presence?users=${users}`);
  expectProblem(world(), answer, 400, 'invalid', field);
});

test('stands in no event, in no log, and in no trail', async () => {
  const { events } = await readTables(world());
  const everything = JSON.stringify([events, world().log, await readAside(world(), 'trail')]);
  expect(everything).not.toMatch(/activeAt|lastActive|"online"/);
});
