/** The deck on the real system: who comes, goes, moves, is answered, blocked or gone, as the next answer says it. */
import { beforeAll, describe, expect, test } from 'vitest';
import { rebuildView } from '../../ops/rebuild.ts';
import { readTables } from '../api/tables.ts';
import { walkOf } from '../ops/damage.ts';
import { type Json, type Person, useWorld } from '../world.ts';
import { at, profileOf } from './people.ts';

const world = useWorld();
const put = async (who: Person, more: Json = {}): Promise<void> => {
  const { status, body } = await who.call('PUT', '/v1/me', profileOf({ name: who.user, ...more }));
  expect(status, JSON.stringify(body)).toBe(200);
};
const shown = async (who: Person): Promise<string[]> => {
  const { status, body } = await who.call('GET', '/v1/deck');
  expect(status, JSON.stringify(body)).toBe(200);
  return body.people.map(({ userId }: Json) => userId).sort();
};
const someone = (user: string): Promise<Person> => world().person(user);

let ada: Person;
let ben: Person;
let cleo: Person;
beforeAll(async () => {
  [ada, ben, cleo] = [await someone('ada'), await someone('ben'), await someone('cleo')];
});

test('who has said nothing has no deck', async () => {
  expect(await ada.call('GET', '/v1/deck')).toMatchObject({ status: 409, body: { code: 'no-profile' } });
  await put(ada, { place: undefined });
  expect(await ada.call('GET', '/v1/deck')).toMatchObject({ status: 409, body: { code: 'no-place' } });
});

test.each(['0', '51', '1000000000', '-1', 'NaN', '1.5', ''])('a deck of limit %j is refused', async (limit) =>
  expect(await ada.call('GET', `/v1/deck?limit=${limit}`)).toMatchObject({
    status: 400,
    body: { errors: [{ field: 'query.limit' }] },
  }),
);

describe('the next answer', () => {
  beforeAll(async () => {
    await put(ada);
    expect(await shown(ada)).toEqual([]);
    await put(ben, { place: at(3) });
    await put(cleo, { place: at(0, 30) });
  });
  test('holds who has just come, with nothing that is not public', async () => {
    const { body } = await ada.call('GET', '/v1/deck');
    expect(body).toMatchObject({ widened: 200, more: false, criteria: { hard: ['age', 'distance', 'gender'] } });
    expect(body.people.map(({ userId, distance }: Json) => [userId, distance])).toEqual([
      ['ben', 4],
      ['cleo', 30],
    ]);
    expect(JSON.stringify(body)).not.toMatch(/birthDate|1995|"lat"|smokes|seeking/);
  });
  test('is the same on every device, and lets go who was answered on another', async () => {
    expect(await shown(ada)).toEqual(['ben', 'cleo']);
    await ada.call('PUT', '/v1/reactions/ben', { type: 'pass' });
    expect(await shown(ada)).toEqual(['cleo']);
    await ada.call('DELETE', '/v1/reactions/ben');
    expect(await shown(ada)).toEqual(['ben', 'cleo']);
  });
  test('follows who moves, at once', async () => {
    await put(cleo, { place: at(900) });
    expect(await shown(ada)).toEqual(['ben']);
    await put(cleo, { place: at(0, 30) });
    expect(await shown(ada)).toEqual(['ben', 'cleo']);
  });
  test('holds nobody who blocks or is blocked', async () => {
    await ben.call('PUT', '/v1/blocks/ada');
    expect(await shown(ada)).toEqual(['cleo']);
    expect(await shown(ben)).toEqual(['cleo']);
    await ben.call('DELETE', '/v1/blocks/ada');
    expect(await shown(ada)).toEqual(['ben', 'cleo']);
  });
  test('holds nobody who was left, matched, or has gone', async () => {
    await ada.call('PUT', '/v1/reactions/ben', { type: 'like' });
    await ben.call('PUT', '/v1/reactions/ada', { type: 'like' });
    expect(await shown(ada)).toEqual(['cleo']);
    expect(await shown(ben)).toEqual(['cleo']);
    expect((await cleo.call('DELETE', '/v1/me')).status).toBeLessThan(300);
    await world().drain();
    expect(await shown(ada)).toEqual([]);
    expect(await ada.call('GET', '/v1/users/cleo')).toMatchObject({ status: 404, body: { code: 'not-found' } });
  });
});

describe('the rows', () => {
  test('of where somebody was are marks that go by themselves, and a rebuild makes the same again', async () => {
    const dora = await someone('dora');
    for (const place of [at(), at(100), at(200)]) await put(dora, { place });
    await world().drain();
    const rows = async () => (await readTables(world())).views.filter(({ sk }) => /^(stands|came|profile)#/.test(sk));
    const stands = (await rows()).filter(({ sk }) => sk.startsWith('stands#') && sk.endsWith('#dora'));
    expect(stands).toHaveLength(3);
    expect(stands.filter(({ lost }) => !lost)).toEqual([expect.objectContaining({ v: 3, place: [54.32, 13.4] })]);
    for (const { lost, expires } of stands.filter((row) => row.lost))
      expect([lost, expires > Date.now() / 1000 + 29 * 24 * 3600]).toEqual([true, true]);
    const before = await rows();
    for (const view of ['stands', 'came', 'profile'])
      expect(await rebuildView(walkOf(world(), { hurry: true }), view)).toMatchObject({
        put: 0,
        removed: 0,
        failed: [],
      });
    expect(await rows()).toEqual(before);
  });
});
