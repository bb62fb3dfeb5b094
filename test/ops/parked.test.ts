/** `npm run ops -- parked`: what could not be processed is listed, shown, given to its function again, or dropped. */
import { DynamoDBClient, PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { marshall } from '@aws-sdk/util-dynamodb';
import { beforeEach, describe, expect, test } from 'vitest';
import { type Json, useWorld } from '../world.ts';
import { ops, opsJson } from './ops.ts';

const world = useWorld();
const bucket = () => ({ s3: new S3Client({ forcePathStyle: true }), Bucket: world().env.PARKED_BUCKET ?? '' });
const keys = async (Prefix = ''): Promise<string[]> => {
  const { s3, Bucket } = bucket();
  return ((await s3.send(new ListObjectsV2Command({ Bucket, Prefix }))).Contents ?? []).map(({ Key = '' }) => Key);
};
const object = async (Key: string): Promise<Json> => {
  const { s3, Bucket } = bucket();
  return JSON.parse((await (await s3.send(new GetObjectCommand({ Bucket, Key }))).Body?.transformToString()) ?? '');
};
const put = async (Key: string, body: object | string): Promise<void> => {
  const { s3, Bucket } = bucket();
  const Body = typeof body === 'string' ? body : JSON.stringify(body);
  await s3.send(new PutObjectCommand({ Bucket, Key, Body }));
};
const store = (Item: Json) =>
  new DynamoDBClient({}).send(new PutItemCommand({ TableName: world().env.EVENTS_TABLE, Item: marshall(Item) }));

/** A second commit of a real conversation, which can't be decoded for want of its audience; parked by now. */
const poisoned = async (prefix: string) => {
  const { a, b, conversationId } = await world().matched(`${prefix}-ada`, `${prefix}-ben`);
  await world().drain();
  const [stream, at] = [`conversation/${conversationId}`, '2026-01-01T00:00:00.000Z'];
  const events = [{ type: 'Sent', id: 'msg_x', number: 1, by: a.user, text: 'a secret', at }];
  const item = {
    ...{ pk: `demo#conversation#${conversationId}`, sk: 'v#12', kind: 'conversation', v: 2, command: `${a.user}/k` },
    ...{ asked: '', by: a.user, at, events, reducer: 1, count: 1 },
    state: { status: 'open', members: [a.user, b.user].sort(), messages: 1 },
  };
  await store(item);
  await world().logged(({ msg, key }) => msg === 'parked' && key === `${item.pk}|${item.sk}`);
  const mend = () => store({ ...item, audience: [a.user, b.user] });
  return { a, b, stream, mend, key: `sync/deliver/${encodeURIComponent(`${item.pk}|${item.sk}`)}` };
};
const empty = async (): Promise<void> => {
  for (const { key } of (await opsJson(world(), 'parked', 'list')).json.parked)
    await ops(world(), 'parked', 'drop', key, '--reason', 'the test is over');
};
beforeEach(empty);

describe('a record that can not be decoded', () => {
  test('is listed with what, since when, why and how often, and shown', async () => {
    const { stream, key } = await poisoned('l');
    const { status, json } = await opsJson(world(), 'parked', 'list');
    expect([status, json]).toEqual([
      0,
      {
        parked: [
          {
            ...{ key, kind: 'record', from: 'sync/deliver', what: `${stream}@2 of demo`, times: 1 },
            ...{ since: expect.stringMatching(/^20.*Z$/), reason: expect.stringContaining('audience') },
          },
        ],
        waiting: 0,
      },
    ]);
    const table = await ops(world(), 'parked', 'list');
    expect(table.out).toMatch(/^key +kind +from +what +since +times +reason\n/);
    expect(table.out).toContain(`${key}  record  sync/deliver  ${stream}@2 of demo  `);
    const shown = await ops(world(), 'parked', 'show', key);
    expect([shown.status, shown.err]).toEqual([0, '']);
    expect(shown.out).toContain(`what     ${stream}@2 of demo\n`);
    expect(shown.out + table.out).not.toContain('secret');
  });

  test('is given to its function again as it is now, and leaves when that went well', async () => {
    const { b, stream, mend, key } = await poisoned('r');
    const wouldBe = await ops(world(), 'parked', 'retry', key, '--dry-run');
    expect([wouldBe.status, wouldBe.out]).toEqual([0, expect.stringContaining('would give functions/sync/deliver')]);
    const again = await ops(world(), 'parked', 'retry', key);
    expect([again.status, again.out]).toEqual([1, expect.stringContaining('parked again')]);
    const { json } = await opsJson(world(), 'parked', 'show', key);
    expect([json.times, json.since]).toEqual([2, json.parked.first]);
    expect(Date.parse(json.parked.at)).toBeGreaterThan(Date.parse(json.since));

    await mend();
    const retried = await ops(world(), 'parked', 'retry', key);
    expect([retried.status, retried.out]).toEqual([0, expect.stringContaining('has processed it')]);
    expect(await keys('parked/')).toEqual([]);
    const pointers = (await b.call('GET', '/v1/sync')).body.streams;
    expect(pointers).toContainEqual(expect.objectContaining({ stream, v: 2 }));
  });

  test('is dropped with a reason, and leaves a trail', async () => {
    const { key, stream } = await poisoned('d');
    const silent = await ops(world(), 'parked', 'drop', key);
    expect(silent).toEqual({ status: 2, out: '', err: 'say why: parked drop <key> --reason "…"\n' });
    await ops(world(), 'parked', 'drop', key, '--reason', 'nobody misses it', '--dry-run');
    expect(await keys('parked/')).toHaveLength(1);
    const { status, json } = await opsJson(world(), 'parked', 'drop', key, '--reason', 'nobody misses it');
    expect([status, json.done, await keys('parked/')]).toEqual([0, true, []]);
    expect(await object(json.trail)).toMatchObject({
      ...{ at: expect.stringMatching(/Z$/), by: expect.stringMatching(/./), reason: 'nobody misses it' },
      dropped: { object: `parked/${key}.json`, what: `${stream}@2 of demo`, parked: { from: 'sync/deliver' } },
    });
  });

  test('may be named in several ways, but by one that is one’s alone', async () => {
    const { key } = await poisoned('n');
    const last = key.split('/').at(-1) ?? '';
    for (const name of [key, `parked/${key}.json`, `${key}.json`, last, decodeURIComponent(last)])
      expect((await opsJson(world(), 'parked', 'show', name)).json.key).toBe(key);
    await put(`parked/reactions/${last}.json`, await object(`parked/${key}.json`));
    const { status, err } = await ops(world(), 'parked', 'show', last);
    expect([status, err]).toEqual([1, `${last} may be any of reactions/${last}, ${key}: say which\n`]);
  });

  test('whose item is gone can only be dropped', async () => {
    const hint = { keys: { pk: 'demo#conversation#cnv_gone', sk: 'v#11' } };
    const at = '2026-01-01T00:00:00.000Z';
    await put('parked/sync/deliver/gone.json', { from: 'sync/deliver', key: 'gone', reason: 'why', at, hint });
    const { status, out } = await ops(world(), 'parked', 'retry', 'gone');
    expect([status, out]).toEqual([1, expect.stringContaining('not in the table any more: drop it')]);
  });
});

test('a pointer’s change is given again as a change, from the numbers that it had before', async () => {
  const { a, b, conversationId } = await world().matched('i-ada', 'i-ben');
  await world().drain();
  const Key = marshall({ pk: `demo#person#${b.user}`, sk: `conversation#${conversationId}` });
  const push = { kind: 'apns', value: 'ab'.repeat(32), app: 'example.chorus.demo', environment: 'sandbox' };
  const ios = { platform: 'ios', push, locale: 'en', appVersion: '1.0' };
  await b.call('PUT', '/v1/devices/phone', ios);
  const text = { text: 'hello', after: 1 };
  const spoil = {
    ...{ TableName: world().env.INBOX_TABLE, Key, UpdateExpression: 'SET #at = :at' },
    ...{ ExpressionAttributeNames: { '#at': 'at' }, ExpressionAttributeValues: { ':at': { S: 'not a time' } } },
  };
  await new DynamoDBClient({}).send(new UpdateItemCommand(spoil));
  await world().drain();
  await a.call('POST', `/v1/conversations/${conversationId}/messages`, text, { 'idempotency-key': 'i-1' });
  await world().drain();
  // The message has mended the pointer, but nobody could compare it with what it was before; perhaps its own delivery was first.
  const parked = (await opsJson(world(), 'parked', 'list')).json.parked.map(({ from }: Json) => from);
  expect(parked).toEqual(expect.arrayContaining(['push/notify', 'sync/registers']));
  expect(world().log.filter(({ msg, person }) => msg === 'push queued' && person === b.user)).toEqual([]);

  const { status, json } = await opsJson(world(), 'parked', 'retry', '--all');
  expect([status, json.retried.map(({ outcome }: Json) => outcome)]).toEqual([0, parked.map(() => 'done')]);
  await world().drain();
  const decided = await world().logged(({ msg, person, v }) => msg === 'push decided' && person === b.user && v === 2);
  expect(decided.decision).toBe('sent');
  const queued = world().log.filter(({ msg, person }) => msg === 'push queued' && person === b.user);
  expect(
    queued.map(({ v }) => v),
    'and nothing from before',
  ).toEqual([2]);
  expect(await keys('parked/')).toEqual([]);
});

test('a job can not be given again, and says why', async () => {
  const QueueUrl = world().env.PUSH_QUEUE_URL;
  await new SQSClient({}).send(new SendMessageCommand({ QueueUrl, MessageBody: '{"no":"job"}' }));
  await world().logged(({ msg, from }) => msg === 'parked' && from === 'push/send');
  const { json } = await opsJson(world(), 'parked', 'list');
  expect(json.parked).toMatchObject([{ kind: 'job', from: 'push/send', what: expect.stringMatching(/^job /) }]);
  const { status, out } = await ops(world(), 'parked', 'retry', json.parked[0].key);
  expect([status, out]).toEqual([1, expect.stringContaining('mend who sends it, then drop this')]);
});

describe('a batch', () => {
  const lay = (name: string, functionName: string, records: unknown[]): Promise<void> => {
    const functionArn = `arn:aws:lambda:eu-west-1:000000000000:function:${functionName}`;
    const requestContext = {
      requestId: 'r',
      functionArn,
      condition: 'RetryAttemptsExhausted',
      approximateInvokeCount: 6,
    };
    const payload = JSON.stringify({ Records: records });
    const body = { requestContext, version: '1.0', timestamp: '2026-01-01T00:00:00.000Z', payload };
    return put(`parked/batches/aws/lambda/mapping/shard/2026/01/01/${name}`, body);
  };
  const image = { pk: 'demo#conversation#cnv_batch', sk: 'v#11', kind: 'conversation', text: 'a secret' };
  const record = {
    eventName: 'INSERT',
    dynamodb: { SequenceNumber: '1', Keys: marshall({ pk: image.pk, sk: image.sk }), NewImage: marshall(image) },
  };

  test('is listed, shown without bodies, and leaves when its function has processed it', async () => {
    await lay('good', 'SyncDeliverStream', [record]);
    const { json } = await opsJson(world(), 'parked', 'show', 'good');
    expect(json).toMatchObject({
      ...{ kind: 'batch', from: 'SyncDeliverStream', times: 6, reason: 'RetryAttemptsExhausted' },
      ...{
        records: ['conversation/cnv_batch@1 of demo'],
        what: '1 records, the first conversation/cnv_batch@1 of demo',
      },
    });
    expect(JSON.stringify(json)).not.toContain('secret');
    expect((await ops(world(), 'parked', 'show', 'good')).out).toContain(
      '\n         conversation/cnv_batch@1 of demo\n',
    );
    expect((await ops(world(), 'parked', 'retry', 'good', '--dry-run')).out).toContain('would give SyncDeliverStream');
    const { status, out } = await ops(world(), 'parked', 'retry', 'good');
    expect([status, out]).toEqual([0, expect.stringContaining('SyncDeliverStream has processed it')]);
    // What it could not decode is parked on its own.
    expect(await keys('parked/')).toEqual(['parked/sync/deliver/demo%23conversation%23cnv_batch%7Cv%2311.json']);
  });
  test('that fails again stays', async () => {
    await lay('failing', 'SyncDeliverStream', [{ eventName: 'INSERT', dynamodb: { Keys: record.dynamodb.Keys } }]);
    const { status, out } = await ops(world(), 'parked', 'retry', 'failing');
    expect([status, out]).toEqual([1, expect.stringContaining('failed, and stays: Error: the function failed')]);
    expect(await keys('parked/')).toHaveLength(1);
  });
  test('that is dropped keeps its ids in the trail and no bodies', async () => {
    await lay('dropped', 'SyncDeliverStream', [record]);
    const { json } = await opsJson(world(), 'parked', 'drop', 'dropped', '--reason', 'old');
    const trail = await object(json.trail);
    expect(trail.dropped.records).toEqual(['conversation/cnv_batch@1 of demo']);
    expect(JSON.stringify(trail)).not.toContain('secret');
  });
  test('that waits for the schedule is listed, can be shown, and retried before its time', async () => {
    const name = 'aws/lambda/mapping/shard/2026/01/01/waiting';
    const functionArn = 'arn:aws:lambda:us-east-1:000000000000:function:SyncDeliverStream';
    const requestContext = { functionArn, condition: 'RetryAttemptsExhausted', approximateInvokeCount: 6 };
    await put(name, { requestContext, payload: JSON.stringify({ Records: [] }) });
    const { json } = await opsJson(world(), 'parked', 'list');
    expect([json.waiting, json.parked]).toMatchObject([1, [{ key: name, kind: 'batch', times: 6 }]]);
    expect((await ops(world(), 'parked', 'list')).out).toContain('every five minutes, for a day');
    expect((await ops(world(), 'parked', 'show', name)).out).toContain('RetryAttemptsExhausted');
    expect((await opsJson(world(), 'parked', 'retry', name)).status).toBe(0);
    expect((await ops(world(), 'parked', 'list')).out).toBe('Nothing is parked.\n');
  });
});

test('an object that is no parked thing can be seen and dropped', async () => {
  await put('parked/sync/deliver/broken.json', 'no JSON');
  expect((await opsJson(world(), 'parked', 'list')).json.parked).toMatchObject([{ kind: 'unreadable' }]);
  expect((await ops(world(), 'parked', 'retry', 'broken')).status).toBe(1);
  expect((await ops(world(), 'parked', 'drop', 'broken', '--reason', 'odd')).status).toBe(0);
});

test.each([
  [['parked', 'mend'], 2, 'parked has list, show, retry, drop, but no mend'],
  [['parked', 'show'], 2, 'say which: parked show <key>'],
  [['parked', 'retry', 'x', '--all'], 2, 'say a key or --all, not both'],
  [['parked', 'show', 'x'], 1, 'nothing is parked as x: parked list shows the keys'],
  [['parked', 'drop', 'x', '--reason'], 2, '--reason needs a value: --reason <text>'],
])('%j ends with %i and one sentence', async (argv, status, sentence) =>
  expect(await ops(world(), ...argv)).toEqual({ status, out: '', err: `${sentence}\n` }),
);
