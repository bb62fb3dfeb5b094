import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { UserId } from '../../core/ids.ts';
import { conversationOf, type MatchCommand, type MatchEvent, match, pairId } from '../../functions/matching/match.ts';
import { given, play } from '../given.ts';
import { ada, at, ben } from '../people.ts';

const act = (by: UserId) => ({ by, about: by === ada ? ben : ada, at });
const command = (type: MatchCommand['type'], by: UserId): MatchCommand => ({ type, ...act(by) });
const superLike = (by: UserId, note?: string): MatchCommand => ({
  ...{ type: 'Like', ...act(by), kind: 'super' },
  ...(note && { note }),
});
const liked = (by: UserId): MatchEvent => ({ type: 'Liked', ...act(by) });
const superLiked = (by: UserId): MatchEvent => ({ type: 'Liked', ...act(by), kind: 'super' });
const passed = (by: UserId, more: object = {}): MatchEvent => ({ type: 'Passed', ...act(by), took: false, ...more });
const deferred = (by: UserId): MatchEvent => ({ type: 'Deferred', ...act(by), took: false });
const undone = (by: UserId): MatchEvent => ({ type: 'Undone', ...act(by) });
const matched: MatchEvent = { type: 'Matched', between: [ada, ben], at, generation: 1 };
const unmatched = (by: UserId, generation = 1): MatchEvent => ({ type: 'Unmatched', ...act(by), generation });
const blocked = (by: UserId): MatchEvent => ({ type: 'Blocked', ...act(by) });
const unblocked = (by: UserId, now: 'none' | 'unmatched' | 'blocked'): MatchEvent => ({
  ...{ type: 'Unblocked', ...act(by), now },
});
const pair = [liked(ada), liked(ben), matched];

describe('a match', () => {
  test('starts with one like', () => given(match).when(command('Like', ada)).then(liked(ada)));
  test('is made by the second like', () =>
    given(match, liked(ada)).when(command('Like', ben)).then(liked(ben), matched));
  test('is made of likes of either kind', () =>
    given(match, superLiked(ada)).when(superLike(ben)).then(superLiked(ben), matched));
  test('needs two', () =>
    given(match)
      .when({ ...command('Like', ada), about: ada })
      .thenRejected('self'));
  test('is not made by a like after a pass of the other', () =>
    given(match, passed(ada))
      .when(command('Like', ben))
      .then({ ...liked(ben), passed: true } as MatchEvent));
  test('is made when the one who passed likes after all', () =>
    given(match, liked(ben), passed(ada))
      .when(command('Like', ada))
      .then(liked(ada), { type: 'Matched', between: [ben, ada], at, generation: 1 }));
  test('takes back a like with a pass, or by leaving it for later', () => {
    given(match, liked(ada), passed(ada, { took: true }))
      .when(command('Like', ben))
      .then({ ...liked(ben), passed: true } as MatchEvent);
    given(match, liked(ada))
      .when(command('Defer', ada))
      .then({ type: 'Deferred', ...act(ada), took: true });
    given(match, liked(ada), deferred(ada)).when(command('Like', ben)).then(liked(ben));
  });
  test.each(['Pass', 'Defer'] as const)('can not be undone by %s', (type) =>
    given(match, ...pair)
      .when(command(type, ben))
      .thenRejected('already-matched'),
  );
  test.each([
    [command('Like', ben), [liked(ben)]],
    [command('Like', ben), [superLiked(ben)]],
    [superLike(ben), [superLiked(ben)]],
    [command('Like', ben), pair],
    [command('Pass', ben), [passed(ben)]],
    [command('Defer', ben), [deferred(ben)]],
    [command('Unmatch', ben), [...pair, unmatched(ada)]],
    [command('Block', ben), [blocked(ben)]],
    [command('Unblock', ben), [blocked(ada)]],
  ] as const)('%j after %j says nothing new', (said, history) =>
    given(match, ...history)
      .when(said)
      .then(),
  );
  test('a like becomes a super-like, with a note', () =>
    given(match, liked(ben))
      .when(superLike(ben, 'hi'))
      .then({ type: 'Liked', ...act(ben), kind: 'super', note: 'hi' }));
  test('what one thinks of is told to who keeps lists: the like that is taken back, and the other one', () => {
    given(match, liked(ada), liked(ada))
      .when(command('Pass', ada))
      .then(passed(ada, { took: true }));
    given(match, superLiked(ben))
      .when(command('Pass', ada))
      .then(passed(ada, { liked: 'super-like' }));
    given(match, liked(ben), passed(ada))
      .when(command('Undo', ada))
      .then({ ...undone(ada), liked: 'like' } as MatchEvent);
  });
});

describe('a pass', () => {
  test.each([passed(ada), deferred(ada)])('is undone: %j', (history) =>
    given(match, history).when(command('Undo', ada)).then(undone(ada)),
  );
  test.each([[[]], [[liked(ada)]], [[passed(ben)]], [[passed(ada), undone(ada)]], [pair], [[...pair, unmatched(ben)]]])(
    'that is not there can not be undone: %j',
    (history) =>
      given(match, ...history)
        .when(command('Undo', ada))
        .thenRejected('nothing-to-undo'),
  );
  test('that is undone leaves a like of the other to be answered', () =>
    given(match, liked(ben), passed(ada), undone(ada))
      .when(command('Like', ada))
      .then(liked(ada), { type: 'Matched', between: [ben, ada], at, generation: 1 }));
});

describe('the end of a match', () => {
  const again = [...pair, unmatched(ada)];
  test('takes both likes with it', () => {
    given(match, ...pair)
      .when(command('Unmatch', ben))
      .then(unmatched(ben));
    given(match, ...again)
      .when(command('Like', ben))
      .then(liked(ben));
  });
  test('can be followed by another match, of the next generation', () =>
    given(match, ...again, liked(ben))
      .when(command('Like', ada))
      .then(liked(ada), { type: 'Matched', between: [ben, ada], at, generation: 2 }));
  test.each(['Like', 'Pass', 'Defer'] as const)('can be the last where the tenant says so: %s', (type) =>
    given(match, ...again)
      .when({ ...command(type, ben), once: true } as MatchCommand)
      .thenRejected('ended'),
  );
  test('where the tenant says so, a first match is none the less', () =>
    given(match, liked(ada))
      .when({ ...command('Like', ben), once: true } as MatchCommand)
      .then(liked(ben), matched));
  test('needs a match', () => given(match, liked(ada)).when(command('Unmatch', ada)).thenRejected('not-found'));
});

describe('a block', () => {
  test('ends a match', () =>
    given(match, ...pair)
      .when(command('Block', ben))
      .then(unmatched(ben), blocked(ben)));
  test('refuses every reaction of both as if there was nobody', () => {
    for (const by of [ada, ben])
      for (const type of ['Like', 'Pass', 'Defer', 'Undo'] as const)
        given(match, passed(by), blocked(ada)).when(command(type, by)).thenRejected('not-found');
  });
  test('takes every feeling with it', () =>
    given(match, liked(ada), blocked(ben), unblocked(ben, 'none')).when(command('Like', ben)).then(liked(ben)));
  test('is lifted by who set it, and says what remains', () => {
    given(match, blocked(ada)).when(command('Unblock', ada)).then(unblocked(ada, 'none'));
    given(match, blocked(ada))
      .when(command('Block', ben))
      .then({ ...blocked(ben), both: true } as MatchEvent);
    given(match, blocked(ada), blocked(ben)).when(command('Unblock', ada)).then(unblocked(ada, 'blocked'));
    given(match, ...pair, unmatched(ada), blocked(ada))
      .when(command('Unblock', ada))
      .then(unblocked(ada, 'unmatched'));
  });
  test('of two holds until both are lifted', () => {
    const both = [blocked(ada), blocked(ben), unblocked(ada, 'blocked')];
    given(match, ...both)
      .when(command('Like', ada))
      .thenRejected('not-found');
    given(match, ...both, unblocked(ben, 'none'))
      .when(command('Like', ada))
      .then(liked(ada));
  });
});

const types = ['Like', 'Pass', 'Defer', 'Undo', 'Unmatch', 'Block', 'Unblock'] as const;

describe('whatever two people do', () => {
  const byBoth = fc.constantFrom(...[ada, ben].flatMap((by) => types.map((type) => command(type, by))));
  test('one alone makes no match', () => {
    const byAda = fc.constantFrom(...types.map((type) => command(type, ada)));
    fc.assert(fc.property(fc.array(byAda), (all) => !play(match, all).some((e) => e.type === 'Matched')));
  });
  test('each match has its own generation, and ends before the next', () => {
    fc.assert(
      fc.property(fc.array(byBoth, { maxLength: 40 }), (all) => {
        const turns = play(match, all).flatMap((e) =>
          e.type === 'Matched' || e.type === 'Unmatched' ? [`${e.type} ${e.generation}`] : [],
        );
        void expect(turns).toEqual(turns.map((_, i) => `${i % 2 ? 'Unmatched' : 'Matched'} ${Math.floor(i / 2) + 1}`));
      }),
    );
  });
  test('they have one stream and, for each match, one conversation whoever acts first', () => {
    expect(pairId(ada, ben)).toBe(pairId(ben, ada));
    for (const generation of [1, 2, 7])
      expect(conversationOf(ada, ben, generation)).toBe(conversationOf(ben, ada, generation));
    expect(new Set([1, 2, 7].map((generation) => conversationOf(ada, ben, generation))).size).toBe(3);
  });
});
