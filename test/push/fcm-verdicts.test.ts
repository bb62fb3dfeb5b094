import { FirebaseError } from 'firebase-admin/app';
import { describe, expect, test } from 'vitest';
import { outcomeOf, tokenOutcomeOf } from '../../functions/push/fcm-verdicts.ts';

const now = new Date('2026-01-01T00:00:00Z');
const FCM_ERROR = 'type.googleapis.com/google.firebase.fcm.v1.FcmError';
const NOT_A_TOKEN = 'The registration token is not a valid FCM registration token';

type Said = { status: number; name?: string; fcm?: string; message?: string; retryAfter?: string; library?: string };

/** What the library throws; its own code is `library`'s. */
const failure = ({ status, name, fcm, message = 'words', retryAfter, library = 'unknown-error' }: Said) => ({
  code: `messaging/${library}`,
  message,
  httpResponse: {
    status,
    headers: { 'content-type': 'application/json', ...(retryAfter !== undefined && { 'retry-after': retryAfter }) },
    data: {
      error: {
        code: status,
        message,
        status: name,
        ...(fcm !== undefined && { details: [{ '@type': 'other' }, { '@type': FCM_ERROR, errorCode: fcm }] }),
      },
    },
  },
});
const flooded = (after: number) => ({ result: 'later', patience: 'flooded', after });
const trouble = { result: 'later', patience: 'trouble' };
const held = { result: 'held', scope: 'tenant' };

describe('what FCM says', () => {
  const gone = 'registration-token-not-registered';
  const denied = 'mismatched-credential';
  test.each<[string, Said, object]>([
    ['UNREGISTERED', { status: 404, name: 'NOT_FOUND', fcm: 'UNREGISTERED', library: gone }, { result: 'gone' }],
    [
      'UNREGISTERED_FID',
      { status: 404, name: 'NOT_FOUND', fcm: 'UNREGISTERED_FID', library: gone },
      { result: 'gone' },
    ],
    ['NOT_FOUND alone: a wrong project', { status: 404, name: 'NOT_FOUND', library: gone }, held],
    [
      'NOT_FOUND alone, of an installation, which the library calls unregistered',
      { status: 404, name: 'NOT_FOUND', library: 'installation-id-not-registered' },
      held,
    ],
    [
      'INVALID_ARGUMENT about the token',
      { status: 400, name: 'INVALID_ARGUMENT', fcm: 'INVALID_ARGUMENT', message: NOT_A_TOKEN },
      { result: 'gone' },
    ],
    [
      'INVALID_ARGUMENT about the token, without a detail',
      { status: 400, name: 'INVALID_ARGUMENT', message: NOT_A_TOKEN },
      { result: 'gone' },
    ],
    [
      'INVALID_ARGUMENT that only speaks of the token',
      { status: 400, name: 'INVALID_ARGUMENT', fcm: 'INVALID_ARGUMENT', message: `${NOT_A_TOKEN}.` },
      { result: 'refused' },
    ],
    [
      'INVALID_ARGUMENT about the message',
      { status: 400, name: 'INVALID_ARGUMENT', fcm: 'INVALID_ARGUMENT', message: 'Android message is too big' },
      { result: 'refused' },
    ],
    [
      'SENDER_ID_MISMATCH',
      { status: 403, name: 'PERMISSION_DENIED', fcm: 'SENDER_ID_MISMATCH', library: denied },
      { result: 'suspect' },
    ],
    ['PERMISSION_DENIED', { status: 403, name: 'PERMISSION_DENIED', library: denied }, held],
    ['QUOTA_EXCEEDED', { status: 429, name: 'RESOURCE_EXHAUSTED', fcm: 'QUOTA_EXCEEDED' }, flooded(60)],
    [
      'QUOTA_EXCEEDED, when',
      { status: 429, name: 'RESOURCE_EXHAUSTED', fcm: 'QUOTA_EXCEEDED', retryAfter: '90' },
      flooded(90),
    ],
    ['RESOURCE_EXHAUSTED', { status: 429, name: 'RESOURCE_EXHAUSTED' }, flooded(60)],
    ['UNAVAILABLE', { status: 503, name: 'UNAVAILABLE', fcm: 'UNAVAILABLE' }, trouble],
    [
      'UNAVAILABLE, when',
      { status: 503, name: 'UNAVAILABLE', fcm: 'UNAVAILABLE', retryAfter: 'Thu, 01 Jan 2026 00:02:00 GMT' },
      { ...trouble, after: 120 },
    ],
    ['INTERNAL', { status: 500, name: 'INTERNAL', fcm: 'INTERNAL' }, trouble],
    [
      'THIRD_PARTY_AUTH_ERROR: of an address that the project has no key for',
      { status: 401, name: 'UNAUTHENTICATED', fcm: 'THIRD_PARTY_AUTH_ERROR' },
      { result: 'suspect' },
    ],
    ['UNAUTHENTICATED', { status: 401, name: 'UNAUTHENTICATED' }, held],
    ['a new code of FCM, 5xx', { status: 504, name: 'DEADLINE_EXCEEDED', fcm: 'NEW' }, trouble],
    ['a new code of FCM, 404', { status: 404, name: 'NOT_FOUND', fcm: 'NEW' }, held],
    ['a new code of FCM, 400', { status: 400, name: 'FAILED_PRECONDITION', fcm: 'NEW' }, { result: 'refused' }],
  ])('%s', (_, said, outcome) => expect(outcomeOf(failure(said), now)).toMatchObject(outcome));

  test('is told in codes; its words are for the logs', () => {
    const denied = failure({ status: 403, name: 'PERMISSION_DENIED', message: 'Token abc of Ada' });
    expect(outcomeOf(denied, now)).toMatchObject({ reason: '403 PERMISSION_DENIED', detail: 'Token abc of Ada' });
    expect(outcomeOf(failure({ status: 400, name: 'some words' }), now)).toMatchObject({ reason: '400' });
    const granted = (body: string) => tokenOutcomeOf(400, body, null, now);
    expect(granted('{"error":"invalid_grant"}')).toMatchObject({ reason: 'token endpoint 400 invalid_grant' });
    expect(granted('{"error":"no key for Ada"}')).toMatchObject({ reason: 'token endpoint 400' });
  });

  test('only where it names a wait there is one', () => {
    expect(outcomeOf(failure({ status: 500, fcm: 'INTERNAL' }), now)).not.toHaveProperty('after');
    expect(outcomeOf(failure({ status: 503, fcm: 'UNAVAILABLE', retryAfter: 'soon' }), now)).not.toHaveProperty(
      'after',
    );
  });

  test.each([
    [502, trouble],
    [404, held],
    [429, flooded(60)],
    [413, { result: 'refused' }],
    [200, { result: 'later', patience: 'unknown' }],
  ])('a page of something in between, with %i', (status, outcome) =>
    expect(
      outcomeOf({ code: 'x', message: 'y', httpResponse: { status, headers: {}, data: '<html>' } }, now),
    ).toMatchObject(outcome),
  );
});

describe('without an answer', () => {
  test.each([
    'app/network-error',
    'app/network-timeout',
    'app/invalid-credential',
    'messaging/registration-token-not-registered',
    'messaging/unknown-error',
  ])('%s: nobody knows', (code) =>
    expect(outcomeOf(new FirebaseError({ code, message: 'words' }), now)).toMatchObject({
      result: 'later',
      patience: 'unknown',
      reason: code,
      detail: 'words',
    }),
  );
  test.each(['messaging/invalid-argument', 'messaging/invalid-payload', 'messaging/invalid-recipient'])(
    '%s: the library did not send it',
    (code) => expect(outcomeOf({ code, message: 'words' }, now)).toMatchObject({ result: 'refused' }),
  );
  test.each([[undefined], [null], ['words'], [new Error('words')]])('%s', (thrown) =>
    expect(outcomeOf(thrown, now)).toMatchObject({ result: 'later', patience: 'unknown' }),
  );
});

test.each([
  [400, '{"error":"invalid_grant"}', null, held],
  [401, '{"error":"invalid_client"}', null, held],
  [403, '', null, held],
  [429, '', '5', flooded(5)],
  [408, '', null, trouble],
  [500, '', null, trouble],
  [503, '', '7', { ...trouble, after: 7 }],
])('the token endpoint says %i %s', (status, body, retryAfter, outcome) =>
  expect(tokenOutcomeOf(status, body, retryAfter, now)).toMatchObject(outcome),
);
