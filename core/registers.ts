/** Registers of pointers: raising one's own, and telling the others of a stream how far one read. */
import { catchUp, sendInbox } from './deliver.ts';
import type { Deps } from './deps.ts';
import { DEVICES_LIMIT, readDevices } from './devices.ts';
import { readNewest } from './events.ts';
import type { DeviceId, UserId } from './ids.ts';
import type { Stream } from './keys.ts';
import {
  ackOf,
  forgetAcks,
  type Pointer,
  type Raised,
  type Register,
  raiseRegister,
  readPointer,
  seenBy,
} from './pointers.ts';

/**
 * Raises a register. A frame may reach a device before its pointer has moved: what seems beyond the pointer is looked up
 * in the stream itself, whose ring is then made up for, and tried once more.
 */
export const raise = async (
  deps: Deps,
  person: UserId,
  stream: Stream,
  register: Register,
  to: number,
): Promise<Raised> => {
  const first = await raiseRegister(deps, person, stream, register, to);
  if (first.outcome === 'moved' || first.outcome === 'was there') return first;
  const [head] = await readNewest(deps, stream, 1);
  if (!head?.audience.includes(person) || head[register.bound] < to) return first;
  await catchUp(deps, stream, person, head.v);
  return raiseRegister(deps, person, stream, register, to);
};

/** Pointers outlive devices: above this number of acknowledgements, those of devices that are gone are forgotten. */
const ACKS = 2 * DEVICES_LIMIT;

/** Acknowledges every version up to `v` for a device. */
export const acknowledge = async (
  deps: Deps,
  person: UserId,
  stream: Stream,
  device: DeviceId,
  v: number,
): Promise<Raised> => {
  const raised = await raise(deps, person, stream, ackOf(device), v);
  const { pointer } = raised;
  if (raised.outcome !== 'moved' || !pointer || Object.keys(pointer.acks).length <= ACKS) return raised;
  const there = new Set<string>((await readDevices(deps, stream.tenant, person)).map((each) => each.device));
  const gone = Object.keys(pointer.acks).filter((each) => each !== device && !there.has(each));
  if (gone.length > 0) await forgetAcks(deps, pointer, gone);
  return raised;
};

/**
 * Tells one's own devices and the other members how far one read. Whoever tells again, as the stream does, finds nobody
 * behind and says nothing: the others' registers move last.
 */
export const tellRead = async (deps: Deps, mine: Pointer): Promise<void> => {
  const { person, stream, read } = mine;
  const [head] = await readNewest(deps, stream, 1);
  const others = (head?.audience ?? []).filter((member) => member !== person);
  const pointers = await Promise.all(others.map((other) => readPointer(deps, other, stream, { consistent: false })));
  const behind = others.filter((_, i) => (pointers[i]?.seen[person] ?? 0) < read);
  if (behind.length === 0) return;
  await sendInbox(deps, mine);
  await Promise.all(
    behind.map(async (other) => {
      const theirs = pointers[others.indexOf(other)];
      // The frame first, as in delivery: a crash before the register moved says it again.
      if (theirs) await sendInbox(deps, { ...theirs, seen: { ...theirs.seen, [person]: read } });
      await raise(deps, other, stream, seenBy(person), read);
    }),
  );
};
