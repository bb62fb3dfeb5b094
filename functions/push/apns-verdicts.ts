/** What follows from each thing that APNs says: one table of all its reasons. Pure. */
import type { Answer, Answered } from './apns-answer.ts';
import type { Outcome } from './provider.ts';
import { retryAfterOf } from './retries.ts';

/** An outcome, and what to do on the way to it. */
export type Verdict = {
  outcome: Outcome;
  /** Once more, right away; the outcome holds when it ends like this again. */
  once?: 'other-environment' | 'new-connection' | 'new-token';
  /** What is sent from now on takes a new connection. */
  renew?: true;
  /** No provider token may be minted for a while. */
  pause?: true;
};
/** `after`: the seconds that it asks to wait. */
type Judge = (answer: Answered & { after: number | undefined }, reason: string) => Verdict;

/** Apple's: no new provider token sooner. */
const TOKEN_SECONDS = 20 * 60;

const asked = ({ after }: Parameters<Judge>[0]) => (after === undefined ? {} : { after });

const refused: Judge = (_answer, reason) => ({ outcome: { result: 'refused', reason } });
const suspect: Judge = (_answer, reason) => ({ outcome: { result: 'suspect', reason } });
const heldApp: Judge = (_answer, reason) => ({ outcome: { result: 'held', scope: 'app', reason } });
const heldTenant: Judge = (_answer, reason) => ({ outcome: { result: 'held', scope: 'tenant', reason } });
/** A 410 that does not say since when is older than every registration, so it ends none. */
const gone: Judge = ({ timestamp }, reason) => ({
  outcome: { result: 'gone', reason, since: Number.isFinite(timestamp) ? (timestamp ?? 0) : 0 },
});
const flooded: Judge = (answer, reason) => ({
  outcome: { result: 'later', patience: 'flooded', reason, ...asked(answer) },
});
const trouble: Judge = (answer, reason) => ({
  outcome: { result: 'later', patience: 'trouble', reason, ...asked(answer) },
});

const table: Record<string, Judge> = {
  BadCollapseId: refused,
  // The stored environment may be the wrong one: the other is tried before the address is given up.
  BadDeviceToken: (_answer, reason) => ({ outcome: { result: 'gone', reason }, once: 'other-environment' }),
  BadExpirationDate: refused,
  BadMessageId: refused,
  BadPriority: refused,
  BadTopic: heldApp,
  DeviceTokenNotForTopic: suspect,
  DuplicateHeaders: refused,
  IdleTimeout: (_answer, reason) => ({
    outcome: { result: 'later', patience: 'unknown', reason },
    once: 'new-connection',
    renew: true,
  }),
  InvalidPushType: refused,
  MissingDeviceToken: refused,
  MissingTopic: heldApp,
  PayloadEmpty: refused,
  TopicDisallowed: heldApp,
  BadCertificate: heldTenant,
  BadCertificateEnvironment: heldTenant,
  ExpiredProviderToken: (...args) => ({ ...heldTenant(...args), once: 'new-token' }),
  Forbidden: heldTenant,
  // It may be of a key that was just replaced.
  InvalidProviderToken: (...args) => ({ ...heldTenant(...args), once: 'new-token' }),
  MissingProviderToken: heldTenant,
  // A connection keeps to the key that it began with.
  UnrelatedKeyIdInToken: (...args) => ({ ...heldTenant(...args), once: 'new-connection', renew: true }),
  // Whoever registers an address of the other environment brings it about: it must hold nobody else's pushes.
  BadEnvironmentKeyIdInToken: suspect,
  BadPath: refused,
  MethodNotAllowed: refused,
  Unregistered: gone,
  ExpiredToken: gone,
  PayloadTooLarge: refused,
  TooManyRequests: flooded,
  TooManyProviderTokenUpdates: ({ after = 0 }, reason) => ({
    outcome: { result: 'later', patience: 'flooded', reason, after: Math.max(TOKEN_SECONDS, after) },
    renew: true,
    pause: true,
  }),
  InternalServerError: trouble,
  ServiceUnavailable: trouble,
  Shutdown: (...args) => ({ ...trouble(...args), renew: true }),
};

/** For reasons that Apple has not told us of. */
const byStatus = (status: number): Judge => {
  if (status === 403) return heldTenant;
  if (status === 410) return gone;
  if (status === 429) return flooded;
  return status >= 400 && status < 500 ? refused : trouble;
};

/** Apple's reasons are words without a space: nothing else gets on the trail. */
const CODE = /^[A-Za-z0-9]{1,60}$/;

/** @param id the notification's, which APNs repeats */
export const verdictOf = (answer: Answer, id: string, now: Date): Verdict => {
  if ('failed' in answer) return { outcome: { result: 'later', patience: 'unknown', reason: answer.failed } };
  if (answer.status === 200) return { outcome: { result: 'sent', id: answer.id ?? id } };
  const reason = CODE.test(answer.reason ?? '') ? (answer.reason ?? '') : '';
  const known = Object.hasOwn(table, reason) ? table[reason] : undefined;
  const judge = known ?? byStatus(answer.status);
  const after = retryAfterOf(answer.retryAfter, now);
  return judge({ ...answer, after }, `${answer.status} ${reason || 'without a reason'}`);
};
