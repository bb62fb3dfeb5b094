/**
 * The deck among many people: how long an answer takes and how many read units, at 1,000, 10,000 and 100,000 people around one
 * city. Everybody's rows are written as reactions write them; who looks says so over HTTP, and swipes all that they are shown.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { makeDeps } from '../core/deps.ts';
import { TenantId, UserId } from '../core/ids.ts';
import { viewKey } from '../core/keys.ts';
import { Profile } from '../functions/profiles/profile.ts';
import { profilesView, standsView } from '../functions/profiles.ts';
import { boot, type System } from '../local/system.ts';
import { roomy } from '../local/tenants.ts';
import type { Row } from './bench.ts';
import { call } from './http.ts';
import { ask, expectOk, type Person, signIn } from './people.ts';
import { percentile, round } from './stats.ts';

const SIZES = [1000, 10_000, 100_000] as const;
const WIDTH = 32;
const SEEKERS = 12;
const ROUNDS = 8;
const DECK = 20;
const tenant = TenantId.parse('demo');

/** The same people in every run. */
const share = (n: number, salt: number): number => (Math.imul(n + 1, 2654435761 + 2 * salt) >>> 0) / 2 ** 32;

/** Six of ten in the city, the others within 150 km. */
const placeOf = (n: number) => {
  const spread = share(n, 1) < 0.6 ? 0.1 : 1.3;
  return {
    lat: Number((52.52 + spread * (2 * share(n, 2) - 1)).toFixed(2)),
    lon: Number((13.4 + 1.6 * spread * (2 * share(n, 3) - 1)).toFixed(2)),
  };
};
const genders = ['woman', 'man', 'other'];

const profileOf = (n: number): Profile =>
  Profile.parse({
    ...{ name: `Somebody ${n}`, birthDate: `${1970 + (n % 35)}-03-05`, photos: [], place: placeOf(n) },
    bio: 'Mathematics, and long walks by the sea; good company, and bad jokes.',
    attributes: { gender: genders[n % 3], height: 150 + (n % 50), interests: 'hiking, chess', intent: 'dates' },
    seeking: { ages: { from: 18, to: 60 }, ...(n % 2 ? { attributes: { gender: ['woman', 'man'] } } : {}) },
    settings: { discoverable: true, presence: true },
  });

/** Adds people by direct writes: the booted system's environment is bound. */
const fill = async (from: number, to: number): Promise<void> => {
  const deps = makeDeps({ read: 0, write: 0 });
  const at = new Date().toISOString();
  let next = from;
  const worker = async (): Promise<void> => {
    for (let n = next++; n < to; n = next++) {
      const person = UserId.parse(`usr_2kq7mZt0wXv9${String(n).padStart(6, '0')}`);
      const event = { type: 'ProfileSet', person, profile: profileOf(n), active: at.slice(0, 10), at };
      const stream = { tenant, kind: 'profile', id: person } as const;
      for (const { row } of [profilesView, standsView].flatMap((view) =>
        view.changes(stream, { v: 1, events: [event] }),
      ))
        if (row) await deps.ddb.put({ TableName: deps.env.VIEWS_TABLE, Item: row });
    }
  };
  await Promise.all(Array.from({ length: WIDTH }, worker));
};

const Deck = z.object({ people: z.array(z.object({ userId: z.string() })) });
type Sample = { ms: number; units: number; people: number };

const swipe = async (me: string, others: readonly string[]): Promise<void> => {
  const deps = makeDeps({ read: 0, write: 0 });
  const at = new Date().toISOString();
  for (const other of others) {
    const key = viewKey(tenant, UserId.parse(me), 'seen', other);
    await deps.ddb.put({ TableName: deps.env.VIEWS_TABLE, Item: { ...key, type: 'pass', at, v: 1 } });
  }
};

const look = async (system: System, who: Person): Promise<Sample> => {
  const before = system.units().read;
  const started = performance.now();
  const answer = await call(system.http, 'GET', `/v1/deck?limit=${DECK}`, { token: who.token });
  const ms = performance.now() - started;
  const { people } = Deck.parse(expectOk(answer, 'deck'));
  await swipe(
    who.user,
    people.map(({ userId }) => userId),
  );
  return { ms, units: system.units().read - before, people: people.length };
};

const measure = async (system: System, size: number): Promise<Row[]> => {
  const samples: Sample[] = [];
  for (let n = 0; n < SEEKERS; n++) {
    const who = await signIn(system, `looker-${size}-${n}`);
    const { name, birthDate, attributes, place } = profileOf(n);
    expectOk(await ask(system, who, 'PUT', '/v1/me', { name, birthDate, attributes, place }), 'profile');
    await system.drain();
    for (let each = 0; each < ROUNDS; each++) samples.push(await look(system, who));
  }
  const of = (name: string, value: number, unit: string): Row => ({ name, value: round(value), unit });
  const k = `${size / 1000}k-people`;
  const all = (what: keyof Sample): number[] => samples.map((sample) => sample[what]);
  return [
    of(`deck-p50-${k}`, percentile(all('ms'), 50), 'ms'),
    of(`deck-p99-${k}`, percentile(all('ms'), 99), 'ms'),
    of(`deck-read-units-p50-${k}`, percentile(all('units'), 50), 'units'),
    { ...of(`deck-read-units-most-${k}`, percentile(all('units'), 100), 'units'), limit: 50 },
    of(`deck-people-p50-${k}`, percentile(all('people'), 50), ''),
  ];
};

export const deckRows = async (sizes: readonly number[] = SIZES): Promise<Row[]> => {
  const data = mkdtempSync(join(tmpdir(), 'chorus-bench-deck-'));
  const system = await boot({ data, port: 0, quiet: true, limits: roomy });
  const rows: Row[] = [];
  try {
    let there = 0;
    for (const size of sizes) {
      await fill(there, size);
      there = size;
      rows.push(...(await measure(system, size)));
    }
    return rows;
  } finally {
    await system.stop();
    rmSync(data, { recursive: true, force: true });
  }
};
