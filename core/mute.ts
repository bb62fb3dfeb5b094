/**
 * Mutes of streams, on one's own pointer: until when, and how often that changed. The count only rises, so that devices
 * keep the newer of two whatever order they hear them in.
 */
import { isRefused } from './ddb.ts';
import { catchUp } from './deliver.ts';
import type { Deps } from './deps.ts';
import { readNewest } from './events.ts';
import type { UserId } from './ids.ts';
import { pointerKey, type Stream } from './keys.ts';
import { type Pointer, parsePointer } from './pointers.ts';

export type Muting = { moved: boolean; pointer: Pointer };

/** A pointer at 0 only remembers that a restore took its stream away. */
const THERE = '#v > :zero';
const COUNT = '#mutes = if_not_exists(#mutes, :zero) + :one';
const MUTE = `SET #muted = :until, ${COUNT}`;
const IS_ANOTHER = `${THERE} AND (attribute_not_exists(#muted) OR #muted <> :until)`;
const UNMUTE = `SET ${COUNT} REMOVE #muted`;
const IS_MUTED = `${THERE} AND attribute_exists(#muted)`;

/** @param until an ISO 8601 moment, `forever`, or undefined for no mute; what it is already changes nothing */
const write = async (
  { ddb, env }: Deps,
  person: UserId,
  stream: Stream,
  until: string | undefined,
): Promise<Muting | undefined> => {
  const result = await ddb.update({
    TableName: env.INBOX_TABLE,
    Key: pointerKey(person, stream),
    UpdateExpression: until === undefined ? UNMUTE : MUTE,
    ConditionExpression: until === undefined ? IS_MUTED : IS_ANOTHER,
    ExpressionAttributeNames: { '#v': 'v', '#muted': 'muted', '#mutes': 'mutes' },
    ExpressionAttributeValues: { ':zero': 0, ':one': 1, ...(until === undefined ? {} : { ':until': until }) },
    ReturnValues: 'ALL_NEW',
  });
  if (!isRefused(result)) return { moved: true, pointer: parsePointer(result) };
  const pointer = result.item && parsePointer(result.item);
  return pointer && pointer.v > 0 ? { moved: false, pointer } : undefined;
};

/**
 * Mutes a stream for a person, or ends that. A frame may reach a device before its pointer is there: then the stream's ring
 * is made up for first.
 * @returns undefined for who does not belong to the stream
 */
export const mute = async (
  deps: Deps,
  person: UserId,
  stream: Stream,
  until: string | undefined,
): Promise<Muting | undefined> => {
  const first = await write(deps, person, stream, until);
  if (first) return first;
  const [head] = await readNewest(deps, stream, 1);
  if (!head?.audience.includes(person)) return undefined;
  await catchUp(deps, stream, person, head.v);
  return write(deps, person, stream, until);
};
