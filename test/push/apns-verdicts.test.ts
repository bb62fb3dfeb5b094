/** What we do about each of Apple's reasons: written from their documentation, not from our table. */
import { describe, expect, test } from 'vitest';
import { verdictOf as verdictAt } from '../../functions/push/apns-verdicts.ts';

const SINCE = 1_760_000_000_000;

/** Status, reason, what becomes of the push. */
const documented = [
  [400, 'BadCollapseId', 'refused'],
  [400, 'BadDeviceToken', 'gone'],
  [400, 'BadExpirationDate', 'refused'],
  [400, 'BadMessageId', 'refused'],
  [400, 'BadPriority', 'refused'],
  [400, 'BadTopic', 'held app'],
  [400, 'DeviceTokenNotForTopic', 'suspect'],
  [400, 'DuplicateHeaders', 'refused'],
  [400, 'IdleTimeout', 'later unknown'],
  [400, 'InvalidPushType', 'refused'],
  [400, 'MissingDeviceToken', 'refused'],
  [400, 'MissingTopic', 'held app'],
  [400, 'PayloadEmpty', 'refused'],
  [400, 'TopicDisallowed', 'held app'],
  [403, 'BadCertificate', 'held tenant'],
  [403, 'BadCertificateEnvironment', 'held tenant'],
  [403, 'BadEnvironmentKeyIdInToken', 'suspect'],
  [403, 'ExpiredProviderToken', 'held tenant'],
  [403, 'Forbidden', 'held tenant'],
  [403, 'InvalidProviderToken', 'held tenant'],
  [403, 'MissingProviderToken', 'held tenant'],
  [403, 'UnrelatedKeyIdInToken', 'held tenant'],
  [404, 'BadPath', 'refused'],
  [405, 'MethodNotAllowed', 'refused'],
  [410, 'ExpiredToken', 'gone'],
  [410, 'Unregistered', 'gone'],
  [413, 'PayloadTooLarge', 'refused'],
  [429, 'TooManyProviderTokenUpdates', 'later flooded'],
  [429, 'TooManyRequests', 'later flooded'],
  [500, 'InternalServerError', 'later trouble'],
  [503, 'ServiceUnavailable', 'later trouble'],
  [503, 'Shutdown', 'later trouble'],
] as const;

const now = new Date('2026-01-01T00:00:00.000Z');
const verdictOf = (answer: Parameters<typeof verdictAt>[0], id: string) => verdictAt(answer, id, now);

const inWords = (status: number, reason: string): string => {
  const { outcome } = verdictOf({ status, reason }, 'id');
  if (outcome.result === 'later') return `later ${outcome.patience}`;
  return outcome.result === 'held' ? `held ${outcome.scope}` : outcome.result;
};

const reasonsWhere = (holds: (verdict: ReturnType<typeof verdictOf>) => unknown): string[] =>
  documented.filter(([status, reason]) => holds(verdictOf({ status, reason }, 'id'))).map(([, reason]) => reason);

describe('APNs’ reason', () => {
  test('list holds all 32', () => expect(documented.length).toBe(32));

  test.each(documented)('%i %s: %s', (status, reason, expected) => {
    expect(inWords(status, reason)).toBe(expected);
    expect(verdictOf({ status, reason }, 'id').outcome).toMatchObject({ reason: `${status} ${reason}` });
  });

  test('of an expired token tells since when; one without a time is older than any registration', () => {
    const since = (timestamp?: number) => {
      const answer = { status: 410, reason: 'Unregistered', ...(timestamp !== undefined && { timestamp }) };
      return verdictOf(answer, 'id').outcome;
    };
    expect(since(SINCE)).toMatchObject({ since: SINCE });
    expect(since()).toMatchObject({ since: 0 });
    expect(since(Number.NaN)).toMatchObject({ since: 0 });
  });

  test('of a bad token does not tell since when', () =>
    expect(verdictOf({ status: 400, reason: 'BadDeviceToken', timestamp: SINCE }, 'id').outcome).toEqual({
      result: 'gone',
      reason: '400 BadDeviceToken',
    }));

  test('to wait says how long, if it does', () => {
    const wait = (status: number, reason: string, retryAfter?: string) => {
      const { outcome } = verdictOf({ status, reason, ...(retryAfter !== undefined && { retryAfter }) }, 'id');
      return 'after' in outcome ? outcome.after : undefined;
    };
    expect([wait(429, 'TooManyRequests', '7'), wait(429, 'TooManyRequests')]).toEqual([7, undefined]);
    expect([wait(503, 'ServiceUnavailable', '9'), wait(500, 'InternalServerError')]).toEqual([9, undefined]);
    expect([wait(429, 'TooManyProviderTokenUpdates', '7'), wait(429, 'TooManyProviderTokenUpdates', '1300')]).toEqual([
      1200, 1300,
    ]);
  });

  test.each([
    [429, 'TooManyRequests', 'Thu, 01 Jan 2026 00:01:30 GMT', 90],
    [503, 'ServiceUnavailable', 'Wed, 31 Dec 2025 23:00:00 GMT', 0],
    [429, 'TooManyProviderTokenUpdates', 'Thu, 01 Jan 2026 01:00:00 GMT', 3600],
    [500, 'Mercury', 'soon', undefined],
  ])('to wait may say until when: %i %s %s is %s s', (status, reason, retryAfter, after) => {
    const { outcome } = verdictOf({ status, reason, retryAfter }, 'id');
    expect('after' in outcome ? outcome.after : undefined).toBe(after);
  });

  test('is tried once more only where that may help', () => {
    expect(reasonsWhere(({ once }) => once === 'new-connection')).toEqual(['IdleTimeout', 'UnrelatedKeyIdInToken']);
    expect(reasonsWhere(({ once }) => once === 'other-environment')).toEqual(['BadDeviceToken']);
    expect(reasonsWhere(({ once }) => once === 'new-token')).toEqual(['ExpiredProviderToken', 'InvalidProviderToken']);
  });

  test('ends the connection where it is to blame', () =>
    expect(reasonsWhere(({ renew }) => renew)).toEqual([
      'IdleTimeout',
      'UnrelatedKeyIdInToken',
      'TooManyProviderTokenUpdates',
      'Shutdown',
    ]));

  test('stops the minting of tokens where that is too much', () =>
    expect(reasonsWhere(({ pause }) => pause)).toEqual(['TooManyProviderTokenUpdates']));
});

test.each([
  [400, 'refused'],
  [403, 'held tenant'],
  [410, 'gone'],
  [418, 'refused'],
  [429, 'later flooded'],
  [500, 'later trouble'],
  [504, 'later trouble'],
])('a reason nobody has heard of, with %i: %s', (status, expected) => {
  expect(inWords(status, 'Mercury')).toBe(expected);
  expect(inWords(status, 'constructor')).toBe(expected);
});

test.each([undefined, 'a page <html>', 'x'.repeat(61)])('an answer without a reason (%s) says so', (reason) =>
  expect(verdictOf({ status: 500, ...(reason !== undefined && { reason }) }, 'id').outcome).toMatchObject({
    reason: '500 without a reason',
  }),
);

test('an accepted push has the name that APNs gave it, or else ours', () => {
  expect(verdictOf({ status: 200, id: 'theirs' }, 'ours').outcome).toEqual({ result: 'sent', id: 'theirs' });
  expect(verdictOf({ status: 200 }, 'ours').outcome).toEqual({ result: 'sent', id: 'ours' });
});

test.each(['timeout', 'goaway', 'refused', 'reset', 'closed', 'connect', 'our queue is full'] as const)(
  '%s: nobody knows, so later',
  (failed) =>
    expect(verdictOf({ failed, arrived: 'unknown' }, 'id')).toEqual({
      outcome: { result: 'later', patience: 'unknown', reason: failed },
    }),
);
