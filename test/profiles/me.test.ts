/** One's own profile: what is taken, what is refused before anything is written, and what others are shown. */
import { beforeAll, describe, expect, test } from 'vitest';
import { readTables, writingNothing } from '../api/tables.ts';
import { type Json, type Person, request, useWorld } from '../world.ts';
import { profileOf } from './people.ts';

const world = useWorld();
let ada: Person;
let ben: Person;
beforeAll(async () => {
  ada = await world().person('ada');
  ben = await world().person('ben');
});
const put = async (who: Person, more: Json = {}) => who.call('PUT', '/v1/me', profileOf(more));

describe('one’s own profile', () => {
  test('is not there at first, and says what is missing', async () => {
    const { status, body } = await ben.call('GET', '/v1/me');
    expect([status, body]).toEqual([
      200,
      {
        userId: 'ben',
        complete: false,
        missing: ['name', 'birthDate', 'place'].map((field) => ({ field, rule: 'is needed' })),
      },
    ]);
  });
  test('is replaced as a whole, and the same again says nothing new', async () => {
    const first = await put(ada);
    expect(first.status, JSON.stringify(first.body)).toBe(200);
    expect(first.body).toMatchObject({ userId: 'ada', name: 'Ada', complete: true, missing: [], photos: [] });
    await world().drain();
    await writingNothing(world(), async () => expect((await put(ada)).body).toEqual(first.body));
    const bare = { name: 'Ada', birthDate: '1995-05-17' };
    const { body } = await ada.call('PUT', '/v1/me', bare);
    expect(body).toMatchObject({ ...bare, attributes: {}, complete: false });
    expect(body.bio).toBeUndefined();
    expect(body.missing).toEqual([
      { field: 'place', rule: 'is needed' },
      { field: 'attributes.gender', rule: 'is needed' },
    ]);
    expect((await ada.call('GET', '/v1/me')).body).toEqual(body);
    await put(ada);
  });
  test('has its place rounded before anything is stored', async () => {
    const exact = { lat: 52.5163746, lon: 13.3777041 };
    expect((await put(ada, { place: exact })).body.place).toEqual({ lat: 52.52, lon: 13.38 });
    await world().drain();
    const everything = JSON.stringify([await readTables(world()), world().log]);
    expect(everything).toContain('52.52');
    expect(everything).not.toMatch(/52\.516|13\.377/);
  });
  test('takes the edges of the earth', async () => {
    for (const place of [
      { lat: 90, lon: 180 },
      { lat: -90, lon: -180 },
      { lat: -0.001, lon: 0 },
    ])
      expect((await put(ada, { place })).status).toBe(200);
    expect((await ada.call('GET', '/v1/me')).body.place).toEqual({ lat: 0, lon: 0 });
    await put(ada);
  });
});

const soon = new Date(Date.now() + 3 * 24 * 3600_000).toISOString().slice(0, 10);
const young = `${new Date().getUTCFullYear() - 17}-01-01`;
const attributes = (more: Json) => ({ attributes: { ...profileOf().attributes, ...more } });
const bad: [string, Json, string][] = [
  ['latitude 91', { place: { lat: 91, lon: 0 } }, 'body.place.lat'],
  ['longitude -181', { place: { lat: 0, lon: -181 } }, 'body.place.lon'],
  ['latitude "NaN"', { place: { lat: 'NaN', lon: 0 } }, 'body.place.lat'],
  ['latitude null, which is what NaN becomes', { place: { lat: Number.NaN, lon: 0 } }, 'body.place.lat'],
  ['half a place', { place: { lat: 1 } }, 'body.place.lon'],
  ['a birth date in the future', { birthDate: soon }, 'body.birthDate'],
  ['a child', { birthDate: young }, 'body.birthDate'],
  ['somebody of 150', { birthDate: '1870-01-01' }, 'body.birthDate'],
  ['30 February', { birthDate: '1990-02-30' }, 'body.birthDate'],
  ['29 February of no leap year', { birthDate: '1900-02-29' }, 'body.birthDate'],
  ['a moment for a date', { birthDate: '1990-02-20T00:00:00Z' }, 'body.birthDate'],
  ['a name of 10,000 characters', { name: 'a'.repeat(10_000) }, 'body.name'],
  ['a name of 51', { name: 'a'.repeat(51) }, 'body.name'],
  ['no name', { name: ' ' }, 'body.name'],
  ['an invisible name', { name: '\u200b\u200b' }, 'body.name'],
  ['a name of two lines', { name: 'Ada\nBen' }, 'body.name'],
  ...['\u202e', '\u202a', '\u2066', '\u200f', '\u061c'].map((sign): [string, Json, string] => [
    `a name with U+${sign.charCodeAt(0).toString(16)}`,
    { name: `Ada${sign}` },
    'body.name',
  ]),
  ['stacked marks', { name: `Z${'\u0335'.repeat(9)}` }, 'body.name'],
  ['half a surrogate pair', { name: 'Ada\ud83d' }, 'body.name'],
  ['a bio of 501 characters', { bio: 'a'.repeat(501) }, 'body.bio'],
  ['an unknown attribute', attributes({ shoes: 42 }), 'body.attributes.shoes'],
  ['an attribute that every object has', attributes({ constructor: 1 }), 'body.attributes.constructor'],
  ['another value of an enum', attributes({ gender: 'cat' }), 'body.attributes.gender'],
  ['a number for an enum', attributes({ gender: 1 }), 'body.attributes.gender'],
  ['a number out of range', attributes({ height: 400 }), 'body.attributes.height'],
  ['a text for a number', attributes({ height: '170' }), 'body.attributes.height'],
  ['a text for a boolean', attributes({ smokes: 'no' }), 'body.attributes.smokes'],
  ['a long text', attributes({ interests: 'a'.repeat(81) }), 'body.attributes.interests'],
  ['ages the wrong way round', { seeking: { ages: { from: 40, to: 30 } } }, 'body.seeking.ages.to'],
  ['no distance at all', { seeking: { distance: 0 } }, 'body.seeking.distance'],
  ['a distance around the earth', { seeking: { distance: 1e9 } }, 'body.seeking.distance'],
  [
    'a soft criterion as a hard one',
    { seeking: { attributes: { height: { from: 180 } } } },
    'body.seeking.attributes.height',
  ],
  ['what nobody can be', { seeking: { attributes: { gender: ['cat'] } } }, 'body.seeking.attributes.gender'],
  ['a photo of nobody', { photos: ['med_1'] }, 'body.photos.0'],
  ['an unknown field', { rich: true }, 'body.rich'],
];

describe('what is refused before anything is written', () => {
  test.each(bad)('%s', async (_, more, field) => {
    await writingNothing(world(), async () => {
      const { status, body } = await put(ada, more);
      expect([status, body.code]).toEqual([400, 'invalid']);
      expect(body.errors[0].field).toBe(field);
    });
  });
  test('1e999, which is no number', async () => {
    const raw = JSON.stringify(profileOf()).replace('52.52', '1e999');
    const { status, body } = await request(world().http, 'PUT', '/v1/me', { token: ada.token, raw });
    expect([status, body.errors[0].field]).toEqual([400, 'body.place.lat']);
  });
  test('languages with many marks are languages', async () => {
    for (const name of ['नमस्ते', 'Nguyễn', 'ดวงใจ', 'שָׁלוֹם', 'Z\u0335\u0336', '👩‍🚀 Ada'])
      expect([name, (await put(ada, { name })).status]).toEqual([name, 200]);
    await put(ada);
  });
});

describe('what others are shown', () => {
  beforeAll(async () => {
    await put(ada);
    await put(ben, { name: 'Ben', attributes: { gender: 'man' } });
    await world().drain();
  });
  test('is public, and an age in place of the birth date', async () => {
    const { status, body } = await ben.call('GET', '/v1/users/ada');
    expect(status).toBe(200);
    expect(Object.keys(body).sort()).toEqual(['age', 'attributes', 'bio', 'name', 'photos', 'userId']);
    expect(body.attributes).toEqual({ gender: 'woman', height: 170, interests: 'hiking, chess', intent: 'dates' });
    expect(JSON.stringify(body)).not.toMatch(/1995|52\.|13\.4|smokes/);
  });
  const bytes = async (who: Person, id: string) => {
    const { status, body } = await who.call('GET', `/v1/users/${id}`);
    return [status, JSON.stringify({ ...body, requestId: '' })];
  };
  test('is nothing for whom they block, whoever it was, nor in another tenant', async () => {
    const nobody = await bytes(ben, 'nobody');
    expect(nobody[0]).toBe(404);
    expect(await bytes(await world().person('ben', { tenant: 'aurora' }), 'ada')).toEqual(nobody);
    expect((await ada.call('PUT', '/v1/blocks/ben')).status).toBeLessThan(300);
    expect(await bytes(ben, 'ada')).toEqual(nobody);
    expect(await bytes(ada, 'ben')).toEqual(nobody);
    expect((await ada.call('GET', '/v1/users/ada')).status).toBe(200);
    expect((await ada.call('DELETE', '/v1/blocks/ben')).status).toBeLessThan(300);
    expect((await bytes(ben, 'ada'))[0]).toBe(200);
  });
});
