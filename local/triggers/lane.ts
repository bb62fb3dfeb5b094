/** Reads one shard of a stream for one mapping, in order, one batch at a time. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Activity } from '../activity.ts';
import { DynamoError } from '../engine/dynamo.ts';
import type { Engine } from '../engine/engine.ts';
import type { StreamMapping } from '../model.ts';
import { deliver, type Hooks } from './batch.ts';
import type { Checkpoints } from './checkpoints.ts';
import { type RawRecord, type StreamRecord, sequenceOf, toStreamRecord } from './records.ts';
import { createLatch } from './wake.ts';

/** What all lanes share. */
export type Shared = {
  engine: Engine;
  activity: Activity;
  checkpoints: Checkpoints;
  onNote: (sentence: string) => void;
  /** Between looks that nothing woke. */
  pollMilliseconds?: number;
};

export type Shard = {
  mapping: StreamMapping;
  table: string;
  /** The engine's own ARN, for its API. */
  engineArn: string;
  /** As functions shall see it. */
  arn: string;
  shardId: string;
  accepts: (record: StreamRecord) => boolean;
  hooks: Pick<Hooks, 'invoke' | 'failed'> & {
    giveUp: (shardId: string, ...args: Parameters<Hooks['giveUp']>) => Promise<void>;
  };
};

export type Lane = {
  wake: () => void;
  /** Was everything read at this moment of activity? */
  quietAt: () => number;
  /** The last sequence number that is done; undefined before the first. */
  position: () => string | undefined;
  stop: () => void;
  /** Resolves when stopped, or when the shard is closed and read to its end. */
  ended: Promise<void>;
};

/** On AWS four times a second; here only for writes that this process did not make itself. */
const defaultPollMilliseconds = 250;
/** More than this the engine reads no faster. */
const maxRead = 1_000;
const firstBackoffMilliseconds = 20;
const maxBackoffMilliseconds = 1_000;
const backoff = (failures: number): number =>
  Math.min(maxBackoffMilliseconds, firstBackoffMilliseconds * 2 ** (failures - 1));

type Page = { Records: RawRecord[]; NextShardIterator?: string };
/** So many failures in a row are no hiccup of an engine that starts again. */
const notedFailures = 5;

const createReader = ({ engine }: Shared, { engineArn, shardId, mapping }: Shard) => {
  let iterator: string | undefined;
  const open = async (after: string | undefined): Promise<string> => {
    const from = after
      ? { ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', SequenceNumber: after }
      : { ShardIteratorType: 'TRIM_HORIZON' };
    const input = { StreamArn: engineArn, ShardId: shardId, ...from };
    return (await engine.dynamo.call<{ ShardIterator: string }>('GetShardIterator', input)).ShardIterator;
  };
  return {
    /** @param after where to begin when there is no iterator to go on with */
    read: async (after: string | undefined): Promise<{ records: RawRecord[]; closed: boolean }> => {
      const current = iterator ?? (await open(after));
      iterator = undefined;
      const input = { ShardIterator: current, Limit: Math.min(mapping.batchSize, maxRead) };
      const page = await engine.dynamo.call<Page>('GetRecords', input);
      iterator = page.NextShardIterator;
      return { records: page.Records, closed: iterator === undefined };
    },
    forget: () => {
      iterator = undefined;
    },
  };
};

/** A lane at work. */
type Self = Shared &
  Shard & { position: string | undefined; quietAt: number; stopping: boolean } & {
    latch: ReturnType<typeof createLatch>;
    reader: ReturnType<typeof createReader>;
  };

const keyOf = ({ mapping, arn, shardId }: Shard): string => `${mapping.id} ${arn} ${shardId}`;

const advance = (self: Self, record: RawRecord | StreamRecord): void => {
  self.position = sequenceOf(record);
  self.checkpoints.set(keyOf(self), self.position);
};

/** Sure that there is nothing new, without asking. */
const isUpToDate = ({ engine, table, position }: Self): boolean => {
  const head = engine.head(table);
  return head !== undefined && head <= BigInt(position ?? 0);
};

const deliverPage = async (self: Self, raw: RawRecord[]): Promise<void> => {
  const { mapping, arn, shardId, accepts, hooks } = self;
  const records = raw.flatMap((each) => toStreamRecord(each, arn) ?? []).filter(accepts);
  await deliver(records, mapping, {
    ...hooks,
    giveUp: (...args) => hooks.giveUp(shardId, ...args),
    checkpoint: (record) => advance(self, record),
    pause: (retry) => sleep(backoff(retry)),
    stopping: () => self.stopping,
    now: Date.now,
  });
  const last = raw.at(-1);
  if (last && !self.stopping) advance(self, last);
};

/** One look. @returns whether the shard has come to its end */
const step = async (self: Self): Promise<boolean> => {
  const { activity, reader, latch, pollMilliseconds = defaultPollMilliseconds } = self;
  const seen = activity.now();
  const { records, closed } = isUpToDate(self) ? { records: [], closed: false } : await reader.read(self.position);
  if (records.length > 0) await deliverPage(self, records);
  else {
    // Only news is told: whoever waits for quiet looks again at every change.
    const isNews = self.quietAt !== seen;
    self.quietAt = seen;
    if (isNews) activity.changed();
    if (!closed) await latch.wait(pollMilliseconds);
  }
  return closed;
};

const run = async (self: Self): Promise<void> => {
  const { mapping, reader, latch, onNote } = self;
  for (let failures = 0; !self.stopping; ) {
    try {
      if (await step(self)) return;
      failures = 0;
    } catch (error) {
      reader.forget();
      failures++;
      if (error instanceof DynamoError && error.code === 'TrimmedDataAccessException') self.position = undefined;
      if (failures === notedFailures)
        onNote(`${mapping.id} is stuck: ${error instanceof Error ? error.message : error}`);
      await latch.wait(backoff(failures));
    }
  }
};

export const startLane = (shared: Shared, shard: Shard): Lane => {
  const self: Self = {
    ...shared,
    ...shard,
    position: shared.checkpoints.get(keyOf(shard)),
    quietAt: -1,
    stopping: false,
    latch: createLatch(),
    reader: createReader(shared, shard),
  };
  return {
    wake: self.latch.open,
    quietAt: () => self.quietAt,
    position: () => self.position,
    stop: () => {
      self.stopping = true;
      self.latch.open();
    },
    ended: run(self),
  };
};
