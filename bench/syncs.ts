/** The rows of the cost table that sync: with news, without, and for a new device. */
import { fillInbox } from './inbox.ts';
import type { Operation } from './meter.ts';
import { type Pair, type Stage, say, someone, syncAll, syncPage } from './operations.ts';
import { connect, matchPair, type Person } from './people.ts';

const STREAMS = 10;
const EVENTS = 2;

/** A device that was away while ten conversations got two messages each. */
const sync20 = (at: Stage): Operation => {
  let mine: Promise<{ me: Person; pairs: Pair[] }> | undefined;
  const start = async (): Promise<{ me: Person; pairs: Pair[] }> => {
    const me = await someone(at);
    const pairs: Pair[] = [];
    for (let each = 0; each < STREAMS; each++) {
      const a = await someone(at);
      pairs.push({ a, b: me, conversationId: await matchPair(at, a, me), head: 1 });
    }
    return { me, pairs };
  };
  return {
    name: 'sync20',
    repetitions: 5,
    prepare: async () => {
      mine ??= start();
      const { me, pairs } = await mine;
      await at.drain();
      const cursor = await syncAll(at, me);
      for (let event = 0; event < EVENTS; event++) await Promise.all(pairs.map((pair) => say(at, pair, pair.a)));
      return () => syncPage(at, me, cursor);
    },
  };
};

/** One person whose inbox grows from row to row. */
const growing = (at: Stage) => {
  let mine: Promise<Person> | undefined;
  let size = 0;
  return async (to: number): Promise<Person> => {
    mine ??= someone(at);
    const me = await mine;
    await fillInbox(me.user, size, to);
    size = Math.max(size, to);
    await at.drain();
    return me;
  };
};

const inboxOf = (at: Stage, grow: (to: number) => Promise<Person>, size: number): Operation[] => {
  let seen: Promise<{ me: Person; cursor: string }> | undefined;
  const start = async (): Promise<{ me: Person; cursor: string }> => {
    const me = await grow(size);
    return { me, cursor: await syncAll(at, me) };
  };
  return [
    {
      name: `sync, idle inbox of ${size}`,
      repetitions: 5,
      prepare: async () => {
        seen ??= start();
        const { me, cursor } = await seen;
        return () => syncPage(at, me, cursor);
      },
    },
    {
      name: `sync, new device, inbox of ${size}`,
      repetitions: 1,
      prepare: async () => {
        const me = await grow(size);
        return () => syncAll(at, me);
      },
    },
  ];
};

/** The sums that a ping answers with are those of all streams. */
const ping = (at: Stage, grow: (to: number) => Promise<Person>, size: number): Operation => ({
  name: `ping, inbox of ${size}`,
  repetitions: 5,
  prepare: async (repetition) => {
    const me = await grow(size);
    const pong = Promise.withResolvers<void>();
    const socket = await connect(at, me, `laptop-${repetition}`, ({ type }) => {
      if (type === 'pong') pong.resolve();
    });
    return async () => {
      socket.send({ type: 'ping' });
      await pong.promise;
    };
  },
});

export const syncs = (at: Stage): Operation[] => {
  const grow = growing(at);
  const sizes = [10, 100, 1000];
  return [sync20(at), ...sizes.flatMap((size) => inboxOf(at, grow, size)), ping(at, grow, 1000)];
};
