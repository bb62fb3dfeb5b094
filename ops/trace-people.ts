/** How far one event came with each person of its audience: their pointer and devices as they are now, and the logs. */
import { type Device, isConnected, readDevices } from '../core/devices.ts';
import type { UserId } from '../core/ids.ts';
import { streamName } from '../core/keys.ts';
import { errorName } from '../core/log.ts';
import { type Pointer, readPointer } from '../core/pointers.ts';
import { decisionsOf, type TrailRecord } from '../functions/push/trail.ts';
import type { Target } from './target.ts';
import type { Found } from './trace-find.ts';
import {
  acknowledgedBy,
  deliveriesTo,
  devicesIn,
  type Entry,
  framesTo,
  noPushTo,
  pushesTo,
  type Step,
} from './trace-log.ts';

export type DeviceTrace = {
  device: string;
  /** As it is now. */
  is: 'connected' | 'not connected' | 'not registered';
  hasPushAddress: boolean;
  frames: Step[];
  /** Up to which version; `t` is when it said so of this event or of one after it, if the logs tell. */
  acknowledged: { v: number; t: string | undefined } | undefined;
  pushes: Step[];
};
export type PersonTrace = {
  person: UserId;
  pointer: { v: number; read: number; isBeyond: boolean; isRead: boolean } | undefined;
  delivered: { t: string; pointer: string }[];
  /** Why no device was thought of. */
  noPush: string | undefined;
  devices: DeviceTrace[];
  /** What is wrong, in sentences. */
  problems: string[];
  /** What can't be told any more, in sentences. */
  missing: string[];
};

type State = { pointer: Pointer | undefined; rows: Device[]; problem: string | undefined };

const stateOf = async ({ deps }: Target, { stream, commit }: Found, person: UserId): Promise<State> => {
  const rows = await readDevices(deps, stream.tenant, person);
  try {
    const pointer = await readPointer(deps, person, stream, { consistent: true });
    const where = pointer ? `stands at ${pointer.v}` : 'is not there';
    const isBehind = (pointer?.v ?? 0) < commit.v;
    return { pointer, rows, problem: isBehind ? `${person}’s pointer ${where}: it was not delivered` : undefined };
  } catch (error) {
    return { pointer: undefined, rows, problem: `${person}’s pointer can not be read: ${errorName(error)}` };
  }
};

const connectionOf = (row: Device | undefined, now: number): DeviceTrace['is'] => {
  if (!row) return 'not registered';
  return isConnected(row, now) ? 'connected' : 'not connected';
};

/** The logs, and the trail of a person's pushes. */
type Told = { entries: readonly Entry[]; trail: readonly TrailRecord[] };

const traceDevice = (
  { pointer, rows }: State,
  { entries, trail }: Told,
  { person, device, v, now }: { person: string; device: string; v: number; now: number },
): DeviceTrace => {
  const row = rows.find((each) => each.device === device);
  const logged = acknowledgedBy(entries, person, device);
  const upTo = Math.max(pointer?.acks[device] ?? 0, logged?.v ?? 0);
  return {
    device,
    is: connectionOf(row, now),
    hasPushAddress: row?.push !== undefined,
    frames: framesTo(entries, person, device),
    acknowledged: upTo >= v ? { v: upTo, t: logged?.t } : undefined,
    pushes: pushesTo(entries, trail, person, device),
  };
};

/** What one would expect in the logs and does not find there. */
const missingOf = (
  person: string,
  at: string,
  { pointer, rows }: State,
  traced: Pick<PersonTrace, 'delivered' | 'devices'>,
) => [
  ...(pointer && traced.delivered.length === 0 ? [`how it was delivered to ${person}`] : []),
  ...traced.devices.flatMap(({ device, acknowledged, pushes }) => {
    const name = `${person}/${device}`;
    const row = rows.find((each) => each.device === device);
    const couldBePushed = row?.push !== undefined && row.registeredAt !== undefined && row.registeredAt < at;
    const isOpen = pushes.length > 0 && pushes.every(({ said }) => said.startsWith('queued'));
    return [
      ...(acknowledged && !acknowledged.t ? [`when ${name} acknowledged (it did, up to ${acknowledged.v})`] : []),
      ...(isOpen ? [`what became of the push to ${name} (it waits, or its message is among the dead letters)`] : []),
      ...(couldBePushed && pushes.length === 0
        ? [`a push to ${name}, which has had its address since ${row.registeredAt}`]
        : []),
    ];
  }),
];

export const tracePerson = async (
  target: Target,
  found: Found,
  entries: readonly Entry[],
  person: UserId,
): Promise<PersonTrace> => {
  const { v, by, at, count } = found.commit;
  const { tenant } = found.stream;
  const [state, trail] = await Promise.all([
    stateOf(target, found, person),
    decisionsOf(target.deps, { tenant, person, stream: streamName(found.stream), v }),
  ]);
  const { pointer, rows, problem } = state;
  const now = target.deps.now().getTime() / 1000;
  const names = [
    ...rows.map(({ device }) => device),
    ...Object.keys(pointer?.acks ?? {}),
    ...devicesIn(entries, person),
    ...trail.map(({ device }) => device),
  ];
  const devices = [...new Set<string>(names)].map((device) =>
    traceDevice(state, { entries, trail }, { person, device, v, now }),
  );
  const delivered = deliveriesTo(entries, person).map(({ t, pointer: moved }) => ({ t, pointer: moved }));
  const noPush = by === person ? 'own' : noPushTo(entries, person);
  const missing = missingOf(person, at, state, { delivered, devices: noPush ? [] : devices });
  return {
    person,
    pointer: pointer && {
      v: pointer.v,
      read: pointer.read,
      isBeyond: pointer.v >= v,
      isRead: count > 0 && pointer.read >= count,
    },
    ...{ delivered, noPush, devices, missing },
    problems: problem ? [problem] : [],
  };
};
