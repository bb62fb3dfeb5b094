/** The whole socket protocol: what a client may send, what it may receive. */
import { z } from 'zod';
import type { WireEvent } from './commit.ts';
import { Version } from './ids.ts';
import { streamName } from './keys.ts';
import type { Pointer } from './pointers.ts';

/** API Gateway's limit for one frame, and room for its envelope. */
export const FRAME_BYTES = 32 * 1024;
const EVENTS_BYTES = 30 * 1024;

const StreamName = z
  .string()
  .regex(/^[a-z]+\/[A-Za-z0-9_.:|+-]{1,140}$/, 'must be the name of a stream, such as conversation/cnv_…');

export const ClientFrame = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('ack'), stream: StreamName, v: Version.min(1) }),
  z.strictObject({ type: z.literal('ping') }),
]);
export type ClientFrame = z.infer<typeof ClientFrame>;

/** A pointer as devices see it; `unread` is a subtraction, equal on every device. */
export type InboxState = {
  stream: string;
  v: number;
  count: number;
  read: number;
  unread: number;
  seen: Record<string, number>;
  /** Until when it is muted; absent when it is not. */
  muted?: string | undefined;
  /** How often that changed. */
  mutes: number;
};

export type ServerFrame =
  | { type: 'events'; stream: string; events: WireEvent[] }
  | ({ type: 'inbox' } & InboxState)
  /** Sums over all the person's streams: a device whose own sums differ has missed something and syncs. */
  | { type: 'pong'; streams: number; versions: number; registers: number }
  | { type: 'problem'; code: string; detail: string }
  /** The last frame before the server closes the connection. */
  | {
      type: 'closing';
      code: 'token-expired' | 'connected-elsewhere' | 'logged-out' | 'suspended' | 'banned' | 'erased';
    };

export const inboxState = (pointer: Pointer): InboxState => ({
  stream: streamName(pointer.stream),
  v: pointer.v,
  count: pointer.count,
  read: pointer.read,
  unread: Math.max(0, pointer.count - pointer.read),
  seen: pointer.seen,
  ...(pointer.muted === undefined ? {} : { muted: pointer.muted }),
  mutes: pointer.mutes,
});

export const encodeFrame = (frame: ServerFrame): string => JSON.stringify(frame);

/** Frames for versions that travel together but never above the limit of one frame. */
export const eventFrames = (stream: string, versions: WireEvent[][]): string[] => {
  const frames: WireEvent[][] = [];
  let size = EVENTS_BYTES;
  for (const events of versions) {
    const bytes = Buffer.byteLength(JSON.stringify(events));
    if (size + bytes > EVENTS_BYTES) frames.push([]);
    size = size + bytes > EVENTS_BYTES ? bytes : size + bytes;
    frames.at(-1)?.push(...events);
  }
  return frames.map((events) => encodeFrame({ type: 'events', stream, events }));
};
