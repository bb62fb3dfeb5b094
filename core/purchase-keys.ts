/** Keys of what stands around purchases. The audit's own are in keys.ts. */
import { TenantId, UserId } from './ids.ts';
import { entryPrefix, joinKey, type Key, sortable, splitKey } from './keys.ts';

export const TOKEN_OWNER = 'account-token';

/** Whose a token is that stands in purchases: found by the token, named by the person. */
export const tokenOwnerKey = (tenant: TenantId, token: string, user: UserId): Key => ({
  pk: tokenOwnersKey(tenant, token),
  sk: joinKey(TOKEN_OWNER, user),
});
export const tokenOwnersKey = (tenant: TenantId, token: string): string => joinKey(tenant, TOKEN_OWNER, token);

/** Whose token, or undefined for a key that is none of these. */
export const parseTokenOwnerKey = ({ pk, sk }: Key): { tenant: TenantId; token: string; user: UserId } | undefined => {
  const [tenant, kind, token, ...more] = splitKey(pk);
  const [view, user, ...rest] = splitKey(sk);
  const [parsedTenant, parsedUser] = [TenantId.safeParse(tenant), UserId.safeParse(user)];
  if (kind !== TOKEN_OWNER || view !== TOKEN_OWNER || !token || more.length + rest.length > 0) return undefined;
  if (!parsedTenant.success || !parsedUser.success) return undefined;
  return { tenant: parsedTenant.data, token, user: parsedUser.data };
};

/** What was refused at a webhook, one row for each day and first byte of its digest. */
export const quarantineKey = (tenant: TenantId, day: string, byte: string): Key => ({
  pk: joinKey(tenant, 'quarantine', day),
  sk: joinKey('digest', byte),
});

/** Where a store's own word about a purchase, said at a moment, is not ours. */
export const disagreementKey = (tenant: TenantId, chain: string, signed: number): Key => ({
  pk: joinKey(tenant, 'purchase', chain),
  sk: joinKey('disagreement', sortable(signed)),
});

/** Whose chain an entry of the audit belongs to; undefined for a key that is none of an entry's. */
export const parseChainKey = ({ pk, sk }: Key): { tenant: TenantId; chain: string } | undefined => {
  const [tenant, chain, ...rest] = splitKey(pk);
  const parsed = TenantId.safeParse(tenant);
  if (!parsed.success || !chain || rest.length > 0 || !sk.startsWith(entryPrefix)) return undefined;
  return { tenant: parsed.data, chain };
};

/** Up to when a store's own history of an app is in the audit. */
export const checkpointKey = (tenant: TenantId, store: string, environment: string): Key => ({
  pk: joinKey(tenant, 'checkpoint', store),
  sk: joinKey('history', environment),
});

/** When a person last had their purchases looked up at the stores. */
export const askedKey = (tenant: TenantId, user: UserId): Key => ({
  pk: joinKey(tenant, 'asked', user),
  sk: joinKey('statuses'),
});

/** What is known of a certificate's revocation, by its SHA-256. */
export const revocationKey = (tenant: TenantId, certificate: string): Key => ({
  pk: joinKey(tenant, 'certificate', certificate),
  sk: joinKey('revocation'),
});
