/** Runs the template's stream mappings: finds the shards of each stream and reads them, parents before children. */

import type { Dynamo } from '../engine/dynamo.ts';
import type { Model, StreamMapping } from '../model.ts';
import { parkedObject } from './destination.ts';
import { createFilter } from './filter.ts';
import { type Lane, type Shard, type Shared, startLane } from './lane.ts';
import { type StreamRecord, streamArn } from './records.ts';
import { afterPause, onTableWrite } from './wake.ts';

export type Streams = {
  /** Every mapping read everything, at this moment of activity. */
  isQuiet: () => boolean;
  /** Makes the mappings that are not quiet look at once. */
  look: () => void;
  /** Mappings that are behind, for people. */
  busy: () => string[];
  stop: () => Promise<void>;
};

type Options = Shared & {
  model: Pick<Model, 'functions' | 'streams' | 'tables' | 'buckets'>;
  invoke: (functionId: string, event: { Records: StreamRecord[] }) => Promise<unknown>;
  putObject: (bucket: string, key: string, body: string) => Promise<void>;
  onFailure: (mapping: StreamMapping, records: StreamRecord[], error: unknown) => void;
};

type ShardDescription = { ShardId: string; ParentShardId?: string };
type Running = { lane: Lane; ended: boolean };

/** The embedded engine has one shard for ever; others close theirs and open new ones. */
const discoverMilliseconds = 10_000;
/**
 * After a write, before its stream is read; on AWS 125 ms on average. A handler that rings for itself is then done, and
 * the reader finds its work done: at once, both would do the same, and refuse each other's writes.
 */
const settleMilliseconds = 100;
const trimMilliseconds = 60_000;
const maxTrimSteps = 500;
const maxShardPages = 100;

const findStream = async (dynamo: Dynamo, table: string): Promise<string> => {
  type Answer = { Table: { LatestStreamArn: string } };
  return (await dynamo.call<Answer>('DescribeTable', { TableName: table })).Table.LatestStreamArn;
};

const findShards = async (dynamo: Dynamo, StreamArn: string): Promise<ShardDescription[]> => {
  type Answer = { StreamDescription: { Shards: ShardDescription[]; LastEvaluatedShardId?: string } };
  const shards: ShardDescription[] = [];
  let from: string | undefined;
  for (let page = 0; page < maxShardPages; page++) {
    const input = { StreamArn, ...(from && { ExclusiveStartShardId: from }) };
    const { StreamDescription: stream } = await dynamo.call<Answer>('DescribeStream', input);
    shards.push(...stream.Shards);
    from = stream.LastEvaluatedShardId;
    if (!from) break;
  }
  return shards;
};

type Mapping = {
  lanes: () => Lane[];
  /** A shard has ended, and its children are not read yet. */
  isTurning: () => boolean;
  discover: () => Promise<void>;
  stop: () => Promise<void>;
};

/** What a lane needs to know of its mapping. */
const describeMapping = (options: Options, mapping: StreamMapping): Omit<Shard, 'engineArn' | 'arn' | 'shardId'> => {
  const { model, invoke, putObject, onFailure } = options;
  const functionName = model.functions[mapping.functionId]?.name ?? mapping.functionId;
  const bucket = model.buckets[mapping.bucketId]?.name ?? mapping.bucketId;
  return {
    mapping,
    table: model.tables[mapping.tableId]?.name ?? mapping.tableId,
    accepts: createFilter(mapping.filters, mapping.id),
    hooks: {
      invoke: (Records) => invoke(mapping.functionId, { Records }),
      failed: (records, error) => onFailure(mapping, records, error),
      giveUp: async (shardId, records, condition, invocations) => {
        const batch = { records, condition, invocations, mappingId: mapping.id, functionName, shardId };
        const { key, body } = parkedObject(batch, new Date());
        await putObject(bucket, key, body);
      },
    },
  };
};

/** One mapping: a lane for each shard whose parent is read to its end. */
const runMapping = (options: Options, mapping: StreamMapping): Mapping => {
  const { dynamo } = options.engine;
  const described = describeMapping(options, mapping);
  const running = new Map<string, Running>();
  let stopping = false;
  let turning = 0;

  const start = (engineArn: string, shardId: string): void => {
    const lane = startLane(options, { ...described, engineArn, arn: streamArn(described.table, engineArn), shardId });
    const entry = { lane, ended: false };
    running.set(shardId, entry);
    void lane.ended.then(async () => {
      turning++;
      entry.ended = true;
      // Its children's turn. What fails here is tried again by the clock.
      if (!stopping) await discover().catch(() => undefined);
      turning--;
    });
  };
  const discover = async (): Promise<void> => {
    const engineArn = await findStream(dynamo, described.table);
    const shards = await findShards(dynamo, engineArn);
    const listed = new Set(shards.map(({ ShardId }) => ShardId));
    for (const { ShardId, ParentShardId } of shards) {
      const waits = ParentShardId !== undefined && listed.has(ParentShardId) && !running.get(ParentShardId)?.ended;
      if (!running.has(ShardId) && !waits && !stopping) start(engineArn, ShardId);
    }
  };
  const lanes = (): Lane[] => [...running.values()].filter(({ ended }) => !ended).map(({ lane }) => lane);
  return {
    lanes,
    isTurning: () => turning > 0,
    discover,
    stop: async () => {
      stopping = true;
      for (const lane of lanes()) lane.stop();
      await Promise.all(lanes().map(({ ended }) => ended));
    },
  };
};

/** Deletes what every reader of a table has read, in steps that let others run in between. */
const trimTables = async ({ engine, model }: Options, mappings: Mapping[]): Promise<void> => {
  for (const [tableId, { name }] of Object.entries(model.tables)) {
    const readers = mappings.filter((_mapping, index) => model.streams[index]?.tableId === tableId);
    const positions = readers.flatMap(({ lanes }) => lanes().map((lane) => BigInt(lane.position() ?? 0)));
    if (positions.length === 0) continue;
    const read = positions.reduce((least, each) => (each < least ? each : least));
    for (let step = 0; step < maxTrimSteps && engine.trim(name, read + 1n) > 0; step++) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
};

/** Starts reading. Resolves when every mapping found its stream. */
export const startStreams = async (options: Options): Promise<Streams> => {
  const { model, activity, engine } = options;
  const mappings = model.streams.map((mapping) => runMapping(options, mapping));
  await Promise.all(mappings.map(({ discover }) => discover()));
  const lanes = (): Lane[] => mappings.flatMap((mapping) => mapping.lanes());
  const wake = afterPause(() => {
    for (const lane of lanes()) lane.wake();
  }, settleMilliseconds);
  const unsubscribe = onTableWrite(wake.request);
  const ours = engine.pid() !== undefined;
  const upkeep = ours
    ? setInterval(() => void trimTables(options, mappings), trimMilliseconds)
    : setInterval(() => void Promise.allSettled(mappings.map(({ discover }) => discover())), discoverMilliseconds);
  const isBehind = (lane: Lane): boolean => lane.quietAt() !== activity.now();
  return {
    look: () => {
      for (const lane of lanes().filter(isBehind)) lane.wake();
    },
    isQuiet: () => !mappings.some(({ isTurning }) => isTurning()) && !lanes().some(isBehind),
    busy: () => model.streams.filter((_each, index) => mappings[index]?.lanes().some(isBehind)).map(({ id }) => id),
    stop: async () => {
      clearInterval(upkeep);
      unsubscribe();
      wake.forget();
      await Promise.all(mappings.map((mapping) => mapping.stop()));
    },
  };
};
