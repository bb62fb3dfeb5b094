/** Cases: what moderators decide, what of it holds, and what can be reversed. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ConversationId } from '../../core/ids.ts';
import { standingAt } from '../../core/standing.ts';
import { person } from '../../functions/accounts/person.ts';
import { standingBy } from '../../functions/safety/actions.ts';
import { type CaseCommand, type CaseEvent, theCase } from '../../functions/safety/case.ts';
import { pathsOf } from '../../functions/safety/reasons.ts';
import { given, play } from '../given.ts';
import { ada, at, ben } from '../people.ts';

const conversation = ConversationId.parse('cnv_AAAAAAAAAAAAAAAAAAAAAA');
const mod = { person: ada, operator: 'mod', reason: 'seen', at };
const day = (n: number): string => new Date(Date.parse(at) + n * 86_400_000).toISOString();
const reporting = { person: ada, by: ben, reason: 'spam', evidence: { type: 'user' as const, user: ada }, at };
const report: CaseCommand = { type: 'Report', ...reporting };
const suspend = (n: number): CaseCommand => ({ type: 'Suspend', ...mod, until: day(n) });
const ban: CaseCommand = { type: 'Ban', ...mod };
const hide: CaseCommand = { type: 'Hide', ...mod, conversation, message: 'msg_1' };
const reverse = (action: number, when = at): CaseCommand => ({ type: 'Reverse', ...mod, at: when, action });
const after = (...commands: CaseCommand[]): CaseEvent[] => play(theCase, commands);
const stateAfter = (...commands: CaseCommand[]) => after(...commands).reduce(theCase.evolve, theCase.initial);

describe('a case', () => {
  test('opens with a report, and counts those that wait', () => {
    given(theCase)
      .when(report)
      .then({ ...reporting, type: 'Reported', open: 1, since: at });
    given(theCase, ...after(report))
      .when({ ...report, at: day(1) })
      .then({ ...reporting, type: 'Reported', at: day(1), open: 2, since: at });
  });
  test('is nobody’s own to open', () =>
    given(theCase)
      .when({ ...report, by: ada })
      .thenRejected('self'));
  test.each([
    { ...mod, type: 'Warn', text: 'no' },
    { ...mod, type: 'Dismiss' },
    suspend(1),
    ban,
    hide,
  ] as CaseCommand[])('is answered by $type', (command) =>
    expect(stateAfter(report, command)).toMatchObject({ open: 0 }),
  );
  test.each([
    { ...mod, type: 'Note' },
    { ...mod, type: 'View' },
  ] as CaseCommand[])('still waits after $type', (command) =>
    expect(stateAfter(report, command)).toMatchObject({ open: 1, since: at }),
  );
  test('says in an event what it leads to', () => {
    given(theCase, ...after(suspend(3)))
      .when(ban)
      .then({ ...mod, type: 'Banned', open: 0, action: 2, standing: { is: 'banned' } });
    const of = { type: 'banned' as const, action: 2 };
    given(theCase, ...after(suspend(3), ban))
      .when(reverse(2))
      .then({ ...mod, type: 'Reversed', open: 0, of, standing: { is: 'suspended', until: day(3) } });
    given(theCase, ...after(suspend(3), ban))
      .when(reverse(2, day(4)))
      .then({ ...mod, at: day(4), type: 'Reversed', open: 0, of, standing: { is: 'good' } });
  });
  test.each([
    ['a moment that is over', [], suspend(0), 'over-already'],
    ['a second ban', [ban], ban, 'banned-already'],
    ['a message twice', [hide], hide, 'hidden-already'],
    ['what never was', [ban], reverse(2), 'no-such-action'],
    ['what was reversed', [ban, reverse(1)], reverse(1), 'no-such-action'],
    ['an eleventh suspension', Array.from({ length: 10 }, () => suspend(1)), suspend(2), 'too-many'],
  ] as const)('refuses %s', (_, history, command, code) =>
    given(theCase, ...after(...history))
      .when(command)
      .thenRejected(code),
  );
  test('stays small: warnings and hidden messages that are long ago can not be reversed', () => {
    const warnings = Array.from({ length: 100 }, (): CaseCommand => ({ ...mod, type: 'Warn', text: 'again' }));
    const state = stateAfter(ban, suspend(9), ...warnings);
    expect(state.actions.filter(({ type }) => type === 'warned').map(({ action }) => action)).toEqual(
      Array.from({ length: 20 }, (_each, i) => 83 + i),
    );
    expect(state.actions.slice(0, 2)).toMatchObject([{ type: 'banned' }, { type: 'suspended' }]);
  });
  test('stands as the longest of what was done and not reversed, whatever the order', () => {
    const steps = fc.array(
      fc.oneof(
        fc.integer({ min: 1, max: 9 }).map(suspend),
        fc.constant(ban),
        fc.nat(8).map((n) => reverse(n)),
      ),
    );
    fc.assert(
      fc.property(steps, fc.integer({ min: 0, max: 10 }), (commands, then) => {
        const events = after(...commands);
        const gone = new Set(events.flatMap((each) => (each.type === 'Reversed' ? [each.of.action] : [])));
        const holds = events.filter((each) => 'action' in each && !gone.has(each.action));
        const ends = holds.flatMap((each) => (each.type === 'Suspended' ? [each.until] : [])).sort();
        const expected = holds.some(({ type }) => type === 'Banned')
          ? 'banned'
          : ends.some((end) => end > day(then))
            ? 'suspended'
            : 'good';
        const { actions } = events.reduce(theCase.evolve, theCase.initial);
        expect(standingAt(standingBy(actions, at), new Date(day(then))).is).toBe(expected);
      }),
    );
  });
});

describe('a person', () => {
  const tell = (asOf: number, standing: { is: 'banned' } | { is: 'good' }) => ({
    type: 'TellStanding' as const,
    person: ada,
    asOf,
    standing,
    at,
  });
  test('is told what holds, also when an older word comes late', () => {
    const events = play(person, [tell(5, { is: 'good' }), tell(4, { is: 'banned' })]);
    expect(events).toMatchObject([
      { type: 'StandingChanged', asOf: 5, standing: { is: 'good' } },
      { type: 'StandingChanged', asOf: 5, standing: { is: 'good' } },
    ]);
  });
});

test('reasons are named by paths', () =>
  expect(pathsOf({ reasons: { spam: [], abuse: ['hate'] } })).toEqual(['spam', 'abuse', 'abuse/hate']));
