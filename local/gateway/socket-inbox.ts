/**
 * What a connection's client sends: each message is one call of the $default route, a few at a time. While that many
 * are under way the client is not read; what had arrived by then waits, and more than a bounded number of such ends the
 * connection.
 */
import type { WebSocket } from 'ws';
import { z } from 'zod';
import type { Invoke, SocketRoute } from '../model.ts';
import { type Busy, TIMED_OUT, within } from './body.ts';
import { type Handshake, messageEvent } from './socket-event.ts';

const RUNNING = 16;
const WAITING = 1_000;
const INTEGRATION_MS = 29_000;

/** Sends to the client; false when it is gone. */
export type Send = (data: string) => boolean;
export type Inbox = { receive(data: Buffer, binary: boolean): void };

type Options = {
  handshake: Handshake;
  socket: WebSocket;
  send: Send;
  route: SocketRoute | undefined;
  invoke: Invoke;
  busy: Busy;
};

const Reply = z.object({ body: z.string().nullish() });

/** Calls the route with one message and sends the client what it has to hear. */
const handle = async ({ handshake, send, route, invoke }: Options, data: Buffer, binary: boolean): Promise<void> => {
  const event = messageEvent(handshake, data, binary);
  const complain = (message: string): void => {
    const { connectionId } = handshake;
    send(JSON.stringify({ message, connectionId, requestId: event.requestContext.requestId }));
  };
  if (!route) return complain('Forbidden');
  try {
    const result = await within(invoke(route.functionId, event), INTEGRATION_MS);
    if (result === TIMED_OUT) return complain('Endpoint request timed out');
    if (!route.returnsResponse) return;
    const { body } = Reply.parse(result);
    if (body) send(body);
  } catch {
    complain('Internal server error');
  }
};

export const createInbox = (options: Options): Inbox => {
  const { socket, busy } = options;
  const waiting: { data: Buffer; binary: boolean }[] = [];
  let running = 0;

  const run = async (data: Buffer, binary: boolean): Promise<void> => {
    running += 1;
    await handle(options, data, binary);
    running -= 1;
    const next = socket.readyState === socket.OPEN ? waiting.shift() : undefined;
    if (next) void busy.track(run(next.data, next.binary));
    else if (socket.isPaused) socket.resume();
  };

  return {
    receive: (data, binary) => {
      if (socket.readyState !== socket.OPEN) return;
      if (running < RUNNING) return void busy.track(run(data, binary));
      socket.pause();
      waiting.push({ data, binary });
      if (waiting.length <= WAITING) return;
      waiting.length = 0;
      socket.close(1008, 'Too many messages at once');
      // Read on, or the client's answer to the close would never arrive.
      socket.resume();
    },
  };
};
