/**
 * A development OIDC issuer: one key pair and one issuer name for each data folder, access tokens for whoever asks.
 * Only local/ has it; every tenant's derived file trusts it, each with its own audience.
 */
import { createHash, type KeyObject, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { exportJWK, SignJWT } from 'jose';
import { z } from 'zod';
import { UserId } from '../core/ids.ts';
import type { Tenant } from '../core/tenants.ts';
import { signAccountEvent } from './apple-id.ts';
import { replaceFile } from './files.ts';
import type { DevAnswer, DevRoutes } from './gateway/gateway.ts';
import type { Keys } from './keys.ts';

const MONTH_SECONDS = 30 * 86_400;

export const JWKS_PATH = '/dev/issuer/jwks.json';

const TokenRequest = z.strictObject({
  tenant: z.string().default('demo'),
  user: UserId,
  /** A negative one gives a token that has expired, to try that out. */
  ttlSeconds: z.int().min(-MONTH_SECONDS).max(MONTH_SECONDS).default(3600),
});

export type Minted = { token: string; expiresAt: string };
export type Issuer = {
  /** @throws Error for a tenant that does not exist */
  mint(request: { tenant: string; user: string; ttlSeconds: number }): Promise<Minted>;
  routes: DevRoutes;
};

/**
 * The issuer's name: the address of its first start, kept, so that tokens stay good when the port changes.
 * @param origin of the public port now
 */
export const issuerName = (data: string, origin: string): string => {
  const file = join(data, 'issuer');
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    const issuer = `${origin}/dev/issuer`;
    replaceFile(file, `${issuer}\n`);
    return issuer;
  }
};

const refuse = (detail: string): DevAnswer => ({
  status: 400,
  body: { type: 'about:blank', title: 'Bad Request', status: 400, detail },
});

const mintFor = async (body: string, tenants: Tenant[], mint: Issuer['mint']): Promise<DevAnswer> => {
  const json = (): unknown => {
    try {
      return JSON.parse(body);
    } catch {
      return undefined;
    }
  };
  const parsed = TokenRequest.safeParse(json());
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    return refuse(`${issue?.path.join('.') || 'the body'}: ${issue?.message ?? 'is not a token request'}`);
  }
  const names = tenants.map(({ tenant }) => tenant as string);
  if (!names.includes(parsed.data.tenant)) return refuse(`tenant: must be one of ${names.join(', ')}`);
  return { status: 200, body: await mint(parsed.data) };
};

type Signer = { privateKey: KeyObject; kid: string };

/** An access token as RFC 9068 wants it, for one audience. */
const sign = async ({ privateKey, kid }: Signer, auth: Tenant['auth'], user: string, ttl: number): Promise<Minted> => {
  const now = Math.floor(Date.now() / 1000);
  const expires = now + ttl;
  const token = await new SignJWT({ scope: auth.scope, client_id: 'local' })
    .setProtectedHeader({ alg: 'RS256', kid, typ: 'at+jwt' })
    .setIssuer(auth.issuer)
    .setAudience(auth.audience)
    .setSubject(user)
    .setIssuedAt(Math.min(now, expires))
    .setExpirationTime(expires)
    .setJti(randomUUID())
    .sign(privateKey);
  return { token, expiresAt: new Date(expires * 1000).toISOString() };
};

const discovery = (issuer: string, origin: string) => ({
  issuer,
  jwks_uri: `${origin}${JWKS_PATH}`,
  token_endpoint: `${origin}/dev/token`,
  response_types_supported: ['token'],
  subject_types_supported: ['public'],
  id_token_signing_alg_values_supported: ['RS256'],
});

type Options = { keys: Keys; issuer: string; origin: string; tenants: Tenant[] };

/**
 * @param issuer the name that stands in the tokens, as in the tenants' files
 * @param origin of the public port, where the keys are
 */
export const createIssuer = async ({ keys, issuer, origin, tenants }: Options): Promise<Issuer> => {
  const { privateKey, publicKey } = await keys('issuer', 'RS256');
  const jwk = await exportJWK(publicKey);
  const kid = createHash('sha256')
    .update(JSON.stringify([jwk.e, jwk.n]))
    .digest('base64url')
    .slice(0, 16);
  const mint: Issuer['mint'] = async ({ tenant, user, ttlSeconds }) => {
    const auth = tenants.find((candidate) => candidate.tenant === tenant)?.auth;
    if (!auth) throw new Error(`there is no tenant ${tenant}`);
    return sign({ privateKey, kid }, auth, user, ttlSeconds);
  };
  const jwks = { keys: [{ ...jwk, kid, alg: 'RS256', use: 'sig' }] };
  const routes: DevRoutes = {
    'GET /dev/issuer/.well-known/openid-configuration': () => ({ status: 200, body: discovery(issuer, origin) }),
    [`GET ${JWKS_PATH}`]: () => ({ status: 200, body: jwks }),
    'POST /dev/token': ({ body }) => mintFor(body, tenants, mint),
    'POST /dev/apple/account-event': ({ body }) => signAccountEvent(body, tenants, { privateKey, kid }),
  };
  return { mint, routes };
};
