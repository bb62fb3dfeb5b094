/**
 * Delivery: "stream X reached v" becomes frames to the open sockets of each person of its audience, and then moves
 * their pointers up. A ring may come twice, late, out of order, from anyone. Frames go first: a crash between the two
 * leaves the pointer behind, and the stream's own ring does both again.
 */
import type { Commit } from './commit.ts';
import { toWire } from './commit.ts';
import type { Deps } from './deps.ts';
import { CONNECTION_SECONDS, type Device, forgetConnection, isConnected, readDevices } from './devices.ts';
import { readRange } from './events.ts';
import { encodeFrame, eventFrames, inboxState } from './frames.ts';
import type { UserId } from './ids.ts';
import { type Stream, streamName } from './keys.ts';
import { errorName } from './log.ts';
import { type Pointer, raisePointer, raiseRegister, readMark, readPointer, seenBy } from './pointers.ts';

/** A handler rings for at most so many people itself; larger audiences are left to the stream. */
const RING_AUDIENCE = 10;
const RING_MS = 1000;
/** A device that is further behind is told where the stream stands and syncs. */
const FRAMES_BEHIND = 20;
/** A handshake takes seconds; clocks may be five minutes wrong, this way here and that way there. */
const HANDSHAKE_SECONDS = 11 * 60;

type To = { tenant: Stream['tenant']; person: UserId };

const post = async (
  deps: Deps,
  { tenant, person }: To,
  { device, connection }: Device,
  frame: string,
): Promise<boolean> => {
  if (!connection) return false;
  const connectionId = connection.id;
  if ((await deps.sockets.post(connectionId, frame)) === 'sent') return true;
  // Until `$connect` has answered, API Gateway knows no connection: the device syncs once it is open.
  const age = deps.now().getTime() / 1000 - (connection.lease - CONNECTION_SECONDS);
  if (age < HANDSHAKE_SECONDS) return false;
  await forgetConnection(deps, { tenant, person, device, connectionId });
  return false;
};

type Sent = {
  /** The devices that all frames went out to. */
  devices: string[];
  /** Those that had hung up, or have not yet opened. */
  gone: string[];
  /** How many of which it is not known. */
  lost: number;
};

/** Sends frames to every connected device of a person, in order per device. A device that can't be reached is no error. */
export const sendFrames = async (deps: Deps, to: To, frames: string[], about: object): Promise<Sent> => {
  const now = deps.now().getTime() / 1000;
  const devices = (await readDevices(deps, to.tenant, to.person)).filter((device) => isConnected(device, now));
  const sent: Sent = { devices: [], gone: [], lost: 0 };
  const sendTo = async (device: Device): Promise<void> => {
    try {
      for (const frame of frames) if (!(await post(deps, to, device, frame))) return void sent.gone.push(device.device);
      sent.devices.push(device.device);
    } catch (error) {
      sent.lost++;
      deps.log({ level: 'warn', msg: 'frame lost', ...to, device: device.device, error: errorName(error), ...about });
    }
  };
  await Promise.all(devices.map(sendTo));
  return sent;
};

/**
 * Who wrote has read up to there: one's own mark, or what one knows of the other's. Moving a pointer says it of the commit
 * that it is moved to; this says it of those that it was moved past, when another's ring was faster.
 */
const learn = async (deps: Deps, stream: Stream, person: UserId, commits: readonly Commit[]): Promise<void> => {
  const newest = new Map(commits.map((commit) => [commit.by, commit.count]));
  for (const [by, count] of newest)
    if (by !== undefined && count > 0)
      await raiseRegister(deps, person, stream, by === person ? readMark : seenBy(by), count);
};

type Delivery = { person: UserId; commits: Commit[]; isRing: boolean };

/**
 * Frames, then the pointer, for one person and consecutive commits. A handler's ring that lost a frame leaves the pointer,
 * so that the stream sends it again; the stream itself moves on, for it must not wait for a socket.
 */
const deliverCommits = async (deps: Deps, stream: Stream, { person, commits, isRing }: Delivery): Promise<void> => {
  const head = commits.at(-1);
  if (!head) return;
  const name = streamName(stream);
  const to = { tenant: stream.tenant, person };
  const frames = eventFrames(
    name,
    commits.map((commit) => toWire(commit, person)),
  );
  const about = { stream: name, from: commits[0]?.v, v: head.v };
  const { devices, gone, lost } = await sendFrames(deps, to, frames, about);
  const tell = (pointer: string): void =>
    deps.log({ level: 'info', msg: 'delivered', ...to, ...about, devices, ...(gone.length > 0 && { gone }), pointer });
  if (isRing && lost > 0) return tell('left to the stream');
  const moved = (await raisePointer(deps, person, stream, head)) === 'moved';
  // What others wrote is left to the stream, which looks first.
  const past = commits.filter(({ by }) => (moved ? by !== head.by : by === person || !isRing));
  await learn(deps, stream, person, past);
  tell(moved ? 'moved' : 'was there');
};

const catchUpFrom = async (deps: Deps, stream: Stream, person: UserId, have: number, v: number): Promise<void> => {
  const from = Math.max(have + 1, v - FRAMES_BEHIND + 1);
  const commits = await readRange(deps, stream, { from, limit: FRAMES_BEHIND * 2 });
  if (commits.at(-1)?.audience.includes(person)) await deliverCommits(deps, stream, { person, commits, isRing: false });
};

/** Brings one person up to at least version `v` of a stream that they belong to. */
export const catchUp = async (deps: Deps, stream: Stream, person: UserId, v: number): Promise<void> => {
  const pointer = await readPointer(deps, person, stream, { consistent: false });
  const have = pointer?.v ?? 0;
  if (have < v) await catchUpFrom(deps, stream, person, have, v);
};

/** How far a person's pointer says that somebody of the stream read. */
const knownOf = (pointer: Pointer | undefined, person: UserId, who: UserId): number =>
  (who === person ? pointer?.read : pointer?.seen[who]) ?? 0;

/** The stream's ring: everyone in the audience, whoever may have rung before. */
export const deliver = async (deps: Deps, stream: Stream, commit: Commit): Promise<void> => {
  const deliverTo = async (person: UserId): Promise<void> => {
    const pointer = await readPointer(deps, person, stream, { consistent: false });
    const have = pointer?.v ?? 0;
    if (have < commit.v) await catchUpFrom(deps, stream, person, have, commit.v);
    else if (commit.by && knownOf(pointer, person, commit.by) < commit.count)
      await learn(deps, stream, person, [commit]);
  };
  // Each person's own trouble is theirs alone; the record fails for whoever is left behind.
  const results = await Promise.allSettled(commit.audience.map(deliverTo));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
};

/**
 * A ring by the handler itself, right after its put: saves polling hops. Bounded in time; whatever goes wrong in it is
 * left to the stream, which rings always.
 */
export const ringing = async (
  deps: Deps,
  stream: Stream,
  { v }: Pick<Commit, 'v'>,
  bell: () => Promise<void>,
): Promise<void> => {
  const failed = (error: unknown) =>
    deps.log({
      level: 'warn',
      msg: 'ring failed',
      tenant: stream.tenant,
      stream: streamName(stream),
      v,
      error: errorName(error),
    });
  await Promise.race([bell().catch(failed), deps.sleep(RING_MS)]);
};

/** Delivers a commit from the handler that made it; audiences above the bound are left to the stream. */
export const ring = async (deps: Deps, stream: Stream, commit: Commit): Promise<void> => {
  if (commit.audience.length > RING_AUDIENCE) return;
  await ringing(deps, stream, commit, async () => {
    await Promise.all(
      commit.audience.map((person) => deliverCommits(deps, stream, { person, commits: [commit], isRing: true })),
    );
  });
};

/** Tells a person's open devices where a pointer of theirs stands. */
export const sendInbox = async (deps: Deps, pointer: Pointer): Promise<void> => {
  const to = { tenant: pointer.stream.tenant, person: pointer.person };
  const state = inboxState(pointer);
  const { devices } = await sendFrames(deps, to, [encodeFrame({ type: 'inbox', ...state })], { stream: state.stream });
  deps.log({ level: 'info', msg: 'inbox', ...to, stream: state.stream, v: pointer.v, read: pointer.read, devices });
};
