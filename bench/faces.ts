/** Rows of the cost table: showing oneself, and looking at others. */
import { z } from 'zod';
import type { Operation } from './meter.ts';
import { type Stage, someone } from './operations.ts';
import { ask, expectOk, type Person } from './people.ts';

const CROWD = 45;
const DECK = 20;

/** A town of its own for each bench: nobody else looks there. */
const inTown = (town: number, n: number) => ({
  lat: Number((10 + town + (n % 10) / 100).toFixed(2)),
  lon: Number((20 + Math.floor(n / 10) / 100).toFixed(2)),
});

export const describe = async (at: Stage, who: Person, place: object, more: object = {}): Promise<void> => {
  const body = {
    ...{ name: 'Somebody', birthDate: '1990-01-01', bio: 'Mathematics, and long walks by the sea.', place },
    attributes: { gender: 'woman', height: 170, interests: 'hiking, chess, jazz', intent: 'dates' },
    ...more,
  };
  expectOk(await ask(at, who, 'PUT', '/v1/me', body), 'profile');
};

const Deck = z.object({ people: z.array(z.object({ userId: z.string() })) });
const deal = async (at: Stage, who: Person): Promise<string[]> => {
  const { people } = Deck.parse(expectOk(await ask(at, who, 'GET', `/v1/deck?limit=${DECK}`), 'deck'));
  return people.map(({ userId }) => userId);
};

const crowdIn = async (at: Stage, town: number): Promise<void> => {
  for (let n = 0; n < CROWD; n++) await describe(at, await someone(at), inTown(town, n));
};

const full = async (at: Stage, who: Person): Promise<string[]> => {
  const found = await deal(at, who);
  if (found.length < DECK) throw new Error(`a deck of ${found.length}`);
  return found;
};

const passAll = async (at: Stage, who: Person, others: readonly string[]): Promise<void> => {
  for (const other of others) expectOk(await ask(at, who, 'PUT', `/v1/reactions/${other}`, { type: 'pass' }), 'pass');
};

const decks = (at: Stage): Operation[] => {
  let crowd: Promise<void> | undefined;
  const newcomer = async (): Promise<Person> => {
    crowd ??= crowdIn(at, 1);
    await crowd;
    const who = await someone(at);
    // Found by nobody, so that the next one finds as many.
    await describe(at, who, inTown(1, 0), { settings: { discoverable: false } });
    return who;
  };
  const deck = (name: string, before: (who: Person) => Promise<unknown>): Operation => ({
    name,
    repetitions: 5,
    prepare: async () => {
      const who = await newcomer();
      await before(who);
      return () => full(at, who);
    },
  });
  return [
    deck('deck', async () => undefined),
    deck('deck, again', (who) => full(at, who)),
    deck('deck, after 20 passes', async (who) => passAll(at, who, await full(at, who))),
  ];
};

export const faces = (at: Stage): Operation[] => [
  ...decks(at),
  {
    name: 'profile update',
    prepare: async (n) => {
      const who = await someone(at);
      await describe(at, who, inTown(2, n));
      return () => describe(at, who, inTown(2, n), { bio: 'Something else.' });
    },
  },
  {
    name: 'profile update, moving',
    prepare: async (n) => {
      const who = await someone(at);
      await describe(at, who, inTown(3, n));
      return () => describe(at, who, inTown(4, n));
    },
  },
];
