/** What a person sets for themselves: said as a whole, once; and that whoever notifies knows the same kinds. */
import { describe, expect, test } from 'vitest';
import { type PersonCommand, type PersonEvent, person } from '../../functions/accounts/person.ts';
import {
  noPreferences,
  type Preferences,
  PreferencesSaid,
  preferenceKinds,
} from '../../functions/accounts/preferences.ts';
import { untilOf } from '../../functions/messaging/mute.ts';
import { notificationKinds } from '../../functions/push/notification.ts';
import { given, play } from '../given.ts';
import { ada, at, ben } from '../people.ts';

const night = { from: '22:00', to: '07:00' };
const set = (preferences: Preferences): PersonCommand => ({ type: 'SetPreferences', person: ada, preferences, at });
const wasSet = (preferences: Preferences): PersonEvent => ({ type: 'PreferencesSet', person: ada, preferences, at });
const conversation = 'cnv_AAAAAAAAAAAAAAAAAAAAAA';
const [matched] = play(person, [
  { type: 'TellMatch', person: ada, with: ben, conversation: conversation as never, at },
]) as [PersonEvent];
const folded = (...events: PersonEvent[]) => events.reduce(person.evolve, person.initial);

describe('preferences', () => {
  test('are set', () =>
    given(person)
      .when(set({ kinds: { matches: 'none' }, quiet: night }))
      .then(wasSet({ kinds: { matches: 'none' }, quiet: night })));
  test('are set a first time also where they are the defaults', () =>
    given(person).when(set(noPreferences)).then(wasSet(noPreferences)));
  test('say nothing when they are as they were, in whatever order', () =>
    given(person, wasSet({ kinds: { matches: 'none', messages: 'push' }, quiet: night }))
      .when(set({ quiet: { to: '07:00', from: '22:00' }, kinds: { messages: 'push', matches: 'none' } }))
      .then());
  test('replace all that was set before', () => {
    const before = wasSet({ kinds: { matches: 'none' }, quiet: night });
    given(person, before)
      .when(set({ kinds: { messages: 'none' } }))
      .then(wasSet({ kinds: { messages: 'none' } }));
    expect(folded(before, wasSet({ kinds: { messages: 'none' } })).preferences).toEqual({
      kinds: { messages: 'none' },
    });
  });
  test('may become again what they were', () =>
    given(person, wasSet({ kinds: {} }), wasSet({ kinds: { messages: 'none' } }))
      .when(set({ kinds: {} }))
      .then(wasSet({ kinds: {} })));
  test('outlive a match, and a match outlives them', () => {
    const preferences = { kinds: { matches: 'none' as const } };
    for (const events of [
      [wasSet(preferences), matched],
      [matched, wasSet(preferences)],
    ])
      expect(folded(...events)).toEqual({ person: ada, preferences });
  });
  test('are told to the person alone', () => expect(person.audience(folded(wasSet({ kinds: {} })))).toEqual([ada]));
  test('know the kinds of which there are notifications', () => {
    expect(preferenceKinds.toSorted()).toEqual(notificationKinds.toSorted());
    expect(Object.keys(PreferencesSaid.shape.kinds.shape).sort()).toEqual(notificationKinds.toSorted());
  });
});

describe('a mute', () => {
  const now = new Date('2026-01-01T00:00:00.000Z');
  test.each([
    ['forever', 'forever'],
    ['2026-01-01T00:00:00.001Z', '2026-01-01T00:00:00.001Z'],
    ['2026-06-01T12:00:00Z', '2026-06-01T12:00:00.000Z'],
    ['2026-06-01T12:00:00.123456Z', '2026-06-01T12:00:00.123Z'],
    ['2027-01-01T00:00:00Z', '2027-01-01T00:00:00.000Z'],
  ])('until %s is stored as %s', (said, until) => expect(untilOf(said, now)).toEqual({ until }));
  test.each([
    ['2026-01-01T00:00:00.000Z', /still to come/],
    ['2025-12-31T23:59:59.999Z', /still to come/],
    ['nonsense', /still to come/],
    ['2027-01-02T00:00:00.001Z', /within a year/],
    ['9999-12-31T23:59:59Z', /within a year/],
  ])('until %s is none', (said, rule) => expect(untilOf(said, now)).toEqual({ rule: expect.stringMatching(rule) }));
});
