/** Batches that a function gave up on lie in the bucket as Lambda writes them; the schedule gives them to it again. */
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { describe, expect, test } from 'vitest';
import { handler } from '../functions/redrive.schedule.ts';
import { useWorld } from './world.ts';

const world = useWorld();
const bucket = () => ({ s3: new S3Client({ forcePathStyle: true }), Bucket: world().env.PARKED_BUCKET ?? '' });

const lay = async (name: string, functionName: string, records: unknown[]): Promise<string> => {
  const { s3, Bucket } = bucket();
  const Key = `aws/lambda/mapping/shard/2026/01/01/${name}`;
  const functionArn = `arn:aws:lambda:us-east-1:000000000000:function:${functionName}`;
  const requestContext = {
    requestId: 'r',
    functionArn,
    condition: 'RetryAttemptsExhausted',
    approximateInvokeCount: 6,
  };
  const Body = JSON.stringify({ requestContext, version: '1.0', payload: JSON.stringify({ Records: records }) });
  await s3.send(new PutObjectCommand({ Bucket, Key, Body }));
  return Key;
};
const keys = async (): Promise<string[]> => {
  const { s3, Bucket } = bucket();
  return ((await s3.send(new ListObjectsV2Command({ Bucket }))).Contents ?? []).map(({ Key = '' }) => Key);
};
const redrive = () =>
  handler({ time: '2026-01-01T00:00:00Z' }, { functionName: 'redrive' } as Parameters<typeof handler>[1]);
const record = (pk: string, image: object) => ({
  eventID: '1',
  eventName: 'INSERT',
  dynamodb: { SequenceNumber: '1', Keys: { pk: { S: pk }, sk: { S: 'v#11' } }, NewImage: image },
});

describe('a failed batch', () => {
  test('is given to its function again and is gone when that succeeds', async () => {
    const key = await lay('good', 'SyncDeliverStream', []);
    await redrive();
    expect(await keys()).not.toContain(key);
    expect(world().log.filter(({ msg, key: about }) => msg === 'redriven' && about === key)).toHaveLength(1);
  });
  test('leaves what can not be decoded parked, and is gone too', async () => {
    const key = await lay('poison', 'SyncDeliverStream', [
      record('demo#conversation#cnv_x', { kind: { S: 'nonsense' } }),
    ]);
    await redrive();
    expect(await keys()).not.toContain(key);
    const [parked] = (await keys()).filter((each) => each.startsWith('parked/') && each.includes('cnv_x'));
    const { s3, Bucket } = bucket();
    const object = await s3.send(new GetObjectCommand({ Bucket, Key: parked }));
    expect(JSON.parse((await object.Body?.transformToString()) ?? '')).toMatchObject({
      from: 'sync/deliver',
      reason: expect.stringContaining('audience'),
    });
  });
  test('stays when the function fails again, wholly or in part', async () => {
    const unknown = await lay('unknown', 'NoSuchFunction', []);
    const failing = await lay('failing', 'SyncDeliverStream', [{ eventName: 'INSERT', dynamodb: {} }]);
    await expect(redrive(), 'the alarm hears of it').rejects.toThrow('2 batches failed again');
    expect(await keys()).toEqual(expect.arrayContaining([unknown, failing]));
  });
});
