/** One table, its stream and a function of the test's own, on the real engine in a folder of its own. */
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { createActivity } from '../../local/activity.ts';
import { createDrain } from '../../local/drain.ts';
import { type Engine, startEngine } from '../../local/engine/engine.ts';
import { ensureTables } from '../../local/engine/tables.ts';
import type { Model, StreamMapping } from '../../local/model.ts';
import { openCheckpoints } from '../../local/triggers/checkpoints.ts';
import { type StreamRecord, sequenceOf } from '../../local/triggers/records.ts';
import { startStreams } from '../../local/triggers/streams.ts';

type Handler = (records: StreamRecord[]) => unknown;
type Parked = { key: string; object: Record<string, Record<string, unknown>> & { payload: string } };

export type World = {
  engine: Engine;
  /** So many attempts to park fail first. */
  failures: { parking: number };
  /** The names (sort keys) of each call, in the order of the calls. */
  calls: string[][];
  parked: Parked[];
  put: (name: string, more?: Record<string, unknown>) => Promise<unknown>;
  drain: () => Promise<void>;
  stop: () => Promise<void>;
};

const nothing = { isQuiet: () => true, busy: () => [] };
const mapping: StreamMapping = {
  id: 'EventsToFunction',
  functionId: 'Function',
  tableId: 'Events',
  batchSize: 100,
  filters: [],
  bisect: true,
  retries: 5,
  maxAgeSeconds: 3600,
  partialResponse: true,
  bucketId: 'Parked',
};

export const modelOf = (
  change: Partial<StreamMapping>,
): Pick<Model, 'functions' | 'streams' | 'tables' | 'buckets'> => ({
  functions: { Function: { name: 'Function', entry: 'none', timeoutSeconds: 5 } },
  streams: [{ ...mapping, ...change }],
  tables: {
    Events: {
      name: 'Events',
      keys: [
        { attribute: 'pk', role: 'HASH', type: 'S' },
        { attribute: 'sk', role: 'RANGE', type: 'S' },
      ],
      streamView: 'NEW_AND_OLD_IMAGES',
    },
  },
  buckets: { Parked: { name: 'parked' } },
});

export const nameOf = ({ dynamodb }: StreamRecord): string => (dynamodb.Keys.sk as { S: string }).S;
export const failing = (records: StreamRecord[]) => ({
  batchItemFailures: records.map((record) => ({ itemIdentifier: sequenceOf(record) })),
});

/** Reads the stream with `handler` as the function; `before` may write what must be there when reading starts. */
export const openWorld = async (
  folder: string,
  handler: Handler,
  change: Partial<StreamMapping> = {},
  before: (put: World['put']) => Promise<unknown> = async () => undefined,
): Promise<World> => {
  const engine = await startEngine(folder, {}, () => undefined);
  const model = modelOf(change);
  await ensureTables(engine.dynamo, model);
  const put: World['put'] = (name, more = {}) =>
    engine.dynamo.call('PutItem', { TableName: 'Events', Item: { pk: { S: 'p' }, sk: { S: name }, ...more } });
  await before(put);

  const activity = createActivity();
  const checkpoints = openCheckpoints(join(folder, 'checkpoints.json'));
  const calls: string[][] = [];
  const parked: Parked[] = [];
  const failures = { parking: 0 };
  const streams = await startStreams({
    ...{ engine, activity, checkpoints, model },
    onNote: () => undefined,
    onFailure: () => undefined,
    // Only a write may wake a reader here: tests that rest on polling would be slow and hide that.
    pollMilliseconds: 60_000,
    putObject: async (_bucket, key, body) => {
      if (failures.parking-- > 0) throw new Error('no bucket');
      parked.push({ key, object: JSON.parse(body) });
    },
    invoke: async (_id, { Records }) => {
      activity.begin();
      calls.push(Records.map(nameOf));
      try {
        return await handler(Records);
      } finally {
        activity.end();
      }
    },
  });
  let stopped: Promise<void> | undefined;
  const stopAll = async (): Promise<void> => {
    await streams.stop();
    await checkpoints.flush();
    await engine.stop();
  };
  const stop = (): Promise<void> => {
    stopped ??= stopAll();
    return stopped;
  };
  onTestFinished(stop);
  const drain = createDrain({ activity, streams, consumers: nothing, outside: { idle: () => true } });
  return { engine, failures, calls, parked, put, drain, stop };
};
