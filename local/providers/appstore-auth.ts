/** Who asks the App Store Server API: the app whose key signed the token. */
import { jwtVerify } from 'jose';
import type { Tenant } from '../../core/tenants.ts';
import type { Keys } from '../keys.ts';
import { appStoreKey } from '../secrets.ts';

/** Apple's longest. */
const LIFE_SECONDS = 3600;
const AUDIENCE = 'appstoreconnect-v1';

/** @returns the tenant, or undefined for a token that Apple would answer with 401 */
export const authenticate = async (
  tenants: readonly Tenant[],
  keys: Keys,
  authorization: string | undefined,
  now: number,
): Promise<Tenant | undefined> => {
  const token = /^Bearer (.+)$/.exec(authorization ?? '')?.[1] ?? '';
  for (const tenant of tenants) {
    const config = tenant.purchases?.appstore;
    if (!config) continue;
    const { publicKey } = await appStoreKey(keys, config.key);
    const demands = {
      ...{ algorithms: ['ES256'], audience: AUDIENCE, issuer: config.issuerId },
      ...{ currentDate: new Date(now), requiredClaims: ['exp', 'iat', 'bid'] },
    };
    const verified = await jwtVerify(token, publicKey, demands).catch(() => undefined);
    if (!verified) continue;
    const { payload, protectedHeader } = verified;
    const { iat = Number.NaN, exp = Number.NaN, bid } = payload;
    const isShort = exp - iat <= LIFE_SECONDS && iat <= now / 1000;
    if (isShort && bid === config.bundleId && protectedHeader.kid === config.keyId) return tenant;
  }
  return undefined;
};
