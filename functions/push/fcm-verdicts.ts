/**
 * What an attempt's failure means, from what FCM said. Pure. The library's own codes are not trusted: it gives one code to
 * a token that is gone and to a project that is wrong, and to a message of ours and to an answer that nobody understood.
 */
import { z } from 'zod';
import type { Outcome } from './provider.ts';
import { retryAfterOf } from './retries.ts';

const FCM_ERROR = 'type.googleapis.com/google.firebase.fcm.v1.FcmError';
const NOT_A_TOKEN = 'The registration token is not a valid FCM registration token';
const QUOTA_SECONDS = 60;
const UNAUTHENTICATED = 401;
const DETAIL_LENGTH = 200;
/** What a code looks like; all else is words. */
const CODE = /^[A-Za-z0-9_/-]{1,60}$/;

const GoogleError = z.object({
  error: z.object({
    status: z.string().optional(),
    message: z.string().optional(),
    details: z.array(z.looseObject({ '@type': z.string().optional(), errorCode: z.string().optional() })).optional(),
  }),
});
const Failure = z.object({
  code: z.string().optional(),
  message: z.string().optional(),
  httpResponse: z
    .object({ status: z.number(), headers: z.record(z.string(), z.unknown()).optional(), data: z.unknown() })
    .optional(),
});

/** What the rows below are about. */
type Answer = {
  /** In codes. */
  reason: string;
  message: string | undefined;
  /** Seconds that it asks to wait. */
  after: number | undefined;
};

/** The provider's words go to the logs alone. */
const why = ({ reason, message }: Pick<Answer, 'reason' | 'message'>): { reason: string; detail?: string } => ({
  reason,
  ...(message && { detail: message.slice(0, DETAIL_LENGTH) }),
});
const later =
  (patience: Extract<Outcome, { result: 'later' }>['patience'], atLeast?: number) =>
  ({ after = atLeast, ...answer }: Answer): Outcome => ({
    result: 'later',
    patience,
    ...why(answer),
    ...(after !== undefined && { after }),
  });
const gone = (answer: Answer): Outcome => ({ result: 'gone', ...why(answer) });
const held = (answer: Answer): Outcome => ({ result: 'held', scope: 'tenant', ...why(answer) });
const suspect = (answer: Answer): Outcome => ({ result: 'suspect', ...why(answer) });
const refused = (answer: Answer): Outcome => ({ result: 'refused', ...why(answer) });
/** The same code for a token that is none and for a message that is none. */
const invalid = (answer: Answer): Outcome => (answer.message === NOT_A_TOKEN ? gone(answer) : refused(answer));

type Verdict = (answer: Answer) => Outcome;

/** By FcmError's code: FCM itself looked at the token. */
const byFcmError: Record<string, Verdict> = {
  UNREGISTERED: gone,
  UNREGISTERED_FID: gone,
  INVALID_ARGUMENT: invalid,
  SENDER_ID_MISMATCH: suspect,
  QUOTA_EXCEEDED: later('flooded', QUOTA_SECONDS),
  UNAVAILABLE: later('trouble'),
  INTERNAL: later('trouble'),
  // Of an address for APNs or Web Push, whose keys the project has not: whoever registers one brings it about.
  THIRD_PARTY_AUTH_ERROR: suspect,
  UNSPECIFIED_ERROR: later('trouble'),
};

/** By Google's status, where no FcmError stands beside it: nothing here is about a token. */
const byStatus: Record<string, Verdict> = {
  NOT_FOUND: held,
  INVALID_ARGUMENT: invalid,
  PERMISSION_DENIED: held,
  UNAUTHENTICATED: held,
  RESOURCE_EXHAUSTED: later('flooded', QUOTA_SECONDS),
  UNAVAILABLE: later('trouble'),
  INTERNAL: later('trouble'),
};

/** By HTTP's status: something before FCM answered. */
const byHttp = (status: number): Verdict => {
  if (status === 429) return later('flooded', QUOTA_SECONDS);
  if (status >= 500 || status === 408) return later('trouble');
  if (status === 401 || status === 403 || status === 404) return held;
  // It may have been taken, or was never asked: an answer that is none.
  if (status < 400) return later('unknown');
  return refused;
};

/** Of failures without an answer: what the library found wrong before it sent. All else is the network's. */
const OURS = /^messaging\/(invalid-|payload-size)/;

const reasonOf = (...parts: (string | number | undefined)[]): string =>
  parts.filter((part) => part !== undefined && CODE.test(String(part))).join(' ');

/** What firebase-admin's `send()` threw. */
export const outcomeOf = (thrown: unknown, now: Date): Outcome => {
  const failure = Failure.safeParse(thrown).data ?? {};
  const { httpResponse } = failure;
  if (!httpResponse) {
    const said = why({ reason: reasonOf(failure.code) || 'no answer', message: failure.message });
    return OURS.test(failure.code ?? '')
      ? { result: 'refused', ...said }
      : { result: 'later', patience: 'unknown', ...said };
  }
  return answered(httpResponse, now);
};

const answered = (
  { status, headers, data }: NonNullable<z.infer<typeof Failure>['httpResponse']>,
  now: Date,
): Outcome => {
  const { error } = GoogleError.safeParse(data).data ?? {};
  const code = error?.details?.find((detail) => detail['@type'] === FCM_ERROR)?.errorCode;
  const verdict = (code === undefined ? byStatus[error?.status ?? ''] : byFcmError[code]) ?? byHttp(status);
  return verdict({
    reason: reasonOf(status, code ?? error?.status),
    message: error?.message,
    after: retryAfterOf(headers?.['retry-after'], now),
  });
};

/** FCM does not take the access token; another may do. */
export const isUnauthenticated = (thrown: unknown): boolean =>
  Failure.safeParse(thrown).data?.httpResponse?.status === UNAUTHENTICATED;

const OAuthError = z.object({ error: z.string() });
const parsed = (body: string): string | undefined => {
  try {
    return OAuthError.parse(JSON.parse(body)).error;
  } catch {
    return undefined;
  }
};

/** What Google's token endpoint said, to a service account that asked for an access token. */
export const tokenOutcomeOf = (status: number, body: string, retryAfter: unknown, now: Date): Outcome => {
  const answer = {
    reason: `token endpoint ${reasonOf(status, parsed(body))}`,
    message: body,
    after: retryAfterOf(retryAfter, now),
  };
  if (status === 429) return later('flooded', QUOTA_SECONDS)(answer);
  return status >= 400 && status < 500 && status !== 408 ? held(answer) : later('trouble')(answer);
};
