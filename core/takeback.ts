/**
 * The one way down. Pointers and registers only move up, except when a restore took events away: what lies beyond the
 * events that are there never happened. The same versions will then be written a second time, so that no version tells a
 * device that it holds the first ones; therefore a new era begins for the person, which cursors carry, and a device with a
 * cursor of another era starts anew. An era is named by the moment in which it began: tables that are restored once more
 * forget eras, and a counter would then give the same name twice.
 */
import { isRefused } from './ddb.ts';
import type { Deps } from './deps.ts';
import { pointerKey } from './keys.ts';
import { ACK, type Pointer, SEEN } from './pointers.ts';

type Inbox = Pick<Deps, 'ddb' | 'env'>;

/** Where a pointer belongs: at a commit of its stream, or at 0 when there is none for this person. */
export type Level = { v: number; count: number; at: string };
type Excess = { name: string; is: number; to: number };

/** So many registers at most go down in one write; the next write takes those that are left. */
const AT_ONCE = 50;

/** The registers of a pointer that are beyond a level: nothing is read or acknowledged that is not there. */
export const excessOf = ({ read, own, seen, acks }: Pointer, { v, count }: Level): Excess[] => {
  const registers = [
    { name: 'read', is: read, to: count },
    { name: 'own', is: own, to: v },
    ...Object.entries(seen).map(([who, is]) => ({ name: SEEN + who, is, to: count })),
    ...Object.entries(acks).map(([device, is]) => ({ name: ACK + device, is, to: v })),
  ];
  return registers.filter(({ is, to }) => is > to);
};

export const isLevel = (pointer: Pointer, level: Level): boolean =>
  pointer.v === level.v && pointer.count === level.count && excessOf(pointer, level).length === 0;

const BASE = ['#v = :v', '#count = :count', '#at = :at', '#era = :era'];
const UNMOVED = ['#v = :oldV', '#count = :oldCount'];

/** The newest era of a person's pointers. */
export const eraOf = (pointers: readonly Pick<Pointer, 'era'>[]): number =>
  pointers.reduce((newest, { era }) => Math.max(newest, era), 0);

/**
 * Takes a pointer down to a level, and its registers with it: one write, which holds only while nothing of it moved.
 * @returns whether it was done; whoever finds it moved reads again
 */
export const takeBack = async (
  { ddb, env }: Inbox,
  pointer: Pointer,
  { level, era }: { level: Level; era: number },
): Promise<boolean> => {
  const down = excessOf(pointer, level)
    .slice(0, AT_ONCE)
    .map((each, i) => ({ ...each, register: `#r${i}`, before: `:is${i}`, after: `:to${i}` }));
  const set = [...BASE, ...down.map(({ register, after }) => [register, after].join(' = '))];
  const unmoved = [...UNMOVED, ...down.map(({ register, before }) => [register, before].join(' = '))];
  const result = await ddb.update({
    TableName: env.INBOX_TABLE,
    Key: pointerKey(pointer.person, pointer.stream),
    UpdateExpression: ['SET', set.join(', ')].join(' '),
    ConditionExpression: unmoved.join(' AND '),
    ExpressionAttributeNames: {
      ...{ '#v': 'v', '#count': 'count', '#at': 'at', '#era': 'era' },
      ...Object.fromEntries(down.map(({ register, name }) => [register, name])),
    },
    ExpressionAttributeValues: {
      ...{ ':v': level.v, ':count': level.count, ':at': level.at, ':era': era },
      ...{ ':oldV': pointer.v, ':oldCount': pointer.count },
      ...Object.fromEntries(
        down.flatMap(({ is, to, before, after }) => [
          [before, is],
          [after, to],
        ]),
      ),
    },
  });
  return !isRefused(result);
};

/**
 * Begins a new era for a pointer that may look as it always did: when events and pointers went back together, only the
 * devices know what was lost. Once for each restore, however often it is said.
 * @param restored names the restore: another one, be it to an earlier moment, begins another era
 * @returns whether it was said for the first time
 */
export const startEra = async (
  { ddb, env }: Inbox,
  { person, stream }: Pick<Pointer, 'person' | 'stream'>,
  { restored, era }: { restored: string; era: number },
): Promise<boolean> => {
  const result = await ddb.update({
    TableName: env.INBOX_TABLE,
    Key: pointerKey(person, stream),
    UpdateExpression: 'SET #era = :era, #restored = :restored',
    ConditionExpression: 'attribute_exists(#pk) AND (attribute_not_exists(#restored) OR #restored <> :restored)',
    ExpressionAttributeNames: { '#pk': 'pk', '#era': 'era', '#restored': 'restored' },
    ExpressionAttributeValues: { ':era': era, ':restored': restored },
  });
  return !isRefused(result);
};
