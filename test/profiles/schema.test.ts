/** A tenant's schema may change: what was said under the old one can still be read, and says what is missing. */
import { expect, test } from 'vitest';
import { UserId } from '../../core/ids.ts';
import { ProfileRules } from '../../core/tenant-people.ts';
import { Profile } from '../../functions/profiles/profile.ts';
import { mineOf, publicOf } from '../../functions/profiles/shown.ts';
import { cardOf } from '../../functions/profiles.ts';

const ada = UserId.parse('ada');
const now = new Date('2026-06-01T12:00:00.000Z');
const rulesOf = (attributes: object, minimumAge = 18): ProfileRules => ProfileRules.parse({ minimumAge, attributes });
const gender = (...values: string[]) => ({ type: 'enum', values, public: true, criterion: 'hard' });
const height = (max: number) => ({ type: 'number', min: 100, max, public: true, criterion: 'soft' });
const old = Profile.parse({
  ...{ name: 'Ada', birthDate: '2006-05-17', photos: [], seeking: { attributes: { gender: ['man', 'gone'] } } },
  attributes: { gender: 'woman', height: 210, shoes: 42 },
  place: { lat: 52.52, lon: 13.4 },
  settings: { discoverable: true, presence: true },
});

test('what is not in the schema any more, or other in it, is read and named, and shown to nobody', () => {
  const rules = rulesOf(
    {
      gender: gender('man', 'other'),
      height: height(200),
      smokes: { type: 'boolean', public: true, criterion: 'hard' },
    },
    21,
  );
  const mine = mineOf(ada, { person: ada, profile: old }, rules, now);
  expect(mine).toMatchObject({ ...old, age: 20, complete: false });
  expect(mine.missing.map(({ field }) => field)).toEqual([
    'birthDate',
    'attributes.smokes',
    'attributes.gender',
    'attributes.height',
    'attributes.shoes',
  ]);
  expect(publicOf(ada, old, rules, now).attributes).toEqual({});
  expect(cardOf({ profile: old }, rules)?.is).toEqual({});
});
test('what fits is complete', () => {
  const rules = rulesOf({
    gender: gender('woman'),
    height: height(220),
    shoes: { type: 'number', min: 1, max: 50, public: false },
  });
  const mine = mineOf(ada, { person: ada, profile: old }, rules, now);
  expect([mine.complete, mine.missing]).toEqual([true, []]);
  expect(publicOf(ada, old, rules, now).attributes).toEqual({ gender: 'woman', height: 210 });
});
test.each([
  ['a hard text', { a: { type: 'text', public: true, criterion: 'hard' } }],
  ['a number that goes nowhere', { a: { type: 'number', min: 2, max: 2, public: true } }],
  ['an enum of nothing', { a: { type: 'enum', values: [], public: true } }],
  ['a name that every object has', { constructor: { type: 'date', public: true } }],
  ['13 criteria', Object.fromEntries(Array.from({ length: 13 }, (_, i) => [`a${i}`, height(200)]))],
  [
    '21 attributes',
    Object.fromEntries(Array.from({ length: 21 }, (_, i) => [`a${i}`, { type: 'boolean', public: true }])),
  ],
])('a tenant’s file with %s is refused', (_, attributes) =>
  expect(ProfileRules.safeParse({ attributes }).success).toBe(false),
);
