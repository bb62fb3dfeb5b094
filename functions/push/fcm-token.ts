/**
 * Access tokens for FCM, by OAuth 2.0 for service accounts (RFC 7523): our own, since the library's ignores the agent and
 * warns at each start. One question at a time, its answer kept until shortly before its end.
 */
import { importPKCS8, SignJWT } from 'jose';
import { z } from 'zod';
import { readSecret } from '../../core/secrets.ts';
import { tokenOutcomeOf } from './fcm-verdicts.ts';
import type { Outcome } from './provider.ts';

const SCOPE = 'https://www.googleapis.com/auth/firebase.messaging';
const GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const TIMEOUT_MS = 5000;
const SECOND_MS = 1000;
/** A token is not used up to its end: clocks differ. */
const SPARE_MS = 5 * 60 * SECOND_MS;

const Account = z.object({ client_email: z.string(), private_key: z.string(), token_uri: z.url() });
type Account = z.infer<typeof Account>;
const Granted = z.object({ access_token: z.string().min(1), expires_in: z.number() });

export type Token = {
  value: string /** Unix milliseconds: a clock that stands still while the process is frozen would keep it for too long. */;
  until: number;
};
export type Tokens = {
  get: () => Promise<Token | Outcome>;
  /** FCM did not take it. */
  drop: (token: Token) => void;
};

const held = (reason: string): Outcome => ({ result: 'held', scope: 'tenant', reason });

const signed = async (text: string): Promise<{ uri: string; assertion: string } | undefined> => {
  try {
    const account: Account = Account.parse(JSON.parse(text));
    const assertion = await new SignJWT({ scope: SCOPE })
      .setProtectedHeader({ alg: 'RS256', typ: 'JWT' })
      .setIssuer(account.client_email)
      .setAudience(account.token_uri)
      .setIssuedAt()
      .setExpirationTime('1h')
      .sign(await importPKCS8(account.private_key, 'RS256'));
    return { uri: account.token_uri, assertion };
  } catch {
    // Never the error's own words: they may quote the key.
    return undefined;
  }
};

/** @throws where nothing answers */
const ask = async (uri: string, assertion: string, now: Date): Promise<Token | Outcome> => {
  const response = await fetch(uri, {
    method: 'POST',
    body: new URLSearchParams({ grant_type: GRANT, assertion }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const body = await response.text();
  if (!response.ok) return tokenOutcomeOf(response.status, body, response.headers.get('retry-after'), now);
  const { access_token, expires_in } = Granted.parse(JSON.parse(body));
  return { value: access_token, until: now.getTime() + expires_in * SECOND_MS };
};

const readAccount = async (secret: string): Promise<{ text: string } | Outcome> => {
  try {
    return { text: await readSecret(secret) };
  } catch (error) {
    const name = error instanceof Error ? error.name : 'unknown';
    return name === 'ParameterNotFound'
      ? held('there is no service account')
      : { result: 'later', patience: 'unknown', reason: `the service account can not be read: ${name}` };
  }
};

const grant = async (secret: string, now: Date): Promise<Token | Outcome> => {
  const account = await readAccount(secret);
  if ('result' in account) return account;
  const request = await signed(account.text);
  if (!request) return held('the service account is unreadable');
  try {
    return await ask(request.uri, request.assertion, now);
  } catch (error) {
    const name = error instanceof Error ? error.name : 'unknown';
    return { result: 'later', patience: 'unknown', reason: `the token endpoint does not answer: ${name}` };
  }
};

/** @param secret the name of the parameter that holds the service account */
export const createTokens = (secret: string, now: () => Date): Tokens => {
  let kept: Token | undefined;
  let asking: Promise<Token | Outcome> | undefined;
  const renew = async (): Promise<Token | Outcome> => {
    const answer = await grant(secret, now());
    if ('value' in answer) kept = answer;
    asking = undefined;
    return answer;
  };
  return {
    get: async () => {
      if (kept && kept.until - SPARE_MS > now().getTime()) return kept;
      asking ??= renew();
      return asking;
    },
    drop: (token) => {
      if (kept === token) kept = undefined;
    },
  };
};
