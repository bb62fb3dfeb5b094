/**
 * The one key builder. Every partition key begins with the tenant; segments are escaped, so that no two lists of
 * segments give the same key and no key is a prefix of another's segment.
 */
import { assert } from './assert.ts';
import { type DeviceId, TenantId, UserId } from './ids.ts';

export type Key = { pk: string; sk: string };
export type StreamKind = 'conversation' | 'pair' | 'person';
export const streamKinds: readonly StreamKind[] = ['conversation', 'pair', 'person'];

/** One aggregate's stream of commits. */
export type Stream = { tenant: TenantId; kind: StreamKind; id: string };

const escaped = (segment: string): string => segment.replaceAll('%', '%25').replaceAll('#', '%23');
const plain = (segment: string): string => segment.replaceAll('%23', '#').replaceAll('%25', '%');

export const joinKey = (...segments: string[]): string => segments.map(escaped).join('#');
export const splitKey = (key: string): string[] => key.split('#').map(plain);

/** A number as text that sorts like the number: its count of digits (1 to g), then the digits. */
export const sortable = (n: number): string => {
  assert(Number.isSafeInteger(n) && n >= 0, `${n} is no version`);
  const digits = String(n);
  return digits.length.toString(36) + digits;
};

export const parseSortable = (text: string): number => {
  const n = Number(text.slice(1));
  assert(sortable(n) === text, `${text} is no sortable number`);
  return n;
};

/** How devices know a stream: `conversation/cnv_…`. */
export const streamName = ({ kind, id }: Stream): string => `${kind}/${id}`;

/** The stream of a public name, or undefined if it is none. */
export const parseStreamName = (tenant: TenantId, name: string): Stream | undefined => {
  const slash = name.indexOf('/');
  const kind = streamKinds.find((each) => each === name.slice(0, slash));
  return kind && slash > 0 && name.length > slash + 1 ? { tenant, kind, id: name.slice(slash + 1) } : undefined;
};

const VERSIONS = 'v#';
/** Sorts after every version of a stream. */
export const afterVersions = `${VERSIONS}~`;

export const versionKey = (stream: Stream, v: number): Key => ({
  pk: joinKey(stream.tenant, stream.kind, stream.id),
  sk: VERSIONS + sortable(v),
});

/** The stream of an event's partition key. @throws if it is none of ours */
export const parseStreamKey = (pk: string): Stream => {
  const [tenant, kind, id, ...rest] = splitKey(pk);
  const known = streamKinds.find((each) => each === kind);
  assert(known && id && rest.length === 0, `${pk} is no stream's key`);
  return { tenant: TenantId.parse(tenant), kind: known, id };
};

/** What an item of a stream's partition is: a commit, or the receipt of a command; undefined for none of ours. */
export const parseEventKey = (sk: string): { v: number } | { command: string } | undefined => {
  const [what, name, ...rest] = splitKey(sk);
  if (what === 'c' && name !== undefined && rest.length === 0) return { command: name };
  const v = Number(sk.slice(VERSIONS.length + 1));
  return Number.isSafeInteger(v) && v > 0 && sk === VERSIONS + sortable(v) ? { v } : undefined;
};

export const receiptKey = (stream: Stream, commandId: string): Key => ({
  pk: joinKey(stream.tenant, stream.kind, stream.id),
  sk: joinKey('c', commandId),
});

const personal = (tenant: TenantId, user: UserId): string => joinKey(tenant, 'person', user);

/** Whose partition it is, in `inbox`, `views` and `devices`; undefined when it is nobody's. */
export const parsePersonKey = (pk: string): { tenant: TenantId; user: UserId } | undefined => {
  const [tenant, kind, user, ...rest] = splitKey(pk);
  const [parsedTenant, parsedUser] = [TenantId.safeParse(tenant), UserId.safeParse(user)];
  if (kind !== 'person' || rest.length > 0 || !parsedTenant.success || !parsedUser.success) return undefined;
  return { tenant: parsedTenant.data, user: parsedUser.data };
};

/** A person's pointer to one stream. */
export const pointerKey = (user: UserId, stream: Stream): Key => ({
  pk: personal(stream.tenant, user),
  sk: joinKey(stream.kind, stream.id),
});
/** All pointers of a person, or those of one kind (as the prefix of a sort key). */
export const inboxKey = (tenant: TenantId, user: UserId): string => personal(tenant, user);
export const kindPrefix = (kind: StreamKind): string => `${joinKey(kind)}#`;

export const deviceKey = (tenant: TenantId, user: UserId, device: DeviceId): Key => ({
  pk: personal(tenant, user),
  sk: joinKey('device', device),
});
export const devicesKey = (tenant: TenantId, user: UserId): string => personal(tenant, user);

/** The one owner of a push address, in a partition of its own. */
export const addressKey = (tenant: TenantId, hash: string): Key => ({
  pk: joinKey(tenant, 'token', hash),
  sk: 'owner',
});
export const ticketKey = (tenant: TenantId, hash: string): Key => ({
  pk: joinKey(tenant, 'ticket', hash),
  sk: 'ticket',
});

/** A row of a person's read model. */
export const viewKey = (tenant: TenantId, user: UserId, view: string, id: string): Key => ({
  pk: personal(tenant, user),
  sk: joinKey(view, id),
});
export const viewPrefix = (view: string): string => `${joinKey(view)}#`;

/** Whose row of which view, or undefined for a key that is no view's. */
export const parseViewKey = ({
  pk,
  sk,
}: Key): { tenant: TenantId; user: UserId; view: string; id: string } | undefined => {
  const [view, id, ...rest] = splitKey(sk);
  const owner = parsePersonKey(pk);
  return owner && view && id && rest.length === 0 ? { ...owner, view, id } : undefined;
};
