/**
 * A second device of a person, without push: keeps what frames and `/v1/sync` bring, reconnects, goes on from its cursor.
 * It knows nothing of the product but what a client may know.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { acknowledge, ask, connect, type Origins, type Person, type Socket } from '../../bench/people.ts';
import { canonicalJson } from '../../core/json.ts';

const WireEvent = z.looseObject({ v: z.int(), type: z.string() });
type WireEvent = z.infer<typeof WireEvent>;
const StreamPart = z.object({
  stream: z.string(),
  v: z.int(),
  count: z.int(),
  read: z.int(),
  seen: z.record(z.string(), z.int()),
  state: z.unknown().optional(),
  events: z.array(WireEvent),
});
const Page = z.object({ streams: z.array(StreamPart), more: z.boolean(), cursor: z.string() });
export type StreamPart = z.infer<typeof StreamPart>;

/** The events of each version of a stream, as text. */
export type Replica = Map<number, string>;
export type Tablet = {
  person: Person;
  streams: Map<string, Replica>;
  /** What no device may see, in sentences. */
  contradictions: string[];
  /** Once, page by page. */
  sync: () => Promise<void>;
  stop: () => Promise<void>;
};

const REST_MILLISECONDS = 250;
const PAUSE_MILLISECONDS = 50;
const MAX_PAGES = 100;

/** What everyone sees of a version: its events without their place and their sender's own key. */
const textOf = (events: readonly WireEvent[]): string =>
  canonicalJson(events.map(({ v: _v, commandId: _own, ...event }) => event));

/** Everything since a cursor. @returns the parts and the last cursor */
export const syncFrom = async (
  at: Origins,
  who: Person,
  from?: string,
): Promise<{ parts: StreamPart[]; cursor: string }> => {
  const parts: StreamPart[] = [];
  let cursor = from;
  for (let page = 0; page < MAX_PAGES; page++) {
    const { status, body } = await ask(at, who, 'GET', `/v1/sync${cursor ? `?cursor=${cursor}` : ''}`);
    if (status !== 200) throw new Error(`sync: ${status} ${JSON.stringify(body)}`);
    const read = Page.parse(body);
    parts.push(...read.streams);
    cursor = read.cursor;
    if (!read.more) return { parts, cursor };
  }
  throw new Error(`sync does not end after ${MAX_PAGES} pages`);
};

/** Adds events to what a device has; the same version twice must be the same. */
export const apply = (tablet: Pick<Tablet, 'streams' | 'contradictions'>, name: string, events: WireEvent[]): void => {
  const replica = tablet.streams.get(name) ?? new Map<number, string>();
  tablet.streams.set(name, replica);
  for (const [v, ofVersion] of Map.groupBy(events, (event) => event.v)) {
    const text = textOf(ofVersion);
    if ((replica.get(v) ?? text) !== text) tablet.contradictions.push(`${name} v${v}: ${replica.get(v)}, then ${text}`);
    replica.set(v, text);
  }
};

const isFault = (error: unknown): boolean =>
  error instanceof z.ZodError || (error instanceof Error && /^(sync|ticket): 4/.test(error.message));

/** What fails because the system is down is tried again; what it refuses or garbles is told. */
const repeat = async (
  { isOver, onFault }: { isOver: () => boolean; onFault: (fault: string) => void },
  work: () => Promise<unknown>,
  pause: number,
): Promise<void> => {
  while (!isOver()) {
    await work().catch((error: unknown) => {
      if (isFault(error)) onFault(String(error));
    });
    await sleep(pause);
  }
};

/** Connected whenever that is possible, by whatever it takes. */
const stayConnected = (at: Origins, person: Person, device: string, onFrame: Parameters<typeof connect>[3]) => {
  let socket: Socket | undefined;
  let over = false;
  const faults: string[] = [];
  const once = async (): Promise<void> => {
    socket = await connect(at, person, device, onFrame);
    if (over) await socket.close();
    await socket.closed;
  };
  const running = repeat({ isOver: () => over, onFault: (fault) => faults.push(fault) }, once, PAUSE_MILLISECONDS);
  const stop = async (): Promise<void> => {
    over = true;
    await socket?.close();
    await running;
  };
  return { faults, stop };
};

/** A device with push that is connected and looks at nothing: its pushes come after the time for an acknowledgement. */
export const startWatch = (at: Origins, person: Person): { stop: () => Promise<void> } =>
  stayConnected(at, person, 'watch', () => undefined);

/** Turns it on: it syncs now and then, and stays connected as well as it can. */
export const startTablet = (at: Origins, person: Person): Tablet => {
  let cursor: string | undefined;
  let over = false;
  const streams: Tablet['streams'] = new Map();
  const contradictions: string[] = [];
  const sync = async (): Promise<void> => {
    const read = await syncFrom(at, person, cursor);
    for (const { stream, events } of read.parts) apply({ streams, contradictions }, stream, events);
    cursor = read.cursor;
  };
  const onFault = (fault: string): void => void contradictions.push(fault);
  const syncing = repeat({ isOver: () => over, onFault }, sync, REST_MILLISECONDS);
  const connection = stayConnected(at, person, 'tablet', (frame, opened) => {
    if (frame.type !== 'events' || !frame.stream) return;
    apply({ streams, contradictions }, frame.stream, frame.events ?? []);
    acknowledge(frame, opened);
  });
  return {
    ...{ person, streams, contradictions, sync },
    stop: async () => {
      over = true;
      await Promise.all([connection.stop(), syncing]);
      contradictions.push(...connection.faults);
    },
  };
};
