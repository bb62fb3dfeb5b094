import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { UserId } from '../../core/ids.ts';
import { conversationOf, type MatchCommand, type MatchEvent, match, pairId } from '../../functions/matching/match.ts';
import { given, play } from '../given.ts';
import { ada, at, ben } from '../people.ts';

const act = (by: UserId) => ({ by, about: by === ada ? ben : ada, at });
const command = (type: MatchCommand['type'], by: UserId): MatchCommand => ({ type, ...act(by) });
const liked = (by: UserId): MatchEvent => ({ type: 'Liked', ...act(by) });
const passed = (by: UserId): MatchEvent => ({ type: 'Passed', ...act(by) });
const matched: MatchEvent = { type: 'Matched', between: [ada, ben], at };

describe('a match', () => {
  test('starts with one like', () => given(match).when(command('Like', ada)).then(liked(ada)));
  test('is made by the second like', () =>
    given(match, liked(ada)).when(command('Like', ben)).then(liked(ben), matched));
  test('needs two', () =>
    given(match)
      .when({ ...command('Like', ada), about: ada })
      .thenRejected('self'));
  test('is not made by a like after a pass of the other', () =>
    given(match, passed(ada)).when(command('Like', ben)).then(liked(ben)));
  test('is made when the one who passed likes after all', () =>
    given(match, liked(ben), passed(ada))
      .when(command('Like', ada))
      .then(liked(ada), { ...matched, between: [ben, ada] }));
  test('takes back a like with a pass', () =>
    given(match, liked(ada), passed(ada)).when(command('Like', ben)).then(liked(ben)));
  test('can not be passed on any more', () =>
    given(match, liked(ada), liked(ben), matched).when(command('Pass', ben)).thenRejected('already-matched'));
  test.each([
    ['Like', [liked(ben)]],
    ['Like', [liked(ada), liked(ben), matched]],
    ['Pass', [passed(ben)]],
  ] as const)('%s after %j says nothing new', (type, history) =>
    given(match, ...history)
      .when(command(type, ben))
      .then(),
  );

  const byBoth = fc.constantFrom(...[ada, ben].flatMap((by) => [command('Like', by), command('Pass', by)]));
  test('is never made by one person alone', () => {
    const byAda = fc.constantFrom(command('Like', ada), command('Pass', ada));
    fc.assert(fc.property(fc.array(byAda), (all) => !play(match, all).some((e) => e.type === 'Matched')));
  });
  test('is made at most once, and only when both like', () => {
    fc.assert(
      fc.property(fc.array(byBoth), (all) => {
        const history = play(match, all);
        const made = history.findIndex((e) => e.type === 'Matched');
        expect(history.filter((e) => e.type === 'Matched').length).toBeLessThanOrEqual(1);
        const newest = (by: UserId) => history.slice(0, made).findLast((e) => 'by' in e && e.by === by)?.type;
        if (made >= 0) expect([newest(ada), newest(ben)]).toEqual(['Liked', 'Liked']);
      }),
    );
  });
  test('has one stream and one conversation whoever acts first', () => {
    expect(pairId(ada, ben)).toBe(pairId(ben, ada));
    expect(conversationOf(ada, ben)).toBe(conversationOf(ben, ada));
  });
});
