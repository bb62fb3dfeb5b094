/**
 * Inbox pointers: per person and stream, how far the stream is and how far they read; registers that only move up, so
 * that order, repetition and concurrency of their writers do not matter.
 */
import { z } from 'zod';
import { assert } from './assert.ts';
import { type Item, isRefused } from './ddb.ts';
import type { Deps } from './deps.ts';
import { type DeviceId, TenantId, Timestamp, UserId, Version } from './ids.ts';
import { inboxKey, kindPrefix, parseStreamName, pointerKey, type Stream, type StreamKind, streamName } from './keys.ts';

/** At most this many streams belong to one person. */
export const STREAMS_LIMIT = 1000;
export const ACK = 'ack:';
export const SEEN = 'seen:';

const Row = z.looseObject({
  tenant: TenantId,
  person: UserId,
  stream: z.string(),
  v: Version,
  count: z.int().min(0),
  read: z.int().min(0).default(0),
  /** The newest version that the person wrote themselves. */
  own: Version.default(0),
  /** When a restore last took it back, in Unix milliseconds; 0 for never (core/takeback.ts). */
  era: z.int().min(0).default(0),
  muted: z.string().optional(),
  mutes: z.int().min(0).default(0),
  at: Timestamp,
});

export type Pointer = {
  person: UserId;
  stream: Stream;
  v: number;
  count: number;
  read: number;
  own: number;
  era: number;
  /** Until when nothing of this stream notifies: ISO 8601, or `forever` (core/mute.ts). */
  muted?: string | undefined;
  /** How often that changed: of two mutes the one with the greater number is the newer. */
  mutes: number;
  at: string;
  /** What each device acknowledged. */
  acks: Record<string, number>;
  /** How far each other member read. */
  seen: Record<string, number>;
};

const prefixed = (row: Item, prefix: string): Record<string, number> =>
  Object.fromEntries(
    Object.entries(row)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, value]) => [name.slice(prefix.length), Version.parse(value)]),
  );

/** @throws ZodError if the item is no pointer */
export const parsePointer = (item: Item): Pointer => {
  const { tenant, person, stream: name, v, count, read, own, era, muted, mutes, at } = Row.parse(item);
  const stream = parseStreamName(tenant, name);
  assert(stream, `${name} is no stream`);
  const mute = { ...(muted === undefined ? {} : { muted }), mutes };
  const marks = { acks: prefixed(item, ACK), seen: prefixed(item, SEEN) };
  return { person, stream, v, count, read, own, era, ...mute, at, ...marks };
};

type Inbox = Pick<Deps, 'ddb' | 'env'>;

export const readPointer = async (
  { ddb, env }: Inbox,
  person: UserId,
  stream: Stream,
  { consistent }: { consistent: boolean },
): Promise<Pointer | undefined> => {
  const item = await ddb.get({
    TableName: env.INBOX_TABLE,
    Key: pointerKey(person, stream),
    ConsistentRead: consistent,
  });
  return item && parsePointer(item);
};

/** All pointers of a person (or those of one kind), by stream name. */
export const readPointers = async (
  { ddb, env }: Inbox,
  { tenant, user, kind }: { tenant: TenantId; user: UserId; kind?: StreamKind },
): Promise<Pointer[]> => {
  const items = await ddb.query(
    {
      TableName: env.INBOX_TABLE,
      KeyConditionExpression: kind ? '#pk = :pk AND begins_with(#sk, :kind)' : '#pk = :pk',
      ExpressionAttributeNames: { '#pk': 'pk', ...(kind ? { '#sk': 'sk' } : {}) },
      ExpressionAttributeValues: { ':pk': inboxKey(tenant, user), ...(kind ? { ':kind': kindPrefix(kind) } : {}) },
      ConsistentRead: true,
    },
    STREAMS_LIMIT * 2,
  );
  return items.map(parsePointer);
};

export type Head = { v: number; count: number; at: string; by?: UserId | undefined };

const RAISE = 'SET #v = :v, #count = :count, #at = :at, #stream = :stream, #tenant = :tenant, #person = :person';
const RAISE_OWN = `${RAISE}, #own = :v, #read = :count`;
const RAISE_SEEN = `${RAISE}, #seen = :count`;

/**
 * Moves a person's pointer up to a commit. Who wrote it has read up to it: one's own read mark, or what one knows of the
 * other's, moves along. Both stay below the pointer's count until then, so they only move up too.
 */
export const raisePointer = async (
  { ddb, env }: Inbox,
  person: UserId,
  stream: Stream,
  { v, count, at, by }: Head,
): Promise<'moved' | 'was there'> => {
  const own = by === person;
  const other = by !== undefined && !own && count > 0 ? by : undefined;
  const result = await ddb.update({
    TableName: env.INBOX_TABLE,
    Key: pointerKey(person, stream),
    UpdateExpression: own ? RAISE_OWN : other ? RAISE_SEEN : RAISE,
    ConditionExpression: 'attribute_not_exists(#v) OR #v < :v',
    ExpressionAttributeNames: {
      '#v': 'v',
      '#count': 'count',
      '#at': 'at',
      '#stream': 'stream',
      '#tenant': 'tenant',
      '#person': 'person',
      ...(own ? { '#own': 'own', '#read': 'read' } : {}),
      ...(other ? { '#seen': SEEN + other } : {}),
    },
    ExpressionAttributeValues: {
      ':v': v,
      ':count': count,
      ':at': at,
      ':stream': streamName(stream),
      ':tenant': stream.tenant,
      ':person': person,
    },
  });
  return isRefused(result) ? 'was there' : 'moved';
};

/** A register of a pointer and the field that bounds it: nothing can be read or acknowledged that is not there. */
export type Register = { name: string; bound: 'v' | 'count' };
export const readMark: Register = { name: 'read', bound: 'count' };
export const ackOf = (device: DeviceId): Register => ({ name: ACK + device, bound: 'v' });
/** How far another member read, on one's own pointer. */
export const seenBy = (other: UserId): Register => ({ name: SEEN + other, bound: 'count' });

export type Raised = { outcome: 'moved' | 'was there' | 'beyond' | 'no pointer'; pointer: Pointer | undefined };

/** Raises a register to `to`; a lower or equal value changes nothing, one beyond its bound is refused. */
export const raiseRegister = async (
  { ddb, env }: Inbox,
  person: UserId,
  stream: Stream,
  { name, bound }: Register,
  to: number,
): Promise<Raised> => {
  const result = await ddb.update({
    TableName: env.INBOX_TABLE,
    Key: pointerKey(person, stream),
    UpdateExpression: 'SET #register = :to',
    ConditionExpression: '#bound >= :to AND (attribute_not_exists(#register) OR #register < :to)',
    ExpressionAttributeNames: { '#register': name, '#bound': bound },
    ExpressionAttributeValues: { ':to': to },
    ReturnValues: 'ALL_NEW',
  });
  if (!isRefused(result)) return { outcome: 'moved', pointer: parsePointer(result) };
  const pointer = result.item && parsePointer(result.item);
  // One at 0 only remembers that a restore took its stream away.
  if (!pointer || pointer.v === 0) return { outcome: 'no pointer', pointer: undefined };
  return { outcome: pointer[bound] < to ? 'beyond' : 'was there', pointer };
};

const SWEEP = 40;

/** Forgets what devices acknowledged that are no more; at most 40 of them at a time. */
export const forgetAcks = async (
  { ddb, env }: Inbox,
  { person, stream }: Pointer,
  devices: readonly string[],
): Promise<void> => {
  const names = Object.fromEntries(devices.slice(0, SWEEP).map((device, i) => [`#ack${i}`, ACK + device]));
  await ddb.update({
    TableName: env.INBOX_TABLE,
    Key: pointerKey(person, stream),
    UpdateExpression: ['REMOVE', Object.keys(names).join(', ')].join(' '),
    ConditionExpression: 'attribute_exists(#pk)',
    ExpressionAttributeNames: { ...names, '#pk': 'pk' },
  });
};
