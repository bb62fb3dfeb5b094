/** Signing in to the local FCM as a service account does. */
import { importPKCS8, SignJWT } from 'jose';

const SCOPE = 'https://www.googleapis.com/auth/firebase.messaging';
const GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

export type Account = { client_email: string; private_key: string; token_uri: string; project_id: string };
export type Claims = { issuer?: string; audience?: string; scope?: string; seconds?: number };

export const assertion = async (account: Account, claims: Claims = {}): Promise<string> => {
  const now = Math.floor(Date.now() / 1000);
  return new SignJWT({ scope: claims.scope ?? SCOPE })
    .setProtectedHeader({ alg: 'RS256', typ: 'JWT' })
    .setIssuer(claims.issuer ?? account.client_email)
    .setAudience(claims.audience ?? account.token_uri)
    .setIssuedAt(now)
    .setExpirationTime(now + (claims.seconds ?? 3600))
    .sign(await importPKCS8(account.private_key, 'RS256'));
};

export const grant = async (uri: string, signed?: string, type = GRANT) => {
  const form = { grant_type: type, ...(signed !== undefined && { assertion: signed }) };
  const response = await fetch(uri, { method: 'POST', body: new URLSearchParams(form) });
  return { status: response.status, body: (await response.json()) as Record<string, string> & { expires_in: number } };
};
