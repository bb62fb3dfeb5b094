/**
 * The one key builder. Every partition key begins with the tenant; segments are escaped, so that no two lists of
 * segments give the same key and no key is a prefix of another's segment.
 */
import { assert } from './assert.ts';
import { type DeviceId, TenantId, UserId } from './ids.ts';

export type Key = { pk: string; sk: string };
export type StreamKind = 'case' | 'conversation' | 'pair' | 'person' | 'profile' | 'purchase';
export const streamKinds: readonly StreamKind[] = ['case', 'conversation', 'pair', 'person', 'profile', 'purchase'];

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

/** How clients name an event, also in a URL: `conversation:cnv_…@7`. */
export const eventName = (stream: string, v: number): string => `${stream.replace('/', ':')}@${v}`;

/** The stream's name and the version of an event's name, or undefined if it is none. */
export const parseEventName = (name: string): { stream: string; v: number } | undefined => {
  const at = name.lastIndexOf('@');
  const [stream, v] = [name.slice(0, at).replace(':', '/'), Number(name.slice(at + 1))];
  return Number.isSafeInteger(v) && v > 0 && eventName(stream, v) === name ? { stream, v } : undefined;
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

/** What a device may still be sent, by what kind of push: in a partition of its own. */
export const budgetKey = (tenant: TenantId, user: UserId, device: DeviceId, what: string): Key => ({
  pk: joinKey(tenant, 'budget', user, device),
  sk: joinKey(what),
});

/** One app (or `*`) of a tenant, to which a provider lets nothing through. */
export const holdKey = (tenant: TenantId, provider: string, app: string): Key => ({
  pk: holdsKey(tenant),
  sk: joinKey(provider, app),
});
export const holdsKey = (tenant: TenantId): string => joinKey(tenant, 'holds');

/** What became of an app's pushes in one window of time. */
export const breakerKey = (tenant: TenantId, provider: string, app: string, window: number): Key => ({
  pk: joinKey(tenant, 'breaker', provider, app),
  sk: sortable(window),
});

/** What Apple's team may do now, whatever its key; under one tenant of the team. */
export const appleTeamKey = (tenant: TenantId, teamId: string): Key => ({
  pk: joinKey(tenant, 'apns-token', teamId),
  sk: joinKey('team'),
});

/** The provider token that all processes share; under one tenant of the team. */
export const providerTokenKey = (tenant: TenantId, teamId: string, keyId: string): Key => ({
  pk: joinKey(tenant, 'apns-token', teamId),
  sk: joinKey('key', keyId),
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

type OnTrail = { stream: string; v: number; device: DeviceId };
/** A decision about a push of one event to one device of a person. */
export const trailKey = (
  tenant: TenantId,
  user: UserId,
  { stream, v, device, name }: OnTrail & { name: string },
): Key => ({
  pk: personal(tenant, user),
  sk: joinKey(stream, sortable(v), device, name),
});
/** All decisions about an event, or those for one device, or those of them whose names begin so. */
export const trailPrefix = (
  tenant: TenantId,
  user: UserId,
  {
    stream,
    v,
    device,
    name = '',
  }: Omit<OnTrail, 'device'> & { device?: DeviceId | undefined; name?: string | undefined },
): { pk: string; prefix: string } => ({
  pk: personal(tenant, user),
  prefix: `${joinKey(stream, sortable(v), ...(device ? [device] : []))}#${device ? escaped(name) : ''}`,
});

/** All entries of a chain, as the prefix of a sort key. */
export const entryPrefix = 'n#';
const inChain = (tenant: TenantId, chain: string, sk: string): Key => ({ pk: joinKey(tenant, chain), sk });
/** An entry of a purchase's chain in the audit. */
export const chainKey = (tenant: TenantId, chain: string, n: number): Key =>
  inChain(tenant, chain, entryPrefix + sortable(n));
/** Beside the entries: which of them a payload became. */
export const payloadKey = (tenant: TenantId, chain: string, id: string): Key =>
  inChain(tenant, chain, joinKey('id', id));
