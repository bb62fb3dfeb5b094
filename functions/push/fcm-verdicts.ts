/**
 * What an attempt's failure means, from what FCM said. Pure. The library's own codes are not trusted: it gives one code to
 * a token that is gone and to a project that is wrong, and to a message of ours and to an answer that nobody understood.
 */
import { z } from 'zod';
import type { Outcome } from './provider.ts';

const FCM_ERROR = 'type.googleapis.com/google.firebase.fcm.v1.FcmError';
const NOT_A_TOKEN = 'The registration token is not a valid FCM registration token';
const QUOTA_SECONDS = 60;
const SECOND_MS = 1000;
const REASON_LENGTH = 200;

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
  reason: string;
  message: string | undefined;
  /** Seconds that it asks to wait. */
  after: number | undefined;
};

const later =
  (patience: Extract<Outcome, { result: 'later' }>['patience'], atLeast?: number) =>
  ({ reason, after = atLeast }: Answer): Outcome => ({
    result: 'later',
    patience,
    reason,
    ...(after !== undefined && { after }),
  });
const gone = ({ reason }: Answer): Outcome => ({ result: 'gone', reason });
const held = ({ reason }: Answer): Outcome => ({ result: 'held', scope: 'tenant', reason });
const suspect = ({ reason }: Answer): Outcome => ({ result: 'suspect', reason });
const refused = ({ reason }: Answer): Outcome => ({ result: 'refused', reason });
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
  THIRD_PARTY_AUTH_ERROR: held,
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

/** Both forms of Retry-After: seconds, or a date. */
export const retryAfterOf = (value: unknown, now: Date): number | undefined => {
  if (typeof value !== 'string') return undefined;
  if (/^\d{1,9}$/.test(value.trim())) return Number(value);
  const at = /[a-z]/i.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(at) ? undefined : Math.max(0, Math.ceil((at - now.getTime()) / SECOND_MS));
};

const reasonOf = (...parts: (string | number | undefined)[]): string =>
  parts
    .filter((part) => part !== undefined && part !== '')
    .join(' ')
    .slice(0, REASON_LENGTH);

/** What firebase-admin's `send()` threw. */
export const outcomeOf = (thrown: unknown, now: Date): Outcome => {
  const failure = Failure.safeParse(thrown).data ?? {};
  const { httpResponse } = failure;
  if (!httpResponse) {
    const reason = reasonOf(failure.code, failure.message) || 'no answer';
    return OURS.test(failure.code ?? '')
      ? { result: 'refused', reason }
      : { result: 'later', patience: 'unknown', reason };
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
    reason: reasonOf(status, code ?? error?.status, error?.message),
    message: error?.message,
    after: retryAfterOf(headers?.['retry-after'], now),
  });
};

/** What Google's token endpoint said, to a service account that asked for an access token. */
export const tokenOutcomeOf = (status: number, body: string, retryAfter: unknown, now: Date): Outcome => {
  const answer = {
    reason: reasonOf('token endpoint', status, body),
    message: body,
    after: retryAfterOf(retryAfter, now),
  };
  if (status === 429) return later('flooded', QUOTA_SECONDS)(answer);
  return status >= 400 && status < 500 && status !== 408 ? held(answer) : later('trouble')(answer);
};
