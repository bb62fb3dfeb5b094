/**
 * The token that tells the App Store Server API who we are (ES256). Ours and not the library's, which uses a token again for a
 * minute after its end and lets it live for an hour, which the sandbox has refused.
 */
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { SignJWT } from 'jose';
import type { Deps } from '../../core/deps.ts';
import { readSecret } from '../../core/secrets.ts';
import type { Tenant } from '../../core/tenants.ts';
import { StoreError } from './store-error.ts';

export type AppStore = NonNullable<NonNullable<Tenant['purchases']>['appstore']>;
export type ReadKey = (name: string) => Promise<string>;

const LIFE_SECONDS = 15 * 60;
/** Renewed with ten of its fifteen minutes left, so that neither a slow call nor a wrong clock ever meets its end. */
const RENEW_SECONDS = 5 * 60;
/** Clocks differ: a token of the future is refused. */
const SPARE_SECONDS = 60;

const KEPT_LIMIT = 100;

const ofP256 = (pem: string): KeyObject | undefined => {
  try {
    const key = createPrivateKey(pem);
    return key.asymmetricKeyDetails?.namedCurve === 'prime256v1' ? key : undefined;
  } catch {
    return undefined;
  }
};

/**
 * @returns the key as PKCS #8. The library imports what it is given without waiting for it: a key that is none would be a
 *   rejection that nobody handles, and the end of the process
 * @throws StoreError
 */
export const readAppStoreKey = async (
  { key }: Pick<AppStore, 'key'>,
  readKey: ReadKey = readSecret,
): Promise<string> => {
  const pem = await readKey(key).catch((error: unknown) => {
    const name = error instanceof Error ? error.name : 'unknown';
    const kind = name === 'ParameterNotFound' ? 'denied' : 'later';
    throw new StoreError({ kind }, `the key can not be read: ${name}`);
  });
  const parsed = ofP256(pem);
  // Never the key's own bytes.
  if (!parsed) throw new StoreError({ kind: 'denied' }, 'the key is no P-256 private key in PEM');
  return parsed.export({ type: 'pkcs8', format: 'pem' }).toString();
};

type Token = { value: string; since: number };

export type AppStoreTokens = {
  get: (deps: Pick<Deps, 'now'>, config: AppStore, pem: string) => Promise<string>;
  /** Apple did not take it. */
  drop: (config: AppStore, pem: string, value: string) => void;
};

/** One process's tokens: one for each key and app, for production and sandbox alike. */
export const createAppStoreTokens = (): AppStoreTokens => {
  const kept = new Map<string, Token>();
  const nameOf = ({ issuerId, keyId, bundleId }: AppStore, pem: string): string =>
    JSON.stringify([issuerId, keyId, bundleId, pem]);
  return {
    get: async (deps, config, pem) => {
      const now = Math.floor(deps.now().getTime() / 1000);
      const known = kept.get(nameOf(config, pem));
      if (known && Math.abs(now - known.since) < RENEW_SECONDS) return known.value;
      const value = await new SignJWT({ bid: config.bundleId })
        .setProtectedHeader({ alg: 'ES256', kid: config.keyId, typ: 'JWT' })
        .setIssuer(config.issuerId)
        .setAudience('appstoreconnect-v1')
        .setIssuedAt(now - SPARE_SECONDS)
        .setExpirationTime(now - SPARE_SECONDS + LIFE_SECONDS)
        .sign(createPrivateKey(pem));
      if (kept.size >= KEPT_LIMIT) kept.clear();
      kept.set(nameOf(config, pem), { value, since: now });
      return value;
    },
    drop: (config, pem, value) => {
      if (kept.get(nameOf(config, pem))?.value === value) kept.delete(nameOf(config, pem));
    },
  };
};
