/** Access tokens: which tenant's issuer made them, for whom, until when. Every check that decides is made here. */
import { JwtVerifier } from 'aws-jwt-verify';
import { FetchError, JwtExpiredError, WaitPeriodNotYetEndedJwkError } from 'aws-jwt-verify/error';
import { SimpleJwksCache } from 'aws-jwt-verify/jwk';
import { decomposeUnverifiedJwt } from 'aws-jwt-verify/jwt';
import { z } from 'zod';
import type { Verdict } from '../../core/authorizer.ts';
import { UserId } from '../../core/ids.ts';
import type { Tenant } from '../../core/tenants.ts';

const TOKEN_BYTES = 8192;
const JWKS_BYTES = 64 * 1024;

const refused = (code: Extract<Verdict, { refused: string }>['refused'], detail: string): Verdict => ({
  refused: code,
  detail,
});
const invalid = (): Verdict =>
  refused('token-invalid', 'The access token is not valid for this API. Get a new one from your sign-in.');

/** Fetches a key set: 3 s, bounded in size, https (or loopback, which tenants' validation allows). */
const fetchJwks = async (uri: string): Promise<ArrayBuffer> => {
  const response = await fetch(uri, { signal: AbortSignal.timeout(3000), redirect: 'error' }).catch(
    (error: unknown) => {
      throw new FetchError(uri, error);
    },
  );
  if (!response.ok) throw new FetchError(uri, `status ${response.status}`);
  const bytes = await response.arrayBuffer();
  if (bytes.byteLength > JWKS_BYTES) throw new FetchError(uri, 'too large');
  return bytes;
};

const Claims = z.object({ sub: UserId, exp: z.int() });

/** What the unverified token says of itself: only to choose whose rules it is verified by. */
const claimed = (token: string): { iss: string | undefined; aud: readonly string[] } | undefined => {
  try {
    const { payload } = decomposeUnverifiedJwt(token);
    return { iss: payload.iss, aud: [payload.aud ?? []].flat() };
  } catch {
    return undefined;
  }
};

const verifierOf = ({ auth }: Tenant, jwksCache: SimpleJwksCache) =>
  JwtVerifier.create(
    {
      issuer: auth.issuer,
      audience: auth.audience,
      jwksUri: auth.jwksUri,
      scope: auth.scope,
      graceSeconds: 0,
      customJwtCheck: ({ header }) => {
        if (!auth.algorithms.some((algorithm) => algorithm === header.alg)) throw new Error('algorithm is not pinned');
        if ('crit' in header) throw new Error('critical headers are not understood');
      },
    },
    { jwksCache },
  );

/** Does the signature part re-encode to itself? Others could be written in several ways. */
const isCanonical = (token: string): boolean =>
  token.split('.').every((part) => Buffer.from(part, 'base64url').toString('base64url') === part);

/**
 * Verifies `Authorization` headers for a set of tenants. Key sets are cached; an unknown key id asks the issuer at most
 * once in 10 seconds.
 */
export const tokenVerifier = (tenants: Iterable<Tenant>) => {
  const jwksCache = new SimpleJwksCache({ fetcher: { fetch: fetchJwks } });
  const entries = [...tenants].map((tenant) => ({ tenant, verifier: verifierOf(tenant, jwksCache) }));
  const verify = async (token: string): Promise<Verdict> => {
    const says = claimed(token);
    const entry = entries.find(({ tenant: { auth } }) => auth.issuer === says?.iss && says.aud.includes(auth.audience));
    if (!entry || !isCanonical(token)) return invalid();
    const { sub, exp } = Claims.parse(await entry.verifier.verify(token));
    return { tenant: entry.tenant.tenant, user: sub, expires: exp };
  };
  return async (header: string | undefined): Promise<Verdict> => {
    const token = /^Bearer ([A-Za-z0-9._-]+)$/i.exec(header ?? '')?.[1];
    if (!token || token.length > TOKEN_BYTES)
      return refused('unauthenticated', 'Send an access token as `Authorization: Bearer …`.');
    try {
      return await verify(token);
    } catch (error) {
      if (error instanceof JwtExpiredError)
        return refused('token-expired', 'The access token has expired. Get a new one and send the request again.');
      if (error instanceof FetchError)
        return refused(
          'issuer-unavailable',
          'The token can not be checked right now: its issuer does not answer. Send the request again.',
        );
      // The issuer may not be asked again yet: a forged token, or one of a key that is seconds old.
      if (error instanceof WaitPeriodNotYetEndedJwkError)
        return refused(
          'key-unknown',
          'The access token is signed by a key that is not known. If it is a good one, send the request again in 10 s.',
        );
      return invalid();
    }
  };
};
