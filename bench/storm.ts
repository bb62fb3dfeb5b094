/**
 * A storm of matches through HTTP: in every pair both like each other at the same moment, each of them twice, and one of them a
 * little more than that. What came of it is asked over the API alone.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import type { Row } from './bench.ts';
import { ask, expectOk, like, type Origins, type Person, putDevice, signIn } from './people.ts';
import { freePort, startChorus } from './process.ts';
import { round } from './stats.ts';

/** Requests under way at once in the storm, and around it. */
const STORM = 64;
const CALM = 16;
const TRIES = 8;
const DEVICE = 'phone';

export type Outcome = {
  pairs: number;
  /** Both list each other once, under one id and with one conversation. */
  matches: number;
  conversations: number;
  /** People who were told of their match exactly once. */
  told: number;
  /** Notifications of it about whose phone something was decided. */
  decided: number;
};
export type Storm = { people: Person[]; milliseconds: number; requests: number };

/** In their order, so many at once. */
const inParallel = async <T, R>(
  width: number,
  items: readonly T[],
  run: (item: T, i: number) => Promise<R>,
): Promise<R[]> => {
  const results: R[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let i = next++; i < items.length; i = next++) results[i] = await run(items[i] as T, i);
  };
  await Promise.all(Array.from({ length: width }, worker));
  return results;
};

/** 2i and 2i + 1 are a pair. */
const otherOf = (people: readonly Person[], i: number): Person => people[i ^ 1] as Person;

/** As clients do when too many write at once: the same again. */
const surely = async (at: Pick<Origins, 'http'>, who: Person, whom: Person, type: string): Promise<void> => {
  for (let tries = 1; ; tries++) {
    const answer = await ask(at, who, 'PUT', `/v1/reactions/${whom.user}`, { type });
    if (answer.status !== 503 || tries === TRIES) return void expectOk(answer, type);
  }
};

export const gatherStorm = (at: Pick<Origins, 'http'>, pairs: number, prefix: string): Promise<Person[]> =>
  inParallel(CALM, Array.from({ length: 2 * pairs }), async (_, i) => {
    const person = await signIn(at, `${prefix}${String(i).padStart(5, '0')}`);
    expectOk(await putDevice(at, person, DEVICE), 'register');
    return person;
  });

/** Everybody likes at once. */
export const breakLoose = async (at: Pick<Origins, 'http'>, people: Person[]): Promise<Storm> => {
  const all = people.flatMap((who, i) => {
    const whom = otherOf(people, i);
    const first = () =>
      i % 4 === 1
        ? surely(at, who, whom, 'super-like')
        : like(at, who, whom).then(
            () => undefined,
            () => surely(at, who, whom, 'like'),
          );
    return [first, () => surely(at, who, whom, 'like')];
  });
  const started = performance.now();
  await inParallel(STORM, all, (run) => run());
  return { people, milliseconds: performance.now() - started, requests: all.length };
};

const Matches = z.object({
  matches: z.array(z.object({ id: z.string(), with: z.string(), conversationId: z.string() })),
});
const Page = z.object({
  streams: z.array(z.object({ stream: z.string(), events: z.array(z.looseObject({ v: z.int(), type: z.string() })) })),
});
const Trail = z.object({ decisions: z.array(z.object({ device: z.string(), decision: z.string() })) });

const lookAt = async (at: Pick<Origins, 'http'>, who: Person) => {
  const { matches } = Matches.parse(expectOk(await ask(at, who, 'GET', '/v1/matches'), 'matches'));
  const { streams } = Page.parse(expectOk(await ask(at, who, 'GET', '/v1/sync'), 'sync'));
  const told = streams.flatMap(({ stream, events }) =>
    stream.startsWith('person/') ? events.filter(({ type }) => type === 'MatchMade') : [],
  );
  const conversations = streams.map(({ stream }) => stream).filter((stream) => stream.startsWith('conversation/'));
  const trails = await Promise.all(
    told.map(({ v }) => ask(at, who, 'GET', `/v1/notifications/${encodeURIComponent(`person:${who.user}@${v}`)}`)),
  );
  const decisions = trails.flatMap(({ body }) => Trail.safeParse(body).data?.decisions ?? []);
  return { matches, told, conversations, decided: new Set(decisions.map(({ device }) => device)).size };
};

export const outcomeOf = async (at: Pick<Origins, 'http'>, people: Person[]): Promise<Outcome> => {
  const looks = await inParallel(CALM, people, (who) => lookAt(at, who));
  const isMatch = (i: number): boolean => {
    const [mine, theirs] = [looks[i]?.matches ?? [], looks[i + 1]?.matches ?? []];
    return (
      mine.length === 1 &&
      theirs.length === 1 &&
      mine[0]?.with === people[i + 1]?.user &&
      theirs[0]?.with === people[i]?.user &&
      mine[0]?.id === theirs[0]?.id &&
      looks[i]?.conversations.join() === `conversation/${mine[0]?.conversationId}` &&
      looks[i + 1]?.conversations.join() === looks[i]?.conversations.join()
    );
  };
  return {
    pairs: people.length / 2,
    matches: people.filter((_, i) => i % 2 === 0 && isMatch(i)).length,
    conversations: new Set(looks.flatMap(({ conversations }) => conversations)).size,
    told: looks.filter(({ told }) => told.length === 1).length,
    decided: looks.reduce((sum, { decided }) => sum + decided, 0),
  };
};

const PAIRS = 1000;
const PATIENCE_MS = 240_000;
const row = (name: string, value: number, unit: string, limit?: number): Row => ({
  ...{ name, value: round(value), unit },
  ...(limit !== undefined && { limit, ratio: round(value / limit) }),
});

/** A thousand pairs against a system of its own; what must come of it stands beside it as the limit. */
export const stormRows = async (pairs = PAIRS): Promise<Row[]> => {
  const data = mkdtempSync(join(tmpdir(), 'chorus-storm-'));
  const chorus = startChorus({ data, port: await freePort() });
  try {
    return await chorus.during(async () => {
      await chorus.answered();
      const people = await gatherStorm(chorus, pairs, 'storm');
      const { milliseconds, requests } = await breakLoose(chorus, people);
      const started = performance.now();
      let outcome = await outcomeOf(chorus, people);
      // Who is told last may have waited for others.
      while (outcome.decided < 2 * pairs && performance.now() - started < PATIENCE_MS)
        outcome = await outcomeOf(chorus, people);
      return [
        row('storm-requests', requests / (milliseconds / 1000), 'requests/s'),
        row('storm-matches', outcome.matches, '', pairs),
        row('storm-conversations', outcome.conversations, '', pairs),
        row('storm-told-once', outcome.told, '', 2 * pairs),
        row('storm-notifications-decided', outcome.decided, '', 2 * pairs),
      ];
    });
  } finally {
    await chorus.stop();
    rmSync(data, { recursive: true, force: true });
  }
};
