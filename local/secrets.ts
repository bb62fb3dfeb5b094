/**
 * The development secrets: behind the parameter names in the tenant files (an APNs key, an App Store key, a Google service account), and the key
 * that signs the audit's digests.
 */
import type { Tenant } from '../core/tenants.ts';
import type { KeyPair, Keys } from './keys.ts';

export const apnsKey = (keys: Keys, name: string): Promise<KeyPair> => keys(name, 'ES256');
/** Of the App Store Server API. */
export const appStoreKey = (keys: Keys, name: string): Promise<KeyPair> => keys(name, 'ES256');
export const fcmKey = (keys: Keys, name: string): Promise<KeyPair> => keys(name, 'RS256');

/** The name that functions/purchases/digests.ts asks for. */
const auditKey = '/chorus-audit/key';

/** The identity that a project's push sender signs in with. */
export const serviceAccount = (projectId: string): string => `chorus@${projectId}.iam.gserviceaccount.com`;

const accountJson = (projectId: string, { pem }: KeyPair, tokenUri: string): string =>
  JSON.stringify({
    type: 'service_account',
    project_id: projectId,
    private_key_id: 'local',
    private_key: pem,
    client_email: serviceAccount(projectId),
    client_id: '100000000000000000000',
    auth_uri: 'https://accounts.google.com/o/oauth2/auth',
    token_uri: tokenUri,
    universe_domain: 'googleapis.com',
  });

/**
 * @param tokenUri of the local FCM server; it stands in the service accounts
 * @returns a secret's value by its name: PEM for Apple, JSON for FCM; undefined for a name that no tenant has
 */
export const createSecrets =
  (tenants: Tenant[], keys: Keys, tokenUri: string): ((name: string) => Promise<string | undefined>) =>
  async (name) => {
    if (name === auditKey) return (await keys(name, 'ES256')).pem;
    for (const { push, purchases } of tenants) {
      if (purchases?.appstore?.key === name) return (await appStoreKey(keys, name)).pem;
      if (push.apns?.key === name) return (await apnsKey(keys, name)).pem;
      if (push.fcm?.account === name) return accountJson(push.fcm.projectId, await fcmKey(keys, name), tokenUri);
    }
    return undefined;
  };
