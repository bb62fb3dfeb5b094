/** Reading a request's body with a bound, giving up on a promise after a while, counting what is under way. */
import type { Readable } from 'node:stream';

export const TOO_LARGE = Symbol('too large');

/** What is thrown away of a body that is too large, so that the sender reads the answer instead of a broken pipe. */
const DISCARD = 32 * 1024 * 1024;

/**
 * Collects a body.
 * @param limit bytes
 * @returns TOO_LARGE for a longer one, of which nothing is kept
 * @throws Error when the sender goes away before its end
 */
export const readBody = (stream: Readable, limit: number): Promise<Buffer | typeof TOO_LARGE> =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    stream.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= limit) chunks.push(chunk);
      else chunks.length = 0;
      if (bytes > limit + DISCARD) {
        stream.pause();
        resolve(TOO_LARGE);
      }
    });
    stream.once('end', () => resolve(bytes > limit ? TOO_LARGE : Buffer.concat(chunks)));
    stream.once('error', reject);
    stream.once('close', () => reject(new Error('the sender went away')));
  });

export const TIMED_OUT = Symbol('timed out');

/** The promise's outcome, or TIMED_OUT. The promise itself goes on: a function cannot be interrupted. */
export const within = async <T>(promise: Promise<T>, milliseconds: number): Promise<T | typeof TIMED_OUT> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<typeof TIMED_OUT>((resolve) => {
    timer = setTimeout(() => resolve(TIMED_OUT), milliseconds);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
};

/** Counts what is under way. */
export type Busy = { count(): number; track<T>(work: Promise<T>): Promise<T> };

export const createBusy = (): Busy => {
  let running = 0;
  return {
    count: () => running,
    track: async (work) => {
      running += 1;
      try {
        return await work;
      } finally {
        running -= 1;
      }
    },
  };
};

/** Resolves when the condition holds, looking every 5 ms, or when the time is over. */
export const until = async (condition: () => boolean, milliseconds: number): Promise<void> => {
  const end = Date.now() + milliseconds;
  while (!condition() && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 5));
};
