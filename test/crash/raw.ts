/** What is really in the tables: every item, read and decoded here and not by the product. */
import { type AttributeValue, DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb';
import { ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { z } from 'zod';

const Event = z.looseObject({ type: z.string() });
const Commit = z.object({
  pk: z.string(),
  sk: z.string(),
  v: z.int(),
  command: z.string(),
  events: z.array(Event),
  state: z.looseObject({}),
  audience: z.array(z.string()),
  count: z.int(),
});
export type Commit = z.infer<typeof Commit>;
const Pointer = z.looseObject({ pk: z.string(), sk: z.string(), person: z.string(), v: z.int(), count: z.int() });
export type Pointer = z.infer<typeof Pointer>;

export type Raw = {
  /** Commits by stream (its partition key), in the order of their versions. */
  streams: Map<string, Commit[]>;
  /** Partition keys of receipts. */
  receipts: string[];
  pointers: Pointer[];
  /** Sort keys of the matches' view by partition key. */
  matches: Map<string, string[]>;
  /** Keys of objects in the bucket for what could not be processed. */
  parked: string[];
};

const client = { region: 'eu-west-1', credentials: { accessKeyId: 'local', secretAccessKey: 'local' } };

const scan = async (endpoint: string, TableName: string): Promise<Record<string, unknown>[]> => {
  const dynamo = new DynamoDBClient({ ...client, endpoint });
  const items: Record<string, unknown>[] = [];
  let start: Record<string, AttributeValue> | undefined;
  do {
    const page = await dynamo.send(new ScanCommand({ TableName, ConsistentRead: true, ExclusiveStartKey: start }));
    items.push(...(page.Items ?? []).map((item) => unmarshall(item)));
    start = page.LastEvaluatedKey;
  } while (start);
  dynamo.destroy();
  return items;
};

const listParked = async (endpoint: string, Bucket: string): Promise<string[]> => {
  const s3 = new S3Client({ ...client, endpoint, forcePathStyle: true });
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket }));
  s3.destroy();
  return Contents.map(({ Key }) => String(Key));
};

const text = (item: Record<string, unknown>, name: 'pk' | 'sk'): string => String(item[name]);

/** @param env of the functions: names of tables and addresses */
export const readRaw = async (env: Record<string, string>): Promise<Raw> => {
  const { AWS_ENDPOINT_URL_DYNAMODB: dynamo = '', AWS_ENDPOINT_URL_S3: s3 = '' } = env;
  const { EVENTS_TABLE = '', INBOX_TABLE = '', VIEWS_TABLE = '', PARKED_BUCKET = '' } = env;
  const events = await scan(dynamo, EVENTS_TABLE);
  const commits = events.filter((item) => text(item, 'sk').startsWith('v#')).map((item) => Commit.parse(item));
  const listed = (await scan(dynamo, VIEWS_TABLE)).filter((item) => text(item, 'sk').startsWith('match#'));
  return {
    streams: Map.groupBy(
      commits.sort((a, b) => a.v - b.v),
      ({ pk }) => pk,
    ),
    receipts: events.filter((item) => text(item, 'sk').startsWith('c#')).map((item) => text(item, 'pk')),
    pointers: (await scan(dynamo, INBOX_TABLE)).map((item) => Pointer.parse(item)),
    matches: new Map(
      [...Map.groupBy(listed, (item) => text(item, 'pk'))].map(([pk, rows]) => [
        pk,
        rows.map((row) => text(row, 'sk')),
      ]),
    ),
    parked: await listParked(s3, PARKED_BUCKET),
  };
};
