/** Streams of other engines than the embedded one: shards that close and have children. */
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createActivity } from '../../local/activity.ts';
import { createDrain } from '../../local/drain.ts';
import { type Dynamo, DynamoError } from '../../local/engine/dynamo.ts';
import { openCheckpoints } from '../../local/triggers/checkpoints.ts';
import { startStreams } from '../../local/triggers/streams.ts';
import { folder } from './stage.ts';
import { modelOf, nameOf } from './world.ts';

type Input = { ShardId: string; ShardIterator: string; ShardIteratorType: string };
const shards = [
  { ShardId: 'child', ParentShardId: 'parent' },
  { ShardId: 'parent', ParentShardId: 'long-gone' },
];
const recordsOf: Record<string, string[]> = { parent: ['a', 'b', 'c'], child: ['d', 'e'] };
const closed = new Set(['parent']);

/** Iterators are `shard:index`; the first one of each shard has expired already. */
const createFake = (asked: string[]): Dynamo => {
  const expired = new Set<string>();
  const read = (iterator: string): unknown => {
    const [shard = '', from = ''] = iterator.split(':');
    if (!expired.has(shard)) {
      expired.add(shard);
      throw new DynamoError('ExpiredIteratorException', 'too late');
    }
    const names = recordsOf[shard] ?? [];
    const index = Number(from);
    const Records = names.slice(index, index + 2).map((name, offset) => ({
      eventName: 'INSERT',
      dynamodb: {
        Keys: { sk: { S: name } },
        SequenceNumber: String(index + offset + 1),
        ApproximateCreationDateTime: Date.now() / 1000,
      },
    }));
    const next = index + Records.length;
    return { Records, ...(!(closed.has(shard) && next === names.length) && { NextShardIterator: `${shard}:${next}` }) };
  };
  const answers: Record<string, (input: Input) => unknown> = {
    DescribeTable: () => ({ Table: { LatestStreamArn: 'arn:x/stream/label' } }),
    DescribeStream: () => ({ StreamDescription: { Shards: shards } }),
    GetShardIterator: ({ ShardId, ShardIteratorType }) => {
      asked.push(`${ShardId} ${ShardIteratorType}`);
      return { ShardIterator: `${ShardId}:0` };
    },
    GetRecords: ({ ShardIterator }) => read(ShardIterator),
  };
  return { call: async (operation, input) => answers[operation]?.(input as Input) as never, close: () => undefined };
};

test('a child shard is read after its parent is, which is read to its end, also when iterators expire', async () => {
  const activity = createActivity();
  const calls: string[][] = [];
  const asked: string[] = [];
  const engine = {
    ...{ endpoint: 'fake', dynamo: createFake(asked), pid: () => undefined, stop: async () => undefined },
    ...{ head: () => undefined, trim: () => 0 },
  };
  const streams = await startStreams({
    ...{ engine, activity, model: modelOf({ batchSize: 2 }), checkpoints: openCheckpoints(join(folder(), 'c.json')) },
    onNote: () => undefined,
    onFailure: () => undefined,
    putObject: async () => undefined,
    invoke: async (_id, { Records }) => {
      activity.begin();
      calls.push(Records.map(nameOf));
      activity.end();
    },
  });
  onTestFinished(() => streams.stop());
  const idle = { isQuiet: () => true, busy: () => [] };
  await createDrain({ activity, streams, consumers: idle, outside: { idle: () => true } })();
  expect(calls).toEqual([['a', 'b'], ['c'], ['d', 'e']]);
  expect(asked).toEqual(['parent TRIM_HORIZON', 'parent TRIM_HORIZON', 'child TRIM_HORIZON', 'child TRIM_HORIZON']);
});
