/** People who match and write to each other while the system is killed, and who retry until it answers. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer } from '../../bench/http.ts';
import { ask, Message, type Origins, type Person, post, putDevice, Reaction, signIn } from '../../bench/people.ts';

export type Sent = { by: string; key: string; text: string; version: number; number: number };
export type Talk = { a: Person; b: Person; twoWay: boolean; conversationId: string; sent: Sent[] };

/** Devices that show notifications: one is never connected, the other always. */
export const SHOWING = ['phone', 'watch'] as const;

const PATIENCE_MILLISECONDS = 120_000;
const PAUSE_MILLISECONDS = 25;
/** Every so manieth message is sent once more after its answer, as by a phone that the answer did not reach. */
const AGAIN = 5;

/** The system can't answer now: it is starting, or has too much to do. */
const isPassing = ({ status, body }: Answer): boolean =>
  status >= 500 || JSON.stringify(body).includes('issuer-unavailable');

/**
 * Asks until the answer has this status: through broken connections and answers that only ask for patience.
 * @param isTooEarly for refusals that only say "not yet"
 * @throws Error for any other answer, or when patience ends
 */
const persist = async (
  request: () => Promise<Answer>,
  status: number,
  isTooEarly: (answer: Answer) => boolean = () => false,
): Promise<unknown> => {
  let last: unknown;
  for (const start = Date.now(); Date.now() - start < PATIENCE_MILLISECONDS; await sleep(PAUSE_MILLISECONDS)) {
    // Broken off or refused: the outcome is unknown, so the same is asked again.
    const answer = await request().catch(() => undefined);
    if (answer?.status === status) return answer.body;
    last = answer;
    if (answer && !isPassing(answer) && !isTooEarly(answer)) break;
  }
  throw new Error(`not done: ${JSON.stringify(last)}`);
};

export const arrive = async (at: Origins, user: string): Promise<Person> => {
  for (const start = Date.now(); Date.now() - start < PATIENCE_MILLISECONDS; await sleep(PAUSE_MILLISECONDS)) {
    const person = await signIn(at, user).catch(() => undefined);
    if (!person) continue;
    for (const device of SHOWING) await persist(() => putDevice(at, person, device), 200);
    return person;
  }
  throw new Error(`${user} could not sign in`);
};

const match = async (at: Origins, a: Person, b: Person): Promise<string> => {
  const like = async (who: Person, whom: Person) =>
    Reaction.parse(await persist(() => ask(at, who, 'PUT', `/v1/reactions/${whom.user}`, { type: 'like' }), 200));
  const [first, second] = await Promise.all([like(a, b), like(b, a)]);
  const conversationId = first.conversationId ?? second.conversationId;
  if (!conversationId) throw new Error(`${a.user} and ${b.user} like each other and have not matched`);
  return conversationId;
};

/** A conversation opens with the match, or a moment later when the system was killed in between. */
const notOpenedYet = ({ status }: Answer): boolean => status === 404 || status === 409;

/** One person's messages, one after the other, each under its own key until it is acknowledged. */
const write = async (at: Origins, { conversationId, sent }: Talk, by: Person, isOver: () => boolean): Promise<void> => {
  let after = 1;
  for (let count = 1; !isOver(); count++) {
    const draft = { conversationId, text: `${by.user} says ${count}`, after, key: `${by.user}-${count}` };
    const isTooEarly = count === 1 ? notOpenedYet : undefined;
    const { version, number, text } = Message.parse(await persist(() => post(at, by, draft), 201, isTooEarly));
    sent.push({ by: by.user, key: draft.key, text, version, number });
    if (count % AGAIN === 0) {
      const again = Message.parse(await persist(() => post(at, by, draft), 201));
      if (again.version !== version) throw new Error(`${draft.key} is at ${version} and at ${again.version}`);
    }
    after = version;
  }
};

export type Chat = {
  /** A pair matches and writes from now on. @returns how it rests: it finishes its sentence, and is done when that is */
  begin: (a: Person, b: Person, options: { twoWay: boolean }) => () => Promise<void>;
  acknowledged: () => number;
  /** Everyone finishes their sentence. @throws the first error of anyone */
  end: () => Promise<Talk[]>;
};

export const createChat = (at: Origins): Chat => {
  const talks: Talk[] = [];
  const running: Promise<void>[] = [];
  let over = false;
  const talk = async (a: Person, b: Person, twoWay: boolean, isOver: () => boolean): Promise<void> => {
    const mine: Talk = { a, b, twoWay, conversationId: await match(at, a, b), sent: [] };
    talks.push(mine);
    await Promise.all((twoWay ? [a, b] : [a]).map((by) => write(at, mine, by, isOver)));
  };
  return {
    begin: (a, b, { twoWay }) => {
      let resting = false;
      const begun = talk(a, b, twoWay, () => over || resting);
      // Told at the end; until then nobody waits for it.
      begun.catch(() => undefined);
      running.push(begun);
      return () => {
        resting = true;
        return begun;
      };
    },
    acknowledged: () => talks.reduce((sum, { sent }) => sum + sent.length, 0),
    end: async () => {
      over = true;
      await Promise.all(running);
      return talks;
    },
  };
};
