/** A cloud with a database, people, and everything that watches them. */
import { forgetAll } from '../../core/lru.ts';
import { type Cloud, createCloud } from './cloud.ts';
import type { Device } from './device.ts';
import { createDynamo, type Dynamo } from './dynamo/dynamo.ts';
import type { Faults } from './faults.ts';
import { createHistory, type History } from './history.ts';
import { type Cast, drawCast, fixedCast } from './people.ts';
import { createDice } from './random.ts';
import { type Raw, watchRaw } from './raw.ts';
import type { Loaded } from './template.ts';
import { watchPushes, watchWrites } from './watch.ts';

export type World = {
  seed: number;
  scripted: boolean;
  cloud: Cloud;
  raw: Raw;
  history: History;
  cast: Cast;
  /** The devices of the cast, once they live. */
  people: Device[];
  /** Streams that nobody can read. */
  poisoned: string[];
  count: { steps: number; ops: number };
  /** When a write happened, by its number. */
  timeOf: (seq: number) => number;
};

export type WorldOptions = {
  seed: number;
  faults: Faults;
  tenants: string[];
  scripted?: boolean;
  /** Somebody is suspended and reinstated. */
  moderated?: boolean;
  keep?: number;
  /** Shared with other worlds. */
  dynamo?: Dynamo;
};

export const tenantsOf = (seed: number): string[] =>
  createDice(seed, 'tenants').chance(0.3) ? ['demo', 'aurora'] : ['demo'];

export const createDatabase = ({ model }: Loaded): Dynamo =>
  createDynamo(
    Object.values(model.tables).map(({ name, streamView }) => ({ name, ...(streamView ? { streamView } : {}) })),
  );

/** Something that nobody can read lies in the events of some runs. */
const poison = (cloud: Cloud, table: string): string[] => {
  const [tenant] = cloud.tenants;
  if (!cloud.dice.chance(0.2)) return [];
  const key = { pk: `${tenant}#pair#poison+poison`, sk: 'v#11' };
  cloud.scheduler.after(cloud.dice.below(5000), {
    what: 'poison',
    run: () => cloud.dynamo.force(table, key, { ...key, kind: 'pair', v: 1, poison: true }),
  });
  return [key.pk];
};

export const createWorld = (loaded: Loaded, options: WorldOptions): World => {
  const { seed, faults, tenants, scripted = false, moderated = false, keep = 50 } = options;
  const { env } = loaded.model;
  forgetAll();
  const dynamo = options.dynamo ?? createDatabase(loaded);
  const raw = watchRaw(dynamo, {
    events: String(env.EVENTS_TABLE),
    inbox: String(env.INBOX_TABLE),
    views: String(env.VIEWS_TABLE),
    devices: String(env.DEVICES_TABLE),
    trail: String(env.TRAIL_TABLE),
    transactions: String(env.TRANSACTIONS_TABLE),
  });
  const count = { steps: 0, ops: 0 };
  const counted: Dynamo = {
    ...dynamo,
    send: (...args) => {
      count.ops++;
      return dynamo.send(...args);
    },
  };
  const times = new Map<number, number>();
  const now = () => ({ began: cloud.scheduler.now(), seq: dynamo.writes.length });
  const pushes = watchPushes(raw, now, (what) => cloud.violation(what));
  const cloud: Cloud = createCloud({
    ...{ loaded, seed, name: 'cloud', tenants, faults, dynamo: counted, onPush: pushes.onPush, fifo: scripted, keep },
    moderated,
  });
  dynamo.onWrite(({ seq }) => times.set(seq, cloud.scheduler.now()));
  cloud.functions.onStart(pushes.onStart);
  watchWrites(cloud, raw);
  return {
    ...{ seed, scripted, cloud, raw, history: createHistory(), count, people: [] },
    cast: scripted ? fixedCast : tenants.flatMap((tenant) => drawCast(seed, tenant)),
    poisoned: scripted ? [] : poison(cloud, String(env.EVENTS_TABLE)),
    timeOf: (seq) => times.get(seq) ?? 0,
  };
};
