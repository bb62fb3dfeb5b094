/** All records of a table's stream in the embedded engine. */
import type { Dynamo } from '../../../../local/engine/dynamo.ts';
import type { RawRecord } from '../../../../local/triggers/records.ts';

type Page = { Records: RawRecord[]; NextShardIterator?: string };

const readShard = async (dynamo: Dynamo, StreamArn: string, ShardId: string): Promise<RawRecord[]> => {
  const start = { StreamArn, ShardId, ShardIteratorType: 'TRIM_HORIZON' };
  const records: RawRecord[] = [];
  let { ShardIterator } = await dynamo.call<{ ShardIterator?: string }>('GetShardIterator', start);
  while (ShardIterator) {
    const page: Page = await dynamo.call<Page>('GetRecords', { ShardIterator });
    records.push(...page.Records);
    // An open shard never ends: it only has nothing more to say.
    ShardIterator = page.Records.length > 0 ? page.NextShardIterator : undefined;
  }
  return records;
};

/** From the first to the last. The engine has one shard. */
export const readStream = async (dynamo: Dynamo, table: string): Promise<RawRecord[]> => {
  type Described = { Table: { LatestStreamArn: string } };
  const { Table } = await dynamo.call<Described>('DescribeTable', { TableName: table });
  const StreamArn = Table.LatestStreamArn;
  type Shards = { StreamDescription: { Shards: { ShardId: string }[] } };
  const { StreamDescription } = await dynamo.call<Shards>('DescribeStream', { StreamArn });
  const shards = StreamDescription.Shards.map(({ ShardId }) => readShard(dynamo, StreamArn, ShardId));
  return (await Promise.all(shards)).flat();
};
