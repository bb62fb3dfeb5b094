/** What a pointer must at most say: where its stream stands, and only to who belongs to it. */
import type { Item } from '../core/ddb.ts';
import type { Deps } from '../core/deps.ts';
import { readNewest, readRange } from '../core/events.ts';
import { type Key, parsePersonKey, pointerKey, type Stream, splitKey, streamName } from '../core/keys.ts';
import { type Pointer, parsePointer } from '../core/pointers.ts';
import { excessOf, isLevel, type Level } from '../core/takeback.ts';
import { type Suspicion, suspicion } from './finding.ts';
import { readable } from './walk.ts';

/**
 * Where a pointer belongs that was read before: at its own version, as the commit there counts, or lower.
 * @returns undefined when its stream can't be decoded
 */
export const levelOf = async (deps: Deps, { person, stream, v, count, at }: Pointer): Promise<Level | undefined> => {
  const newest = await readable(() => readNewest(deps, stream, 1));
  if (!newest) return undefined;
  const [head] = newest;
  if (!head?.audience.includes(person)) return { v: 0, count: 0, at };
  if (v === 0 || v >= head.v) return v === 0 ? { v, count: 0, at } : head;
  const commits = await readable(() => readRange(deps, stream, { from: v, to: v, limit: 1 }));
  // In a gap nobody knows better than the pointer itself.
  return commits?.[0] ?? { v, count, at };
};

/** A row under a key that is not its own would be found by nobody. */
export const pointerOf = (item: Item): Pointer | undefined => {
  try {
    const pointer = parsePointer(item);
    const { pk, sk } = pointerKey(pointer.person, pointer.stream);
    return pk === item.pk && sk === item.sk ? pointer : undefined;
  } catch {
    return undefined;
  }
};

const beyond = (pointer: Pointer, level: Level): Suspicion => {
  const about = pointer.person;
  if (level.v > 0)
    return suspicion('pointer beyond head', pointer.stream, { about, detail: `at ${pointer.v} of ${level.v}` });
  return suspicion('orphan', pointer.stream, { about, detail: 'the stream has no such member, or no events' });
};

const compare = (pointer: Pointer, level: Level): Suspicion[] => {
  const { person, stream, v, count } = pointer;
  if (isLevel(pointer, level)) return [];
  if (v > level.v) return [beyond(pointer, level)];
  const counted = { about: person, detail: `counts ${count} of ${level.count} at ${v}`, at: v };
  return [
    ...(count === level.count ? [] : [suspicion('count', stream, counted)]),
    ...excessOf(pointer, level).map(({ name, is, to }) =>
      suspicion('register beyond', stream, { about: `${person} ${name}`, detail: `${is} of ${to}`, at: is }),
    ),
  ];
};

/** Reads the item again unless it is given: a pointer that was read before its stream's head is never beyond it. */
export const lookAtPointer = async (deps: Deps, { pk, sk }: Key, given?: Item): Promise<Suspicion[]> => {
  const item =
    given ?? (await deps.ddb.get({ TableName: deps.env.INBOX_TABLE, Key: { pk, sk }, ConsistentRead: true }));
  if (!item) return [];
  const pointer = pointerOf(item);
  if (!pointer)
    return [{ kind: 'undecodable', tenant: pk.split('#')[0] ?? '', about: `${pk} ${sk}`, detail: 'is no pointer' }];
  const level = await levelOf(deps, pointer);
  return level ? compare(pointer, level) : [];
};

/** No event says what somebody muted: it is kept where it can be read. */
const muteOf = ({ muted, mutes }: Item): Item => ({
  ...(muted === undefined ? {} : { muted }),
  ...(mutes === undefined ? {} : { mutes }),
});

/** What a row that can't be decoded is replaced by: a pointer to nothing, which then moves up. */
export const blankOf = (row: Item, { at, era }: { at: string; era: number }): Item | undefined => {
  const { pk, sk } = row;
  const owner = parsePersonKey(String(pk));
  const [kind = '', id = '', ...rest] = splitKey(String(sk));
  if (!owner || rest.length > 0) return undefined;
  const { tenant, user: person } = owner;
  const name = streamName({ tenant, kind: kind as Stream['kind'], id });
  const blank = { pk, sk, tenant, person, stream: name, v: 0, count: 0, read: 0, era, at };
  const kept = { ...blank, ...muteOf(row) };
  return [kept, blank].find(pointerOf);
};
