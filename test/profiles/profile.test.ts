/** A profile as sentences: what is said, what it leads to, and what it leaves alone. */
import { describe, expect, test } from 'vitest';
import { UserId } from '../../core/ids.ts';
import { Profile, type ProfileCommand, type ProfileEvent, profile } from '../../functions/profiles/profile.ts';
import { given } from '../given.ts';

const ada = UserId.parse('ada');
const at = '2026-06-01T12:00:00.000Z';
const said = (more: Partial<Profile> = {}): Profile =>
  Profile.parse({
    ...{ name: 'Ada', birthDate: '1995-05-17', photos: [], attributes: {}, seeking: {} },
    place: { lat: 52.52, lon: 13.4 },
    settings: { discoverable: true, presence: true },
    ...more,
  });
const set = (now: Profile): ProfileCommand => ({ type: 'SetProfile', person: ada, profile: now, at });
const facts = { person: ada, profile: said(), active: '2026-06-01' };
const first: ProfileEvent = { type: 'ProfileSet', ...facts, anew: true, at };
const judge = (asOf: number, is: 'good' | 'banned'): ProfileCommand => ({
  type: 'Judge',
  person: ada,
  standing: { is },
  asOf,
  at,
});
const visit = (day: string): ProfileCommand => ({ type: 'Visit', person: ada, at: `${day}T00:00:00.000Z` });

describe('a profile', () => {
  test('is set', () => given(profile).when(set(said())).then(first));
  test('said again says nothing new', () => given(profile, first).when(set(said())).then());
  test('says where they left', () =>
    given(profile, first)
      .when(set(said({ place: { lat: 48.1, lon: 11.6 } })))
      .then({
        ...{ ...first, profile: said({ place: { lat: 48.1, lon: 11.6 } }) },
        left: { lat: 52.52, lon: 13.4 },
      }));
  test('whose words alone change is nobody new', () => {
    const { anew: _, ...again } = first;
    given(profile, first)
      .when(set(said({ bio: 'Hello.' })))
      .then({ ...again, profile: said({ bio: 'Hello.' }) });
  });
  test.each([
    { birthDate: '1994-05-17' },
    { attributes: { gender: 'woman' } },
    { seeking: { distance: 5 } },
    { settings: { discoverable: false, presence: true } },
  ])('that changes by %j is to be looked at anew', (more) => {
    const decided = profile.decide(set(said(more)), profile.evolve(profile.initial, first));
    expect(decided).toMatchObject([{ anew: true }]);
  });
  test('of who hides when they are here says no day', () => {
    const hidden = said({ settings: { discoverable: true, presence: false } });
    const { active: _, ...rest } = first;
    given(profile)
      .when(set(hidden))
      .then({ ...rest, profile: hidden });
    given(profile, { ...rest, profile: hidden })
      .when(visit('2026-06-02'))
      .then();
  });
});

describe('a visit', () => {
  test('is noted down once a day', () => {
    const { anew: _, at: __, type: ___, ...rest } = first;
    const visited: ProfileEvent = { type: 'Visited', ...rest, active: '2026-06-02', at: '2026-06-02T00:00:00.000Z' };
    given(profile, first).when(visit('2026-06-02')).then(visited);
    given(profile, first, visited).when(visit('2026-06-02')).then();
    given(profile, first, visited).when(visit('2026-06-01')).then();
  });
  test('needs a profile', () => given(profile).when(visit('2026-06-02')).thenRejected('no-profile'));
});

describe('a judgement', () => {
  const judged = (asOf: number, is: 'good' | 'banned'): ProfileEvent => ({
    ...{ type: 'Judged', ...facts, standing: { asOf, now: { is } }, at },
    ...(is === 'good' && { anew: true as const }),
  });
  test('is kept with its version', () => given(profile, first).when(judge(7, 'banned')).then(judged(7, 'banned')));
  test('that is older than what is known says nothing', () => {
    given(profile, first, judged(7, 'banned')).when(judge(7, 'banned')).then();
    given(profile, first, judged(7, 'banned')).when(judge(5, 'good')).then();
  });
  test('that is over lets them be found anew', () =>
    given(profile, first, judged(7, 'banned')).when(judge(8, 'good')).then(judged(8, 'good')));
  test('of who has no profile is nothing', () => given(profile).when(judge(7, 'banned')).then());
  test('outlives another profile', () => {
    const state = [first, judged(7, 'banned')].reduce(profile.evolve, profile.initial);
    expect(profile.decide(set(said({ bio: 'New.' })), state)).toMatchObject([{ standing: { asOf: 7 } }]);
  });
});
