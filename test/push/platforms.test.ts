import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fit, fitAll, jsonBytes } from '../../functions/push/fit.ts';
import { toApns } from '../../functions/push/platforms-apns.ts';
import { toFcm } from '../../functions/push/platforms-fcm.ts';
import type { Content, Push } from '../../functions/push/provider.ts';
import { checkHeaders, parsePayload, payloadLimit } from '../../local/providers/apns-demands.ts';
import { parseMessage } from '../../local/providers/fcm-rules.ts';
import { pushOf as makePush, show } from './pushes.ts';

const now = new Date('2026-01-01T00:00:00.500Z');
const seconds = Math.floor(now.getTime() / 1000);

const pushOf = (content: Content, kind: Push['to']['kind'] = 'apns', expires = seconds + 3600): Push =>
  makePush(content, { kind }, expires);
const clear: Content = { type: 'clear', stream: 'chat-1', v: 7, badge: 2 };
const update: Content = { type: 'activity', event: 'update', state: { score: 2, home: 'A', live: true } };
const call: Content = { type: 'call', stream: 'chat-1', v: 8 };

const apns = (content: Content) => {
  const { headers, body } = toApns(pushOf(content), now);
  return { headers, payload: JSON.parse(body) as Record<string, unknown> };
};

// The library's own step from its names to the wire's; its package lets nobody import it by name.
const { validateMessage } = createRequire(import.meta.url)(
  resolve('node_modules/firebase-admin/lib/messaging/messaging-internal.js'),
) as { validateMessage: (message: object) => void };
const wire = (push: Push): Record<string, unknown> => {
  const message = structuredClone(toFcm(push, now));
  if (!message) throw new Error('there is no message');
  validateMessage(message);
  return JSON.parse(JSON.stringify(message)) as Record<string, unknown>;
};
const fcm = (content: Content, kind: Push['to']['kind'] = 'fcm-token') => wire(pushOf(content, kind));

const common = { 'apns-id': '7c2c1bd0-6d3c-5d5c-9f3e-0123456789ab', 'apns-collapse-id': 'collapse-1' };
const expiration = { 'apns-expiration': String(seconds + 3600) };
const shownData = {
  type: 'show',
  stream: 'chat-1',
  v: '7',
  event: 'chat-1@7',
  user: 'bob',
  id: '7c2c1bd0-6d3c-5d5c-9f3e-0123456789ab',
  badge: '3',
};
const clearData = { type: 'clear', stream: 'chat-1', v: '7', user: 'bob', id: shownData.id, badge: '2' };
const callData = { type: 'call', stream: 'chat-1', v: '8', user: 'bob', id: shownData.id };

describe('APNs', () => {
  test('shows', () =>
    expect(apns(show())).toEqual({
      headers: {
        ...common,
        ...expiration,
        'apns-topic': 'example.app',
        'apns-push-type': 'alert',
        'apns-priority': '10',
      },
      payload: {
        aps: {
          alert: {
            'title-loc-key': 'message.title',
            'title-loc-args': ['Ada'],
            'loc-key': 'message.body',
            'loc-args': ['Ada', 'Hello'],
          },
          sound: 'default',
          badge: 3,
          'thread-id': 'chat-1',
          category: 'messages',
          'interruption-level': 'active',
          'relevance-score': 0.5,
          'mutable-content': 1,
        },
        chorus: shownData,
      },
    }));
  test('clears with nothing that is seen or heard', () =>
    expect(apns(clear)).toEqual({
      headers: {
        ...common,
        ...expiration,
        'apns-topic': 'example.app',
        'apns-push-type': 'background',
        'apns-priority': '5',
      },
      payload: { aps: { 'content-available': 1 }, chorus: clearData },
    }));
  test('brings an activity up to date', () =>
    expect(apns(update)).toEqual({
      headers: {
        ...common,
        ...expiration,
        'apns-topic': 'example.app.push-type.liveactivity',
        'apns-push-type': 'liveactivity',
        'apns-priority': '5',
      },
      payload: {
        aps: { timestamp: seconds, event: 'update', 'content-state': { score: 2, home: 'A', live: true } },
      },
    }));
  test('ends an activity at once', () => {
    const { headers, payload } = apns({ type: 'activity', event: 'end', state: {} });
    expect(headers['apns-priority']).toBe('10');
    expect(payload).toMatchObject({ aps: { event: 'end', 'content-state': {} } });
  });
  test('rings', () =>
    expect(apns(call)).toEqual({
      headers: {
        ...common,
        ...expiration,
        'apns-topic': 'example.app.voip',
        'apns-push-type': 'voip',
        'apns-priority': '10',
      },
      payload: { chorus: callData },
    }));
  test('a passive one is not heard', () => {
    const { payload } = apns(show({ interruption: 'passive' }));
    expect(payload.aps).not.toHaveProperty('sound');
    expect(payload.aps).toMatchObject({ 'interruption-level': 'passive' });
  });
});

describe('FCM', () => {
  test('shows', () =>
    expect(fcm(show())).toEqual({
      token: 'address',
      data: shownData,
      android: {
        priority: 'high',
        ttl: '3599s',
        notification: {
          title_loc_key: 'message.title',
          title_loc_args: ['Ada'],
          body_loc_key: 'message.body',
          body_loc_args: ['Ada', 'Hello'],
          sound: 'default',
          channel_id: 'messages',
          notification_priority: 'PRIORITY_DEFAULT',
          tag: 'chat-1@7',
        },
      },
    }));
  test('tags with the event, if its name is short enough', () => {
    const tag = (event: string) => toFcm(pushOf(show({ event }), 'fcm-token'), now)?.android?.notification?.tag;
    expect(tag('x'.repeat(64))).toBe('x'.repeat(64));
    expect(tag('x'.repeat(65))).toBe('collapse-1');
  });
  test('clears by data alone, under a collapse key', () =>
    expect(fcm(clear)).toEqual({
      token: 'address',
      data: clearData,
      android: { priority: 'normal', ttl: '3599s', collapse_key: 'collapse-1' },
    }));
  test('rings by data alone', () =>
    expect(fcm(call)).toEqual({ token: 'address', data: callData, android: { priority: 'high', ttl: '3599s' } }));
  test('writes to an installation', () => expect(fcm(clear, 'fcm-fid')).toMatchObject({ fid: 'address' }));
  test('has nothing for an activity, nor for an Apple address', () => {
    expect(toFcm(pushOf(update, 'fcm-token'), now)).toBeUndefined();
    expect(toFcm(pushOf(show(), 'apns'), now)).toBeUndefined();
    expect(toFcm(pushOf(show(), 'apns-live-activity'), now)).toBeUndefined();
  });
  test.each([
    ['passive', 'PRIORITY_LOW'],
    ['active', 'PRIORITY_DEFAULT'],
    ['time-sensitive', 'PRIORITY_HIGH'],
  ] as const)('%s is %s', (interruption, priority) => {
    const { android } = fcm(show({ interruption })) as { android: { notification: Record<string, unknown> } };
    expect(android.notification.notification_priority).toBe(priority);
    expect(android.notification.sound).toBe(interruption === 'passive' ? undefined : 'default');
  });
  test.each([
    ['past', seconds - 60, 0],
    ['soon', seconds + 61, 60_000],
    ['never', seconds + 10_000_000, 2_419_200_000],
  ])('what ends %s', (_, expires, ttl) =>
    expect(toFcm(pushOf(show(), 'fcm-token', expires), now)?.android?.ttl).toBe(ttl),
  );
});

const FAMILY = '👨‍👩‍👧‍👦';
const graphemes = (text: string) =>
  [...new Intl.Segmenter('en', { granularity: 'grapheme' }).segment(text)].map(({ segment }) => segment);

describe('a shortened text', () => {
  test.each([
    ['as it is', 'Hello', 100, 'Hello'],
    ['at its exact size', 'Hello', 5, 'Hello'],
    ['cut', 'Hello', 4, 'H…'],
    ['without a space before the end', 'Hello world', 9, 'Hello…'],
    ['to the end alone', 'Hello', 3, '…'],
    ['to nothing', 'Hello', 2, ''],
    ['that was empty', '', 0, ''],
    ['with quotes, which take two', '""""', 7, '""…'],
    ['with a control character, which takes six', '\u0001\u0001\u0001', 17, '\u0001\u0001…'],
    ['never within a family', `a${FAMILY}${FAMILY}`, 40, `a${FAMILY}…`],
    ['never within a flag', '🇩🇪🇫🇷🇮🇹', 20, '🇩🇪🇫🇷…'],
    ['never between a hand and its colour', '👋🏽👋🏽👋🏽', 20, '👋🏽👋🏽…'],
    ['never between a letter and its marks', 'e\u0301e\u0301e\u0301', 8, 'e\u0301…'],
    ['never within a syllable', '\u1112\u1161\u11ab\u1112\u1161\u11ab', 14, '\u1112\u1161\u11ab…'],
    ['with what it opened closed', '\u2067שלום עולם\u2069', 19, '\u2067שלום…\u2069'],
    ['with all that it opened closed', '\u2067\u202bשלום עולם', 25, '\u2067\u202bשלום…\u202c\u2069'],
    ['whole, but closed', '\u202eevil', 100, '\u202eevil\u202c'],
    ['never behind a joiner', 'ab\u200dcdefgh', 8, 'a…'],
    ['with half a character', '\ud83d!', 100, '\ufffd!'],
  ])('%s', (_, text, bytes, shortened) => {
    expect(fit(text, bytes)).toBe(shortened);
    expect(jsonBytes(shortened)).toBeLessThanOrEqual(bytes);
  });
  test('has at most 200 characters', () => {
    expect(fit('x'.repeat(200), 4000)).toBe('x'.repeat(200));
    expect(fit('x'.repeat(201), 4000)).toBe(`${'x'.repeat(199)}…`);
  });
  test('gives where it is the longest', () => {
    expect(fitAll(['Ada', 'Ada', 'x'.repeat(100)], 40)).toEqual(['Ada', 'Ada', `${'x'.repeat(31)}…`]);
    expect(fitAll(['y'.repeat(100), 'x'.repeat(100)], 20)).toEqual(['yyyyyyy…', 'xxxxxxx…']);
  });
});

const worst: [string, string][] = [
  ['letters', 'x'.repeat(4000)],
  ['quotes', '"\\'.repeat(2000)],
  ['controls', '\u0001'.repeat(4000)],
  ['families', FAMILY.repeat(160)],
  ['flags', '🇩🇪'.repeat(1000)],
  ['marks', `a${'\u0301'.repeat(3999)}`],
  ['joiners', '\u200d'.repeat(4000)],
  ['openers', '\u2067'.repeat(4000)],
  ['openers and closers', '\u2067\u202b\u2069'.repeat(1333)],
  ['Hangul', '\u1112\u1161\u11ab'.repeat(1333)],
];

describe('a text of 4,000 characters of the worst kind', () => {
  test.each(worst)('takes no time and fits: %s', (_, text) => {
    const push = (kind: Push['to']['kind']) =>
      pushOf(show({ title: { key: 't', args: [text] }, body: { key: 'b', args: [text, text] } }), kind);
    const runs = Array.from({ length: 9 }, () => {
      const began = performance.now();
      fit(text, 4096);
      return performance.now() - began;
    });
    expect(runs.sort((a, b) => a - b)[4]).toBeLessThan(5);
    expect(Buffer.byteLength(toApns(push('apns'), now).body)).toBeLessThanOrEqual(4096);
    expect(parseMessage({ message: wire(push('fcm-token')) })).toHaveProperty('message');
  });
});

const piece = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.string({ unit: 'grapheme', maxLength: 20 }),
  fc.constantFrom(
    ...[
      FAMILY,
      '🇩🇪',
      '🇩',
      '👋🏽',
      '❤️',
      '\u200d',
      '\u200c',
      '\ufe0f',
      '\u0301',
      'שָׁלוֹם',
      'مَرْحَبًا',
      '\u1112',
      '\u1161',
      '\u0600',
    ],
    ...[
      '\u2066',
      '\u2067',
      '\u2068',
      '\u2069',
      '\u202a',
      '\u202b',
      '\u202c',
      '\u202d',
      '\u202e',
      '\n',
      '\0',
      '"',
      '\\',
      '\ud83d',
      '\udc68',
      ' ',
    ],
  ),
);
const text = fc
  .tuple(fc.array(piece, { maxLength: 60 }), fc.integer({ min: 1, max: 30 }))
  .map(([pieces, times]) => pieces.join('').repeat(times));

/** Closing marks that are missing at a text's end. */
const unclosed = (shortened: string): number => {
  const open: string[] = [];
  for (const character of shortened) {
    if ('\u2066\u2067\u2068'.includes(character)) open.push('isolate');
    if ('\u202a\u202b\u202d\u202e'.includes(character)) open.push('embedding');
    if (character === '\u202c' && open.at(-1) === 'embedding') open.pop();
    if (character === '\u2069' && open.includes('isolate')) open.length = open.lastIndexOf('isolate');
  }
  return open.length;
};

describe('any text', () => {
  test('fits, at the end of a character, with all closed', () =>
    fc.assert(
      fc.property(text, fc.integer({ min: -5, max: 5000 }), (given, bytes) => {
        const shortened = fit(given, bytes);
        void expect(jsonBytes(shortened)).toBeLessThanOrEqual(Math.max(0, bytes));
        void expect(shortened.isWellFormed()).toBe(true);
        void expect(unclosed(shortened)).toBe(0);
        const whole = given.toWellFormed();
        if (shortened.startsWith(whole)) return;
        const cut = /^(.*)…[\u2069\u202c]*$/su.exec(shortened)?.[1];
        if (cut === undefined) {
          void expect(shortened).toBe('');
          void expect(bytes).toBeLessThan(3);
          return;
        }
        void expect(whole.startsWith(cut)).toBe(true);
        const kept = graphemes(whole);
        let at = '';
        for (const each of kept) {
          if (at.length >= cut.length) break;
          at += each;
        }
        void expect(cut).toBe(at);
        void expect(cut).not.toMatch(/\u200d$/);
        void expect(graphemes(cut).length).toBeLessThan(200);
      }),
      { numRuns: 1000 },
    ));

  test('makes a payload that APNs takes', () =>
    fc.assert(
      fc.property(text, text, text, (a, b, c) => {
        const { headers, body } = toApns(
          pushOf(show({ title: { key: 't', args: [a] }, body: { key: 'b', args: [b, c] } })),
          now,
        );
        void expect(checkHeaders(headers, ['example.app'])).toBeUndefined();
        void expect(parsePayload(headers, Buffer.from(body))).toHaveProperty('payload');
        void expect(Buffer.byteLength(body)).toBeLessThanOrEqual(payloadLimit(headers));
      }),
      { numRuns: 200 },
    ));

  test('makes a message that FCM takes', () =>
    fc.assert(
      fc.property(text, text, text, (a, b, c) => {
        const content = show({ title: { key: 't', args: [a] }, body: { key: 'b', args: [b, c] } });
        void expect(parseMessage({ message: wire(pushOf(content, 'fcm-token')) })).toHaveProperty('message');
      }),
      { numRuns: 200 },
    ));
});

test.each([
  ['show', show()],
  ['clear', clear],
  ['activity', update],
  ['call', call],
])('APNs takes %s', (_, content) => {
  const { headers, body } = toApns(pushOf(content), now);
  expect(checkHeaders(headers, ['example.app'])).toBeUndefined();
  expect(parsePayload(headers, Buffer.from(body))).toHaveProperty('payload');
});
