/**
 * Wakes pollers when this process writes, without the writers knowing: Node announces every answered HTTP request, and
 * a request to DynamoDB or SQS says what it does in a header. Nobody has to poll tightly for that.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { ClientRequest, IncomingMessage } from 'node:http';

const tableWrites = /^DynamoDB_\d+\.(Put|Update|Delete|BatchWrite|TransactWrite|Execute|BatchExecute)/;
const queueSends = /^AmazonSQS\.SendMessage/;

const isClient = (message: unknown): message is { request: ClientRequest } =>
  typeof message === 'object' && message !== null && 'request' in message;
const isServer = (message: unknown): message is { request: IncomingMessage } =>
  typeof message === 'object' && message !== null && 'request' in message;

type Listener = (message: unknown) => void;

const listen = (channel: string, listener: Listener): (() => void) => {
  subscribe(channel, listener);
  return () => void unsubscribe(channel, listener);
};

/** Calls back when a write of this process to any table was answered. @returns how to stop */
export const onTableWrite = (wake: () => void): (() => void) =>
  listen('http.client.response.finish', (message) => {
    if (!isClient(message)) return;
    const target = message.request.getHeader('x-amz-target');
    if (typeof target === 'string' && tableWrites.test(target)) wake();
  });

/** Calls back when a server of this process took a message for a queue, whoever sent it. @returns how to stop */
export const onQueueSend = (wake: () => void): (() => void) =>
  listen('http.server.response.finish', (message) => {
    if (!isServer(message)) return;
    const target = message.request.headers['x-amz-target'];
    if (typeof target === 'string' && queueSends.test(target)) wake();
  });

/**
 * The same call some time after the first request for it; requests until then are the same one.
 * @returns the request, and how to forget one that waits
 */
export const afterPause = (act: () => void, pauseMilliseconds: number): { request: () => void; forget: () => void } => {
  let timer: NodeJS.Timeout | undefined;
  return {
    request: () => {
      timer ??= setTimeout(() => {
        timer = undefined;
        act();
      }, pauseMilliseconds);
    },
    forget: () => clearTimeout(timer),
  };
};

export type Latch = {
  open: () => void;
  /** Resolves at once if it was opened since the last wait, else when it opens or the time is over. */
  wait: (limitMilliseconds: number) => Promise<void>;
};

/** One waiter; an opening while nobody waits is remembered. */
export const createLatch = (): Latch => {
  let opened = false;
  let release: (() => void) | undefined;
  return {
    open: () => {
      opened = true;
      release?.();
    },
    wait: async (limitMilliseconds) => {
      if (!opened) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, limitMilliseconds);
          release = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      release = undefined;
      opened = false;
    },
  };
};
