/**
 * Ada, who leaves, and Ben and Cleo, who stay: the real domain on tables in memory, with everything of Ada's everywhere. Each call to
 * the outside may be the last one of its process.
 */
import { isRejection } from '../../core/decider.ts';
import { type Deps, makeDeps, ports } from '../../core/deps.ts';
import { execute } from '../../core/execute.ts';
import { type Actor, DeviceId, type UserId } from '../../core/ids.ts';
import { canonicalJson } from '../../core/json.ts';
import { inboxKey, type Stream } from '../../core/keys.ts';
import { imageOf } from '../../core/stream.ts';
import { person } from '../../functions/accounts/person.ts';
import { makeAccountToken } from '../../functions/customer.ts';
import { beginErasure, type ErasureJob, erase } from '../../functions/erasure/erase.ts';
import { conversationOf, match, pairId } from '../../functions/matching/match.ts';
import { conversation } from '../../functions/messaging/conversation.ts';
import { profile } from '../../functions/profiles/profile.ts';
import { registerDevice } from '../../functions/push/addresses.ts';
import { record } from '../../functions/push/trail.ts';
import { bindEnvironment, specs } from '../memory.ts';
import { ada, at, ben, cleo, demo } from '../people.ts';
import { createLittle } from '../sim/law/little.ts';

bindEnvironment();

export const dead = new Error('dead');

/** Every text that Ada can write; nothing else in the system holds `canary`. */
export const canaryOf = (field: string): string => `canary-${field}`;
/** More than a page of the walk. */
const MESSAGES = 60;

type Objects = Map<string, string>;
const bucketOf = (objects: Objects): Deps['bucket'] => ({
  put: async (key, text) => void objects.set(key, text),
  get: async (key) => objects.get(key),
  remove: async (key) => void objects.delete(key),
  list: async (prefix, { after = '', limit }) => {
    const keys = [...objects.keys()].filter((key) => key.startsWith(prefix) && key > after).sort();
    return { objects: keys.slice(0, limit).map((key) => ({ key, modified: undefined })), more: keys.length > limit };
  },
});

const said = async <S, C extends { at: string }, E extends { type: string }, R extends string>(
  deps: Deps,
  aggregate: Parameters<typeof execute<S, C, E, R>>[1],
  execution: Parameters<typeof execute<S, C, E, R>>[2],
): Promise<number> => {
  const done = await execute(deps, aggregate, execution);
  if (isRejection(done)) throw new Error(`it was refused: ${done.rejected}`);
  return done.v;
};

export const conversationWith = (other: UserId): Stream => ({
  ...{ tenant: demo, kind: 'conversation' },
  id: conversationOf(ada, other),
});

const befriend = async (deps: Deps, other: UserId): Promise<void> => {
  const stream: Stream = { tenant: demo, kind: 'pair', id: pairId(ada, other) };
  const like = (by: UserId, about: UserId, note?: string) =>
    said(deps, match, {
      ...{ stream, id: `like-${by}`, by, dedupe: 'state' as const },
      command: { type: 'Like', by, about, at, ...(note && { note }) },
    });
  await like(ada, other, canaryOf(`note-${other}`));
  await like(other, ada);
};

const write = async (deps: Deps, other: UserId, messages: number): Promise<void> => {
  const stream = conversationWith(other);
  for (let n = 1; n <= messages; n++) {
    const by = n % 3 === 0 ? other : ada;
    const text = by === ada ? canaryOf(`text-${other}-${n}`) : `theirs-${other}-${n}`;
    const id = by === ada ? canaryOf(`key-${other}-${n}`) : `key-${n}`;
    const command = { type: 'Send' as const, id: `msg_${other}${n}`, by, text, at };
    await said(deps, conversation, { stream, command, id, by, dedupe: { after: n } });
  }
};

const settle = async (deps: Deps, me: Actor): Promise<void> => {
  const stream: Stream = { tenant: demo, kind: 'person', id: ada };
  const preferences = { kinds: { messages: 'none' as const }, quiet: { from: '21:17', to: '04:44' } };
  const command = { type: 'SetPreferences' as const, person: ada, preferences, at };
  await said(deps, person, { stream, command, id: canaryOf('prefer'), by: ada, dedupe: 'state' });
  await makeAccountToken(deps, me);
  await said(deps, profile, {
    ...{ stream: { ...stream, kind: 'profile' as const }, id: canaryOf('profile'), by: ada, dedupe: 'state' as const },
    command: {
      ...{ type: 'SetProfile' as const, person: ada, at },
      profile: {
        ...{ name: canaryOf('name'), birthDate: '1990-01-01', bio: canaryOf('bio'), photos: [canaryOf('photo')] },
        ...{ attributes: { motto: canaryOf('attribute') }, place: { lat: 52.52, lon: 13.4 } },
        ...{ seeking: { attributes: { town: [canaryOf('seeking')] } } },
        settings: { discoverable: true, presence: true },
      },
    },
  });
  await registerDevice(deps, me, DeviceId.parse(canaryOf('device')), {
    ...{ platform: 'ios', locale: 'de-x-canary', appVersion: 'canary-1' },
    push: { kind: 'apns', value: 'ca4a'.repeat(16), app: 'example.chorus.demo', environment: 'sandbox' },
  });
  const entry = { device: DeviceId.parse(canaryOf('device')), at, what: 'show' as const, decision: 'sent' as const };
  await record(deps, { tenant: demo, person: ada, stream: 'conversation/x', v: 1 }, 'sent', { ...entry, attempt: 0 });
};

export const createStage = async (messages = MESSAGES) => {
  const little = createLittle(() => 1);
  const [parked, exported]: [Objects, Objects] = [new Map(), new Map()];
  const jobs: ErasureJob[] = [];
  const clock = { ms: Date.parse(at) };
  Object.assign(ports, {
    bucket: bucketOf(parked),
    exported: bucketOf(exported),
    now: () => new Date(clock.ms),
    enqueue: async (_url: string, job: object) => void jobs.push(job as ErasureJob),
  });
  const me: Actor = { tenant: demo, user: ada };
  const deps = makeDeps({ read: 0, write: 0 });
  for (const other of [ben, cleo]) {
    await befriend(deps, other);
    await little.stream();
    await write(deps, other, other === ben ? messages : 4);
  }
  await settle(deps, me);
  await little.stream();
  const [item] = little.dynamo.items('memory-events').filter(({ sk, by }) => String(sk).startsWith('v#') && by === ada);
  const { pk, sk } = item ?? {};
  const record_ = { dynamodb: { Keys: imageOf({ pk, sk }), NewImage: imageOf(item ?? {}) } };
  const batch = { requestContext: { functionArn: 'arn' }, payload: { Records: [record_] } };
  parked.set('aws/lambda/batch', JSON.stringify(batch));
  exported.set(`demo/${ada}/old/1.json`, canaryOf('export'));

  /** Everything that there is, as text. */
  const everything = (): string =>
    JSON.stringify([
      ...specs.map(({ name }) => little.dynamo.items(name)),
      ...[...parked, ...exported].map(([key, text]) => ({ key, text })),
    ]);
  /** A process whose calls end after so many. */
  const mortal = (calls: number, when: 'before' | 'after'): { deps: Deps; made: () => number } => {
    let made = 0;
    const call = async <T>(work: () => Promise<T>): Promise<T> => {
      made++;
      if (made > calls || (made === calls && when === 'before')) throw dead;
      const result = await work();
      if (made === calls) throw dead;
      return result;
    };
    const { send, enqueue, bucket, exported: archive } = ports;
    const through = (of: Deps['bucket']): Deps['bucket'] => ({
      put: (...args) => call(() => of.put(...args)),
      get: (...args) => call(() => of.get(...args)),
      remove: (...args) => call(() => of.remove(...args)),
      list: (...args) => call(() => of.list(...args)),
    });
    const mine = makeDeps(
      { read: 0, write: 0 },
      {
        ...ports,
        ...{ bucket: through(bucket), exported: through(archive), log: () => undefined, sleep: async () => undefined },
        send: (command) => call(() => send(command)),
        enqueue: (...args) => call(() => enqueue(...args)),
      },
    );
    return { deps: mine, made: () => made };
  };
  /** All jobs, and what follows from them, until nothing is left to do. */
  const work = async (): Promise<void> => {
    await little.stream();
    for (let job = jobs.shift(); job; job = jobs.shift()) {
      await erase(deps, job);
      await little.stream();
    }
  };
  const items = (table: string) => little.dynamo.items(`memory-${table}`);
  const rowsOf = (table: string) => items(table).filter(({ pk }) => pk === inboxKey(demo, ada));
  return { ...{ little, deps, me, jobs, clock, parked, exported, everything, mortal, work, items, rowsOf } };
};
export type Stage = Awaited<ReturnType<typeof createStage>>;

/** Told to a profile that is there no more, it says nothing. */
const isLate = ({ events }: { events?: unknown }): boolean => canonicalJson(events ?? null).includes('"type":"Judged"');

/** What two ends must have in common, a line for each item: moments and counters may differ. */
export const sameEnd = ({ items }: Stage): string[] =>
  ['events', 'inbox', 'views', 'devices', 'trail'].flatMap((table) =>
    items(table)
      .filter((item) => !isLate(item))
      .map(({ at: _at, redacted: _redacted, begun: _begun, ...item }) => `${table} ${canonicalJson(item)}`),
  );
export { beginErasure };
