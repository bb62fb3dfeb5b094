import { describe, expect, test } from 'vitest';
import {
  type Entry,
  isQuiet,
  notificationOf,
  type Preferences,
  type Reader,
} from '../../functions/push/notification.ts';
import { ada, at, ben } from '../people.ts';

const noon = new Date('2026-06-01T12:00:00Z');
const reader: Reader = { person: ada, preferences: { kinds: {} }, isBlocked: () => false, content: 'full' };
const sent = (by: string, text: string) => ({ type: 'Sent', id: 'msg_1', number: 6, by, text, at });
const matched = { type: 'MatchMade', person: ada, with: ben, conversation: 'cnv_1', at };
const entry = (...events: unknown[]): Entry => ({ stream: 'conversation/cnv_1', v: 7, events, later: [] });
const of = (event: unknown, more: Partial<Reader> = {}) => notificationOf(entry(event), { ...reader, ...more }, noon);

describe('a notification', () => {
  test('of a message names its sender and shows the text by keys of the app', () =>
    expect(of(sent(ben, 'hi'))).toMatchObject({
      kind: 'messages',
      title: { key: 'message.title', args: [ben] },
      body: { key: 'message.body', args: [ben, 'hi'] },
      thread: 'conversation/cnv_1',
      event: 'conversation:cnv_1@7',
    }));
  test('of a match names the other', () =>
    expect(of(matched)).toMatchObject({ kind: 'matches', body: { key: 'match.body', args: [ben] } }));
  test.each([sent(ben, 'a secret'), matched])('says only where to look, for a tenant that wants ids alone', (event) => {
    const made = of(event, { content: 'ids' });
    expect(JSON.stringify(made)).not.toMatch(/secret|ben/);
    expect(made).toMatchObject({ title: { args: [] }, body: { key: expect.stringContaining('.hidden.'), args: [] } });
  });
  test('is not made for events that show nothing, known or not', () => {
    expect(of({ type: 'Opened', members: [ada, ben], at })).toBe('nothing to show');
    expect(notificationOf(entry({ type: 'FromTheFuture' }, 7, null), reader, noon)).toBe('nothing to show');
  });
});

describe('there is none', () => {
  const kinds = (setting: Preferences['kinds']): Partial<Reader> => ({ preferences: { kinds: setting } });
  const quiet = { preferences: { kinds: {}, quiet: { from: '11:00', to: '13:00' } } };
  test.each([
    ['of what one did oneself', sent(ada, 'hi'), {}, 'own'],
    ['of who is blocked', sent(ben, 'hi'), { isBlocked: (by: string) => by === ben }, 'blocked'],
    ['of a match with who is blocked', matched, { isBlocked: (by: string) => by === ben }, 'blocked'],
    ['of a kind that is switched off', sent(ben, 'hi'), kinds({ messages: 'none' }), 'switched off'],
    ['of a conversation muted for ever', sent(ben, 'hi'), { muted: 'forever' }, 'muted'],
    ['of a conversation muted until later', sent(ben, 'hi'), { muted: '2026-06-01T12:00:01.000Z' }, 'muted'],
    ['in quiet hours', sent(ben, 'hi'), quiet, 'quiet hours'],
    ['in quiet hours of where the device is', sent(ben, 'hi'), { ...quiet, timeZone: 'UTC' }, 'quiet hours'],
  ])('%s', (_, event, more, reason) => expect(of(event, more)).toBe(reason));
  test('of what was deleted meanwhile', () => {
    const withdrawn = { ...entry(sent(ben, 'hi')), later: [{ type: 'Deleted', id: 'msg_1' }] };
    expect(notificationOf(withdrawn, reader, noon)).toBe('deleted');
  });
  test('but of all else', () => {
    expect(of(sent(ben, 'hi'), kinds({ messages: 'push', matches: 'none' }))).toBeTypeOf('object');
    expect(of(sent(ben, 'hi'), { muted: '2026-06-01T12:00:00.000Z' })).toBeTypeOf('object');
    expect(of(sent(ben, 'hi'), { ...quiet, timeZone: 'Asia/Tokyo' })).toBeTypeOf('object');
    const other = { ...entry(sent(ben, 'hi')), later: [{ type: 'Deleted', id: 'msg_2' }] };
    expect(notificationOf(other, reader, noon)).toBeTypeOf('object');
  });
});

describe('quiet hours', () => {
  const night: Preferences = { kinds: {}, quiet: { from: '22:00', to: '07:00' } };
  test.each([
    ['2026-06-01T22:00:00Z', 'UTC', true],
    ['2026-06-01T21:59:59Z', 'UTC', false],
    ['2026-06-02T06:59:00Z', 'UTC', true],
    ['2026-06-02T07:00:00Z', 'UTC', false],
    ['2026-06-01T00:00:00Z', 'UTC', true],
    ['2026-06-01T20:30:00Z', 'Europe/Berlin', true],
    ['2026-01-01T20:30:00Z', 'Europe/Berlin', false],
    ['2026-06-01T12:00:00Z', 'Pacific/Kiritimati', true],
    ['2026-06-01T20:30:00Z', 'Pacific/Midway', false],
    ['2026-06-01T17:00:00Z', 'Asia/Kolkata', true],
  ])('at %s in %s: %s', (when, zone, quiet) => expect(isQuiet(night, zone, new Date(when))).toBe(quiet));
});
