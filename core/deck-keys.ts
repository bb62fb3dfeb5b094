/** Keys of the deck: where people stand, where newcomers are told of, and how far somebody has looked. */
import { TenantId, UserId } from './ids.ts';
import { joinKey, type Key, splitKey } from './keys.ts';

/** The views whose rows these are; the name of a cell says nothing about whose it is. */
export const STANDS = 'stands';
export const CAME = 'came';

/** A person in the region and at the cell (digits) where they stand. */
export const standKey = (tenant: TenantId, region: string, digits: string, user: UserId): Key => ({
  pk: joinKey(tenant, 'cell', region),
  sk: joinKey(STANDS, digits, user),
});
/** Everybody in a cell of a region, whatever its size. */
export const standsIn = (tenant: TenantId, region: string, digits: string): { pk: string; prefix: string } => ({
  pk: joinKey(tenant, 'cell', region),
  prefix: `${joinKey(STANDS)}#${digits}`,
});

/** That somebody came to a cell, at a moment. */
export const cameKey = (tenant: TenantId, cell: string, at: string, user: UserId): Key => ({
  pk: joinKey(tenant, 'came', cell),
  sk: joinKey(CAME, at, user),
});
export const cameTo = (tenant: TenantId, cell: string, since: string): { pk: string; from: string; to: string } => ({
  pk: joinKey(tenant, 'came', cell),
  from: joinKey(CAME, since),
  to: `${joinKey(CAME)}#~`,
});

/** How far a person has looked; can be thrown away. */
export const deckKey = (tenant: TenantId, user: UserId): Key => ({
  pk: joinKey(tenant, 'deck', user),
  sk: joinKey('deck'),
});

/** Who it is that stands or came there. */
export const parsePlacedKey = ({ pk, sk }: Key, view: string): { tenant: TenantId; user: UserId } | undefined => {
  const [tenant] = splitKey(pk);
  const [name, where, user, ...rest] = splitKey(sk);
  const [parsedTenant, parsedUser] = [TenantId.safeParse(tenant), UserId.safeParse(user)];
  if (name !== view || !where || rest.length > 0 || !parsedTenant.success || !parsedUser.success) return undefined;
  return { tenant: parsedTenant.data, user: parsedUser.data };
};
