/**
 * What Apple says of an account that signs in with it: verified by Apple's keys alone, for this app alone. Each has an id of its own,
 * and is done once.
 */
import { createRemoteJWKSet, errors, jwtVerify } from 'jose';
import { z } from 'zod';
import type { Deps } from '../../core/deps.ts';
import { appleEventKey } from '../../core/erasure-keys.ts';
import { type Actor, digest, UserId } from '../../core/ids.ts';
import { Problem } from '../../core/problem.ts';
import type { Tenant } from '../../core/tenants.ts';
import { logOutEverywhere } from '../logout.ts';
import { beginErasure } from './erase.ts';

export type Apple = NonNullable<Tenant['apple']>;

const YEAR_SECONDS = 365 * 24 * 3600;
const SKEW_SECONDS = 300;
/** Longer than any of them is believed. */
const KEPT_SECONDS = YEAR_SECONDS + 24 * 3600;
const ALGORITHMS = ['RS256', 'ES256'];

const Claims = z.object({
  jti: z.string().min(1).max(200),
  iat: z.int().min(0),
  /** JSON within JSON, as Apple has it. */
  events: z.string().max(10_000),
});
const Said = z.object({ type: z.string().min(1).max(64), sub: z.string().min(1).max(200) });
export type AppleEvent = z.infer<typeof Said> & { id: string };

const keySets = new Map<string, ReturnType<typeof createRemoteJWKSet>>();
const keysOf = (uri: string): ReturnType<typeof createRemoteJWKSet> => {
  const known =
    keySets.get(uri) ?? createRemoteJWKSet(new URL(uri), { timeoutDuration: 3000, cooldownDuration: 10_000 });
  keySets.set(uri, known);
  return known;
};

/** A key that is seconds old is asked for again soon; whoever forged it is told the same. */
const unknownKey = (): Problem =>
  new Problem({ status: 503, code: 'key-unknown', detail: 'Send it again: its key is not known yet.', retryAfter: 10 });
const untrusted = (): Problem =>
  new Problem({ status: 401, code: 'untrusted', detail: 'This is not what Apple signed for this app.' });

const badTokens = [
  errors.JWSInvalid,
  errors.JWTInvalid,
  errors.JWTExpired,
  errors.JWTClaimValidationFailed,
  errors.JWSSignatureVerificationFailed,
  errors.JOSEAlgNotAllowed,
  errors.JOSENotSupported,
] as const;

const refusal = (error: unknown): unknown => {
  if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys)
    return unknownKey();
  // All else is Apple's keys that we can't have: ours to mend, and Apple's to send again.
  return badTokens.some((bad) => error instanceof bad) ? untrusted() : error;
};

const parsedEvents = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** @throws Problem `untrusted` or `key-unknown`; anything else when Apple's keys can't be had */
export const verifyAppleEvent = async (apple: Apple, payload: string, now: Date): Promise<AppleEvent> => {
  const options = {
    ...{ issuer: apple.issuer, audience: apple.clientIds, algorithms: ALGORITHMS, currentDate: now },
    ...{ clockTolerance: SKEW_SECONDS, requiredClaims: ['iss', 'aud', 'iat', 'jti', 'events'] },
  };
  const verified = await jwtVerify(payload, keysOf(apple.jwksUri), options).catch((error: unknown) => {
    throw refusal(error);
  });
  const claims = Claims.safeParse(verified.payload);
  if (!claims.success) throw untrusted();
  const age = Math.floor(now.getTime() / 1000) - claims.data.iat;
  const said = Said.safeParse(parsedEvents(claims.data.events));
  if (!said.success || age > YEAR_SECONDS || age < -SKEW_SECONDS) throw untrusted();
  return { ...said.data, id: claims.data.jti };
};

/** Who is meant. Where the ids of our people are not Apple's, only who signed them in could say; nobody can yet. */
export const personOfAppleSub = ({ subject }: Apple, sub: string): UserId | undefined =>
  subject === 'user' ? UserId.safeParse(sub).data : undefined;

const act = async (deps: Deps, actor: Actor, type: string): Promise<void> => {
  if (type === 'consent-revoked') await logOutEverywhere(deps, actor);
  if (type === 'account-delete') await beginErasure(deps, actor);
};

/** Whoever dies in between is told again by Apple, and does it again: then it is noted. */
export const hearApple = async (
  deps: Deps,
  { tenant, apple }: { tenant: Tenant['tenant']; apple: Apple },
  { id, type, sub }: AppleEvent,
): Promise<'heard' | 'heard before'> => {
  const TableName = deps.env.TRAIL_TABLE;
  const key = appleEventKey(tenant, digest('apple-event', id));
  if (await deps.ddb.get({ TableName, Key: key, ConsistentRead: true })) return 'heard before';
  const user = personOfAppleSub(apple, sub);
  if (user) await act(deps, { tenant, user }, type);
  const expires = Math.floor(deps.now().getTime() / 1000) + KEPT_SECONDS;
  await deps.ddb.put({ TableName, Item: { ...key, type, meant: user !== undefined, expires } });
  deps.log({ level: 'info', msg: 'apple event', tenant, user, type: type.replace(/[^a-z-]/g, '?') });
  return 'heard';
};
