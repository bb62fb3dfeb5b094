/** The deck against a brute-force opinion on 2,000 people: the same people, in the right order, at a bounded cost. */
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { UserId } from '../../core/ids.ts';
import { Profile } from '../../functions/profiles/profile.ts';
import { bindEnvironment } from '../memory.ts';
import { createTown, DAY, kilometresBetween, oracle, populate, type Town } from './town.ts';

bindEnvironment();
const PEOPLE = 2000;
const BOUND = 50;
let town: Town;
beforeAll(async () => {
  town = createTown();
  await populate(town, PEOPLE, 1);
}, 120_000);

const seekers = (count: number): UserId[] =>
  [...town.residents.values()]
    .filter(({ profile }) => profile.place)
    .map(({ user }) => user)
    .slice(0, count);

/** Everybody who comes up, when one swipes all that one is shown until there is nobody left. */
const playThrough = async (
  user: UserId,
  limit = 20,
): Promise<{ people: UserId[]; units: number[]; widened: number[] }> => {
  const people: UserId[] = [];
  const units: number[] = [];
  const widened: number[] = [];
  for (let request = 0; request < 500; request++) {
    const dealt = await town.deck(user, limit);
    units.push(dealt.units);
    widened.push(dealt.widened);
    if (dealt.people.length === 0 && !dealt.more) return { people, units, widened };
    for (const { userId } of dealt.people) {
      people.push(userId);
      await town.swipe(user, userId, 'pass');
    }
  }
  throw new Error('it comes to no end');
};

describe('the deck of 2,000 people', () => {
  test('holds everybody who fits, once, and nobody else; 50 units for 20 at most', async () => {
    const sizes: number[] = [];
    const costs: number[] = [];
    for (const user of seekers(25)) {
      const expected = oracle(town, user);
      const { people, units, widened } = await playThrough(user);
      expect(new Set(people).size).toBe(people.length);
      expect(people.toSorted()).toEqual(expected.map((each) => each.user).toSorted());
      expect(Math.max(...units)).toBeLessThanOrEqual(BOUND);
      expect(widened).toEqual(widened.toSorted((a, b) => a - b));
      sizes.push(people.length);
      costs.push(...units);
    }
    expect(Math.max(...sizes)).toBeGreaterThan(500);
    expect(costs.length).toBeGreaterThan(100);
  }, 120_000);
  test('is in the order of steps, and within a step of the score, as far as one look goes', async () => {
    let compared = 0;
    for (const user of seekers(120).slice(25)) {
      const expected = oracle(town, user);
      const nearest = expected.filter(({ step }) => step === 0);
      // What more are found than can wait comes in its turn.
      if (nearest.length === 0 || nearest.length > 50) continue;
      const { people } = await town.deck(user, 50);
      const ranked = expected.slice(0, people.length).map((each) => each.user);
      const near = Math.min(nearest.length, people.length);
      expect(people.map(({ userId }) => userId).slice(0, near)).toEqual(ranked.slice(0, near));
      compared++;
    }
    expect(compared).toBeGreaterThan(20);
  }, 60_000);
  test('says how far everybody is, rounded up, and names what is hard', async () => {
    for (const user of seekers(150).slice(140)) {
      const { people, criteria } = await town.deck(user);
      expect(criteria).toEqual({
        hard: ['age', 'distance', 'gender'],
        soft: ['activity', 'completeness', 'height', 'interests', 'intent'],
      });
      for (const person of people) {
        expect(Object.keys(person)).not.toContain('birthDate');
        expect(person.distance).toBe(Math.max(1, Math.ceil(kilometresBetween(town, user, person.userId))));
      }
    }
  });
  test('costs no more when everybody was seen', async () => {
    const user = seekers(150).find((each) => oracle(town, each).length > 300) ?? seekers(1)[0];
    if (!user) throw new Error('there is nobody');
    await playThrough(user);
    for (let request = 0; request < 30; request++) {
      const { people, units } = await town.deck(user);
      expect([people, units <= BOUND]).toEqual([[], true]);
    }
  });
  test('costs no more with the largest profiles that there can be', async () => {
    const crowd = createTown();
    const wide = 'ä'.repeat(80);
    const large = (n: number): Profile => ({
      ...profileIn(n / 1000),
      bio: '𝄞'.repeat(400),
      attributes: { gender: 'other', interests: wide, intent: 'dates', height: 180 },
      seeking: { attributes: { gender: ['woman', 'man', 'other'] } },
    });
    for (let n = 0; n < 300; n++) await crowd.settle(userOf(n), large(n % 50));
    const seen = new Set<string>();
    for (let request = 0; seen.size < 299 && request < 60; request++) {
      const { people, units } = await crowd.deck(userOf(0));
      expect(units).toBeLessThanOrEqual(BOUND);
      for (const { userId } of people) {
        seen.add(userId);
        await crowd.swipe(userOf(0), userId, 'like');
      }
    }
    expect(seen.size).toBe(299);
  }, 60_000);
});

const userOf = (n: number): UserId => UserId.parse(`new_${n}`);
/** Somebody who takes everybody, so many km to the north. */
const profileIn = (north: number, more: Partial<Profile> = {}): Profile =>
  Profile.parse({
    ...{ name: 'New', birthDate: '1990-01-01', photos: [], attributes: { gender: 'woman' }, seeking: {} },
    place: { lat: Number((10 + north / 111.2).toFixed(2)), lon: 10 },
    settings: { discoverable: true, presence: true },
    ...more,
  });

describe('somebody new', () => {
  let crowd: Town;
  const [me, other, third] = [userOf(1), userOf(2), userOf(3)];
  const shown = async (user = me, limit = 20): Promise<string[]> =>
    (await crowd.deck(user, limit)).people.map(({ userId }) => userId);
  beforeEach(async () => {
    crowd = createTown();
    await crowd.settle(me, profileIn(0));
  });
  test('is shown at the next look, also where everybody was looked at already', async () => {
    expect(await shown()).toEqual([]);
    for (let n = 10; n < 200; n++) await crowd.settle(userOf(n), profileIn(n / 100));
    const before = await shown(me, 10);
    expect(before).toHaveLength(10);
    crowd.clock.ms += 5000;
    await crowd.settle(other, profileIn(1, { bio: 'Here I am.', attributes: { gender: 'woman', height: 200 } }));
    for (const user of before) await crowd.swipe(me, user as UserId, 'pass');
    // Who says more about themselves comes before the others that wait.
    expect((await shown(me, 10))[0]).toBe(other);
  });
  test('does not take the places of those who are shown: every phone shows the same', async () => {
    for (let n = 10; n < 40; n++) await crowd.settle(userOf(n), profileIn(n / 100));
    const phone = await shown();
    crowd.clock.ms += 5000;
    await crowd.settle(other, profileIn(1, { bio: 'Here I am.' }));
    expect(await shown()).toEqual(phone);
    expect(await shown(me, 5)).toEqual(phone.slice(0, 5));
    const [first] = phone;
    await crowd.swipe(me, first as UserId, 'like');
    const tablet = await shown();
    expect(tablet.slice(0, 19)).toEqual(phone.slice(1));
    expect(tablet[19]).toBe(other);
  });
  test('who moves away is shown no more, and who comes back is; also to who widened', async () => {
    await crowd.settle(other, profileIn(5));
    expect(await shown()).toEqual([other]);
    await crowd.settle(other, profileIn(400));
    expect(await crowd.deck(me)).toMatchObject({ people: [], widened: 200, more: false });
    await crowd.settle(other, profileIn(119.9));
    expect(await crowd.deck(me)).toMatchObject({
      people: [{ userId: other, distance: expect.any(Number) }],
      widened: 200,
    });
    await crowd.settle(other, profileIn(5));
    await crowd.settle(third, profileIn(150));
    expect(await shown()).toEqual([other, third]);
  });
  test('is lost from the deck by whatever they change, and so is everybody by what one changes oneself', async () => {
    await crowd.settle(other, profileIn(5));
    for (const gone of [
      { settings: { discoverable: false, presence: true } },
      { place: undefined },
      { seeking: { attributes: { gender: ['man'] } } },
      { seeking: { ages: { from: 60, to: 70 } } },
      { seeking: { distance: 3 } },
    ]) {
      expect(await shown()).toEqual([other]);
      await crowd.settle(other, profileIn(5, gone));
      expect(await shown()).toEqual([]);
      await crowd.settle(other, profileIn(5));
    }
    expect(await shown()).toEqual([other]);
    await crowd.settle(me, profileIn(0, { seeking: { attributes: { gender: ['man'] } } }));
    expect(await shown()).toEqual([]);
    await crowd.settle(me, profileIn(300));
    expect(await shown()).toEqual([]);
  });
  test('it widens step by step when nobody nearer is left, and never farther than one wants', async () => {
    for (const [n, km] of [5, 30, 120, 300].entries()) await crowd.settle(userOf(20 + n), profileIn(km));
    expect(await crowd.deck(me, 1)).toMatchObject({ people: [{ userId: 'new_20' }], widened: 10 });
    await crowd.swipe(me, userOf(20), 'pass');
    expect(await crowd.deck(me, 1)).toMatchObject({ people: [{ userId: 'new_21' }], widened: 50 });
    await crowd.swipe(me, userOf(21), 'pass');
    expect(await crowd.deck(me, 1)).toMatchObject({ people: [{ userId: 'new_22' }], widened: 200 });
    await crowd.swipe(me, userOf(22), 'pass');
    expect(await crowd.deck(me, 1)).toMatchObject({ people: [], widened: 200, more: false });
    await crowd.settle(me, profileIn(0, { seeking: { distance: 40 } }));
    expect(await crowd.deck(me)).toMatchObject({ people: [], widened: 50, more: false });
  });
  test.each([
    ['pass', 59, false],
    ['pass', 60, true],
    ['later', 0.9, false],
    ['later', 1, true],
    ['none', 0, true],
    ['unmatched', 59, false],
    ['unmatched', 60, true],
    ['like', 4000, false],
    ['super-like', 4000, false],
    ['matched', 4000, false],
    ['blocked', 4000, false],
  ])('after a %s and %d days it is %s that they are shown', async (type, days, is) => {
    await crowd.settle(other, profileIn(5));
    expect(await shown()).toEqual([other]);
    await crowd.swipe(me, other, type);
    crowd.clock.ms += days * DAY;
    expect(await shown()).toEqual(is ? [other] : []);
  });
  test.each(['banned', 'erased', 'suspended'] as const)('who is %s is shown no more', async (is) => {
    await crowd.settle(other, profileIn(5));
    expect(await shown()).toEqual([other]);
    const until = new Date(crowd.clock.ms + DAY).toISOString();
    await crowd.judge(other, is === 'suspended' ? { is, until } : { is });
    expect(await shown()).toEqual([]);
    crowd.clock.ms += 2 * DAY;
    expect(await shown()).toEqual(is === 'suspended' ? [other] : []);
  });
  test('being here is noted down once a day, unless one does not show it', async () => {
    const visits = () =>
      crowd.dynamo.items('memory-events').filter(({ events }) => JSON.stringify(events).includes('Visited'));
    await shown();
    expect(visits()).toHaveLength(0);
    crowd.clock.ms += DAY;
    for (let n = 0; n < 3; n++) await shown();
    expect(visits()).toHaveLength(1);
    expect(JSON.stringify(visits())).not.toContain(new Date(crowd.clock.ms).toISOString());
    await crowd.settle(me, profileIn(0, { settings: { discoverable: true, presence: false } }));
    crowd.clock.ms += DAY;
    await shown();
    expect(visits()).toHaveLength(1);
  });
  test('who says nothing, or not where they are, has no deck', async () => {
    await expect(shown(userOf(99))).rejects.toThrow('no-profile');
    await crowd.settle(other, profileIn(0, { place: undefined }));
    await expect(shown(other)).rejects.toThrow('no-place');
  });
});
