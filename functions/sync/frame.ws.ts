/** $default — a client's frame: `ack` or `ping`. Every answer is a frame; a bad one is told what is wrong with it. */
import { z } from 'zod';
import type { Deps } from '../../core/deps.ts';
import { ClientFrame, FRAME_BYTES, type ServerFrame } from '../../core/frames.ts';
import { parseJson } from '../../core/json.ts';
import { parseStreamName } from '../../core/keys.ts';
import { spend } from '../../core/limits.ts';
import { readPointers } from '../../core/pointers.ts';
import { Problem } from '../../core/problem.ts';
import { acknowledge } from '../../core/registers.ts';
import { type Session, type SocketRequest, socket } from '../../core/socket.ts';
import { closeConnection, closeIfReplaced, noteActive } from './connections.ts';
import { registersOf } from './plan.ts';

const problem = (code: string, detail: string): ServerFrame => ({ type: 'problem', code, detail });

const ack = async (
  deps: Deps,
  { tenant, user, device }: Session,
  name: string,
  v: number,
): Promise<ServerFrame | undefined> => {
  const stream = parseStreamName(tenant, name);
  const outcome = stream && (await acknowledge(deps, user, stream, device, v)).outcome;
  if (outcome === undefined || outcome === 'no pointer')
    return problem('not-found', 'stream: there is nothing here for you.');
  if (outcome === 'beyond') return problem('never-sent', 'v: is beyond the newest version of this stream.');
  if (outcome === 'moved') deps.log({ level: 'info', msg: 'acknowledged', tenant, user, device, stream: name, v });
  return undefined;
};

/** A device whose own sums differ has missed something and syncs: completeness can be proved at any time. */
const pong = async (deps: Deps, session: Session, connectionId: string): Promise<ServerFrame | undefined> => {
  const row = await closeIfReplaced(deps, session, connectionId);
  if (!row) return undefined;
  await noteActive(deps, session, row);
  const pointers = (await readPointers(deps, session)).filter(({ v }) => v > 0);
  return {
    type: 'pong',
    streams: pointers.length,
    versions: pointers.reduce((sum, { v }) => sum + v, 0),
    registers: pointers.reduce((sum, pointer) => sum + registersOf(pointer), 0),
  };
};

const parseFrame = (body: string | undefined): ClientFrame | ServerFrame => {
  if (Buffer.byteLength(body ?? '') > FRAME_BYTES)
    return problem('too-large', `A frame may have at most ${FRAME_BYTES} bytes.`);
  try {
    const parsed = ClientFrame.safeParse(parseJson(body ?? ''));
    if (parsed.success) return parsed.data;
    const issue = parsed.error.issues[0];
    return problem(
      'invalid',
      `${issue?.path.map(String).join('.') || 'frame'}: ${issue?.message ?? z.prettifyError(parsed.error)}`,
    );
  } catch (error) {
    if (error instanceof Problem) return problem(error.init.code, error.init.detail.replace('The body', 'The frame'));
    throw error;
  }
};

export const onFrame = async (
  { session, connectionId, body }: SocketRequest,
  deps: Deps,
): Promise<ServerFrame | undefined> => {
  const { tenant, user, device } = session;
  if (session.expires * 1000 <= deps.now().getTime()) {
    await closeConnection(deps, connectionId, 'token-expired');
    return undefined;
  }
  // By device and not by connection, or who comes back would begin anew.
  const wait = await spend(deps, { tenant, user }, 'frames', 1, device);
  if (wait) return problem('too-many-requests', `This frame was not looked at. Go on in ${wait.retryAfter} s.`);
  const frame = parseFrame(body);
  switch (frame.type) {
    case 'ack':
      return ack(deps, session, frame.stream, frame.v);
    case 'ping':
      return pong(deps, session, connectionId);
    default:
      return frame;
  }
};

export const handler = socket(onFrame);
