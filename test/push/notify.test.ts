/** What a pointer's move becomes: a job for each version and device, and a word of what is left out. */
import type { DynamoDBRecord } from 'aws-lambda';
import { beforeAll, expect, test } from 'vitest';
import { ports } from '../../core/deps.ts';
import { DeviceId } from '../../core/ids.ts';
import { handler } from '../../functions/push/notify.stream.ts';
import { toStreamRecord } from '../../local/triggers/records.ts';
import { bindEnvironment, inbox } from '../memory.ts';
import { ben, demo, phone } from '../people.ts';
import { recordOf } from '../sim/dynamo/record.ts';
import { createStage, START } from './stage.ts';

beforeAll(bindEnvironment);

const tablet = DeviceId.parse('tablet');

/** Ben's pointer moved from nowhere to where it is after so many messages. */
const jump = async (messages: number) => {
  const stage = await createStage();
  await stage.register(phone, 'phone');
  await stage.register(tablet, 'tablet');
  await stage.deps.ddb.update({
    TableName: stage.deps.env.DEVICES_TABLE,
    Key: { pk: `${demo}#person#${ben}`, sk: `device#${tablet}` },
    UpdateExpression: 'REMOVE #push',
    ExpressionAttributeNames: { '#push': 'push' },
  });
  for (let i = 0; i < messages; i++) await stage.say(`${i}`);
  const key = { pk: `${demo}#person#${ben}`, sk: `conversation#${stage.stream.id}` };
  const after = await stage.deps.ddb.get({ TableName: inbox.name, Key: key, ConsistentRead: true });
  const { now, random, bucket, log, enqueue } = stage.deps;
  Object.assign(ports, { now, random, bucket, log, enqueue });
  const write = { table: inbox.name, ...key, seq: 1, before: undefined, after };
  const record = toStreamRecord(recordOf(write, inbox, START / 1000), 'arn:inbox') as DynamoDBRecord;
  for (let times = 0; times < 2; times++)
    expect((await handler({ Records: [record] }, { functionName: 'test' } as never)).batchItemFailures).toEqual([]);
  return stage;
};

test('a jump of 20 is decided of version by version', async () => {
  const { queued, trail } = await jump(19);
  expect(queued.map(({ job }) => job.v)).toEqual([...Array(20).keys(), ...Array(20).keys()].map((i) => i + 1));
  expect(await trail(1)).toEqual([]);
});
test('a longer one by its newest 20; of what is left out one record says so, once, to each device with an address', async () => {
  const { queued, trail, name, log } = await jump(24);
  expect(Math.min(...queued.map(({ job }) => job.v))).toBe(6);
  expect(await trail(5)).toMatchObject([
    { device: phone, decision: 'skipped', reason: 'only the newest of many', into: `${name.replace('/', ':')}@6` },
  ]);
  expect(await trail(4)).toEqual([]);
  expect(log.find(({ msg }) => msg === 'no push')?.devices).toEqual([tablet]);
});
