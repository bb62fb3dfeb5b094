/**
 * The whole system is killed again and again under a stream of messages; then everything that it acknowledged must be
 * there once, and everyone must see it. CHORUS_CRASH_ROUNDS asks for more kills, CHORUS_CRASH_SEED for the same moments.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { call } from '../../bench/http.ts';
import type { Origins, Person } from '../../bench/people.ts';
import { freePort } from '../../bench/process.ts';
import { percentile, round } from '../../bench/stats.ts';
import { boot, type System } from '../../local/system.ts';
import { roomy } from '../../local/tenants.ts';
import { arrive, type Chat, createChat, type Talk } from './chat.ts';
import { createRandom, live } from './lives.ts';
import {
  convergence,
  density,
  messages,
  missingPushes,
  newDevice,
  notifications,
  outcomes,
  Push,
  pointers,
} from './proof.ts';
import { type Raw, readRaw } from './raw.ts';
import { type StreamPart, startTablet, startWatch, syncFrom, type Tablet } from './tablet.ts';

const { CHORUS_CRASH_ROUNDS, CHORUS_CRASH_SEED } = process.env;
const rounds = Number(CHORUS_CRASH_ROUNDS ?? 6);
const seed = Number(CHORUS_CRASH_SEED ?? Date.now() % 2 ** 32);
const EARLY_PAIRS = 3;
/** So many write at a time, and then the oldest rest: a longer test is not a heavier one. */
const PAIRS = 12;
/** Those that had to wait for their device's budget get one in 20 s. */
const SHOWN_MILLISECONDS = 75_000;
const LOOK_MILLISECONDS = 100;
const LIMIT_MILLISECONDS = 120_000 + rounds * 10_000;

const data = mkdtempSync(join(tmpdir(), 'chorus-crash-'));
const output = `${data}.log`;

let raw: Raw;
let talks: Talk[];
let tablets: Tablet[];
let shown: Push[];
let firstSyncs: { person: Person; parts: StreamPart[] }[];

type Pair = { tablets: Tablet[]; rest: () => Promise<void> };

/** Two people with their devices, who write until they rest. */
const beginPair = async (at: Origins, chat: Chat, index: number): Promise<Pair> => {
  const both = await Promise.all([arrive(at, `a${index}`), arrive(at, `b${index}`)]);
  const tablets = both.map((who) => startTablet(at, who));
  const watches = both.map((who) => startWatch(at, who));
  const finish = chat.begin(...both, { twoWay: index % 3 === 2 });
  let resting: Promise<void> | undefined;
  const restNow = async (): Promise<void> => {
    await finish();
    await Promise.all([...tablets, ...watches].map(({ stop }) => stop()));
  };
  const rest = (): Promise<void> => {
    resting ??= restNow();
    return resting;
  };
  return { tablets, rest };
};

/** Kills, with pairs that begin at any time; everyone goes on after it. */
const liveThroughKills = async (at: Origins, port: number) => {
  const chat = createChat(at);
  const begun: Promise<Pair>[] = [];
  const onLife = (life: number): void => {
    const pairs = life === 0 ? EARLY_PAIRS : 1;
    for (let pair = 0; pair < pairs; pair++) begun.push(beginPair(at, chat, begun.length));
    const tired = begun.slice(0, -PAIRS);
    // What failed is told when all is awaited.
    for (const each of begun) each.catch(() => undefined);
    for (const each of tired) each.then(({ rest }) => rest()).catch(() => undefined);
  };
  const { acknowledged } = chat;
  const starts = await live({ data, port, output, acknowledged, random: createRandom(seed) }, rounds, onLife);
  return { chat, starts, begun };
};

const readPushes = async (at: Origins): Promise<Push[]> =>
  z.object({ pushes: z.array(Push) }).parse((await call(at.http, 'GET', '/dev/pushes')).body).pushes;

/** A drained system still has pushes that wait for an acknowledgement; what never comes, the test tells. */
const untilShown = async (at: Origins): Promise<void> => {
  for (const start = Date.now(); Date.now() - start < SHOWN_MILLISECONDS; await sleep(LOOK_MILLISECONDS))
    if (missingPushes(talks, await readPushes(at)).length === 0) return;
};

/** The last life is in this process: its drain tells when all is done. */
const finish = async (at: Origins, { chat, begun }: Awaited<ReturnType<typeof liveThroughKills>>, system: System) => {
  const devices = await Promise.all(begun);
  talks = await chat.end();
  tablets = devices.flatMap((each) => each.tablets);
  await untilShown(at);
  await Promise.all(devices.map(({ rest }) => rest()));
  await system.drain();
  raw = await readRaw(system.env);
  await Promise.all(tablets.map(({ sync }) => sync()));
  firstSyncs = await Promise.all(
    tablets.map(async ({ person }) => ({ person, parts: (await syncFrom(at, person)).parts })),
  );
  shown = await readPushes(at);
};

const report = (starts: number[], acknowledged: number): void => {
  const figures =
    starts.length === 0 ? 'none' : `${round(percentile(starts, 50))} ms, at most ${round(Math.max(...starts))} ms`;
  process.stdout.write(
    `crash test: seed ${seed}, ${rounds} kills, ${acknowledged} messages; restart to first answer: ${figures}\n`,
  );
};

beforeAll(async () => {
  const port = await freePort();
  const at = { http: `http://127.0.0.1:${port}`, ws: `ws://127.0.0.1:${port}` };
  const lived = await liveThroughKills(at, port);
  const system = await boot({ data, port, quiet: true, limits: roomy });
  try {
    await finish(at, lived, system);
    report(lived.starts, lived.chat.acknowledged());
  } finally {
    await system.stop();
  }
}, LIMIT_MILLISECONDS);

afterAll(() => {
  rmSync(data, { recursive: true, force: true });
  rmSync(output, { force: true });
});

/** The first few say enough. */
const holds = (violations: string[]): void => expect(violations.slice(0, 5)).toEqual([]);

test('it wrote enough to mean something', () => {
  expect(talks.length).toBe(EARLY_PAIRS + rounds - 1);
  expect(talks.flatMap(({ sent }) => sent).length).toBeGreaterThan(3 * rounds);
});

test('every acknowledged message is there once, and nothing else', () => holds(messages(raw, talks)));
test('every stream is dense', () => holds(density(raw)));
test('every match was made once, with what follows from it', () => holds(outcomes(raw, talks)));
test('every pointer stands at its head', () => holds(pointers(raw)));
test('no push is visible twice, and each was attempted', () => holds(notifications(talks, shown)));
test('nothing was given up', () => holds(raw.parked));

test('every device has what is in the tables', () => {
  holds(tablets.flatMap((tablet) => convergence(raw, tablet)));
});

test('a new device gets the newest of everything', () => {
  holds(firstSyncs.flatMap(({ person, parts }) => newDevice(raw, person, parts)));
});

test('no process had an error to tell', () => {
  const errors = readFileSync(output, 'utf8')
    .split('\n')
    .filter((line) => /\b(parked|not done)\b/.test(line));
  holds(errors);
});
