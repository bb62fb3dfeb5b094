/** Senders and connected receivers, and how long each message takes from its sender to its receiver's socket. */
import {
  acknowledge,
  connect,
  type Frame,
  matchPair,
  type Origins,
  type Person,
  register,
  send,
  signIn,
} from './people.ts';

const SENDERS = 16;
const RECEIVERS = 100;
const WIDTH = 8;
const ARRIVAL_MILLISECONDS = 10_000;

type Line = { sender: Person; conversationId: string; head: number; free: Promise<unknown> };
export type Sample = { toSocket: number; toAnswer: number };
export type Crowd = {
  /** One message to the nth receiver. @param intended when it should have left, so that a late start counts */
  say: (receiver: number, intended?: number) => Promise<Sample>;
  /** `events` frames so far; above the number of messages, some came more than once. */
  frames: () => number;
  close: () => Promise<void>;
};

const inTurns = async <T>(count: number, run: (index: number) => Promise<T>): Promise<T[]> => {
  const results: T[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) results[index] = await run(index);
  };
  await Promise.all(Array.from({ length: WIDTH }, worker));
  return results;
};

/** Who waits for which text; a text that never comes is an error, for every receiver is connected. */
const createArrivals = () => {
  const waiting = new Map<string, (at: number) => void>();
  let frames = 0;
  return {
    frames: () => frames,
    see: ({ type, events = [] }: Frame): void => {
      const now = performance.now();
      if (type !== 'events') return;
      frames++;
      for (const { text } of events) if (text !== undefined) waiting.get(text)?.(now);
    },
    arrival: (text: string): Promise<number> =>
      new Promise((resolve, reject) => {
        const late = () => reject(new Error(`a message did not arrive within ${ARRIVAL_MILLISECONDS} ms`));
        const timer = setTimeout(late, ARRIVAL_MILLISECONDS);
        waiting.set(text, (at) => {
          clearTimeout(timer);
          waiting.delete(text);
          resolve(at);
        });
      }),
  };
};

/** Every receiver has matched with one sender, has registered its device, is connected and acknowledges. */
export const gather = async (at: Origins): Promise<Crowd> => {
  const senders = await inTurns(SENDERS, (index) => signIn(at, `sender-${index}`));
  const { frames, see, arrival } = createArrivals();
  const lines: Line[] = [];
  const sockets = await inTurns(RECEIVERS, async (index) => {
    const [sender, receiver] = [senders[index % SENDERS], await signIn(at, `receiver-${index}`)];
    if (!sender) throw new Error('no sender');
    lines[index] = { sender, conversationId: await matchPair(at, sender, receiver), head: 1, free: Promise.resolve() };
    await register(at, receiver, 'phone');
    return connect(at, receiver, 'phone', (frame, socket) => {
      see(frame);
      acknowledge(frame, socket);
    });
  });
  let count = 0;
  const sayNow = async (line: Line, start: number): Promise<Sample> => {
    const text = `${count++} ${'lorem ipsum dolor sit amet '.repeat(4)}`;
    const { conversationId, head: after } = line;
    const arrived = arrival(text);
    line.head = (await send(at, line.sender, { conversationId, text, after, key: `bench-${count}` })).version;
    const answered = performance.now();
    return { toSocket: (await arrived) - start, toAnswer: answered - start };
  };
  return {
    say: async (receiver, intended = performance.now()) => {
      const line = lines[receiver % RECEIVERS];
      if (!line) throw new Error('no receiver');
      // A sender's next message follows its last one, as from one app.
      const said = line.free.then(() => sayNow(line, intended));
      line.free = said.catch(() => undefined);
      return said;
    },
    frames,
    close: async () => void (await Promise.all(sockets.map((socket) => socket.close()))),
  };
};
