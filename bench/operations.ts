/** The operations of the cost table, each as a client does it. */
import { z } from 'zod';
import type { LogEntry, Operation } from './meter.ts';
import {
  acknowledge,
  ask,
  connect,
  expectOk,
  like,
  matchPair,
  type Origins,
  type Person,
  putDevice,
  register,
  type Socket,
  send,
  signIn,
} from './people.ts';

/** What operations need of the booted system. */
export type Stage = Origins & {
  drain: () => Promise<void>;
  /** Resolves when so many more log entries fit. */
  until: (fits: (entry: LogEntry) => boolean, count: number) => Promise<void>;
};
export type Pair = { a: Person; b: Person; conversationId: string; head: number };

let people = 0;
export const someone = (at: Stage): Promise<Person> =>
  signIn(at, `usr_2kq7mZt0wXv9${String(people++).padStart(6, '0')}`);

export const pairUp = async (at: Stage): Promise<Pair> => {
  const [a, b] = await Promise.all([someone(at), someone(at)]);
  return { a, b, conversationId: await matchPair(at, a, b), head: 1 };
};

const TEXT = 'Shall we meet at the station at seven? I could bring the tickets and something to eat.';
let keys = 0;
/** The pair's next message. */
export const say = async (at: Stage, pair: Pair, by: Person): Promise<void> => {
  const { conversationId, head: after } = pair;
  pair.head = (await send(at, by, { conversationId, text: TEXT, after, key: `key-${keys++}-of-a-client` })).version;
};

const isAcknowledged = ({ msg }: LogEntry): boolean => msg === 'acknowledged';
const isDecided = ({ msg }: LogEntry): boolean => msg === 'push decided';

const likes = (at: Stage): Operation[] => {
  const two = () => Promise.all([someone(at), someone(at)]);
  return [
    {
      name: 'like',
      prepare: async () => {
        const [a, b] = await two();
        return () => like(at, a, b);
      },
    },
    {
      name: 'match',
      prepare: async () => {
        const [a, b] = await two();
        await Promise.all([register(at, a, 'phone'), register(at, b, 'phone')]);
        await like(at, a, b);
        return () => like(at, b, a);
      },
    },
  ];
};

/** One person writes, the other has one device with a push address and without a connection. */
const sends = (at: Stage, pair: Pair): Operation[] => [
  { name: 'send', prepare: async () => () => say(at, pair, pair.a) },
  {
    name: 'send, sender connected',
    prepare: async () => {
      const mine = await pairUp(at);
      await register(at, mine.b, 'phone');
      await connect(at, mine.a, 'laptop', acknowledge);
      return () => Promise.all([say(at, mine, mine.a), at.until(isAcknowledged, 1)]);
    },
  },
];

const BOTH_LOOK = 10;
/** Both have the app open: two acknowledgements, and the push job finds that nothing is to be sent. */
const bothLook = (at: Stage): Operation => {
  let mine: Promise<Pair[]> | undefined;
  const open = async (): Promise<Pair[]> => {
    const pairs = await Promise.all(Array.from({ length: BOTH_LOOK }, () => pairUp(at)));
    await Promise.all(pairs.map(({ b }) => register(at, b, 'phone')));
    await Promise.all(pairs.flatMap(({ a, b }) => [a, b].map((who) => connect(at, who, 'phone', acknowledge))));
    return pairs;
  };
  return {
    name: 'send, both connected',
    times: BOTH_LOOK,
    repetitions: 2,
    prepare: async () => {
      mine ??= open();
      const pairs = await mine;
      return async () => {
        const acknowledged = at.until(isAcknowledged, 2 * BOTH_LOOK);
        const decided = at.until(isDecided, BOTH_LOOK);
        await Promise.all([...pairs.map((pair) => say(at, pair, pair.a)), acknowledged, decided]);
      };
    },
  };
};

const registers = (at: Stage, pair: Pair): Operation[] => {
  let socket: Promise<Socket> | undefined;
  return [
    {
      name: 'ack',
      prepare: async () => {
        socket ??= connect(at, pair.b, 'laptop', () => undefined);
        const { send: sendFrame } = await socket;
        await say(at, pair, pair.a);
        return async () => {
          const acknowledged = at.until(isAcknowledged, 1);
          sendFrame({ type: 'ack', stream: `conversation/${pair.conversationId}`, v: pair.head });
          await acknowledged;
        };
      },
    },
    {
      name: 'read',
      prepare: async () => {
        await (await socket)?.close();
        await say(at, pair, pair.a);
        const path = `/v1/conversations/${pair.conversationId}/read`;
        return async () => expectOk(await ask(at, pair.b, 'PUT', path, { upTo: pair.head - 1 }), 'read');
      },
    },
  ];
};

const devices = (at: Stage): Operation[] => [
  {
    name: 'register-device',
    prepare: async () => {
      const who = await someone(at);
      return async () => expectOk(await putDevice(at, who, 'phone'), 'register');
    },
  },
  {
    name: 'register-device, again',
    prepare: async () => {
      const who = await someone(at);
      await register(at, who, 'phone');
      return async () => expectOk(await putDevice(at, who, 'phone'), 'register');
    },
  },
];

const Page = z.object({ streams: z.array(z.unknown()), more: z.boolean(), cursor: z.string() });
export type Page = z.infer<typeof Page>;
export const syncPage = async (at: Stage, who: Person, cursor?: string): Promise<Page> =>
  Page.parse(expectOk(await ask(at, who, 'GET', `/v1/sync${cursor ? `?cursor=${cursor}` : ''}`), 'sync'));

/** Everything since the cursor, page by page. @returns the last cursor */
export const syncAll = async (at: Stage, who: Person, cursor?: string): Promise<string> => {
  for (let page = await syncPage(at, who, cursor); ; page = await syncPage(at, who, page.cursor))
    if (!page.more) return page.cursor;
};

/** All but the sync rows. */
export const operations = async (at: Stage): Promise<Operation[]> => {
  const pair = await pairUp(at);
  await register(at, pair.b, 'phone');
  return [...likes(at), ...sends(at, pair), bothLook(at), ...registers(at, pair), ...devices(at)];
};
