/** Queues and buckets: what a function is handed, what becomes of failures, and that they keep what they hold. */
import { networkInterfaces } from 'node:os';
import { GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createActivity } from '../../local/activity.ts';
import { createDrain } from '../../local/drain.ts';
import type { Model } from '../../local/model.ts';
import { startConsumers } from '../../local/triggers/consumers.ts';
import { type Queues, startQueues } from '../../local/triggers/queues.ts';
import { folder } from './stage.ts';

const model: Pick<Model, 'queues' | 'buckets' | 'consumers'> = {
  queues: {
    Jobs: {
      name: 'Jobs',
      visibilitySeconds: 60,
      retentionSeconds: 345_600,
      deadLetters: { queueId: 'Dead', maxReceives: 3 },
    },
    Dead: { name: 'Dead', visibilitySeconds: 30, retentionSeconds: 345_600 },
  },
  buckets: { Parked: { name: 'parked' } },
  consumers: [{ id: 'Map', functionId: 'F', queueId: 'Jobs', batchSize: 10, concurrency: 2, partialResponse: true }],
};
const account = { region: 'eu-west-1', credentials: { accessKeyId: 'a', secretAccessKey: 'b' } };

type Event = { Records: { messageId: string; body: string; attributes: { ApproximateReceiveCount: string } }[] };

const openQueues = async (
  data: string,
): Promise<Queues & { send: (body: string, delay?: number) => Promise<unknown> }> => {
  const queues = await startQueues(data);
  queues.ensure(model);
  const sqs = new SQSClient({ endpoint: queues.origin, ...account });
  const QueueUrl = `${queues.origin}/000000000000/Jobs`;
  onTestFinished(async () => {
    sqs.destroy();
    await queues.stop();
  });
  const send = (MessageBody: string, DelaySeconds = 0) =>
    sqs.send(new SendMessageCommand({ QueueUrl, MessageBody, DelaySeconds }));
  return { ...queues, send };
};

/** Consumes with `handler` as the function. */
const consume = (queues: Queues, handler: (event: Event) => unknown) => {
  const activity = createActivity();
  const events: Event[] = [];
  const invoke = async (_id: string, event: object): Promise<unknown> => {
    activity.begin();
    events.push(event as Event);
    try {
      return await handler(event as Event);
    } finally {
      activity.end();
    }
  };
  const consumers = startConsumers({ model, queues, activity, invoke, onFailure: () => undefined });
  onTestFinished(() => consumers.stop());
  const streams = { isQuiet: () => true, look: () => undefined, busy: () => [] };
  return { events, drain: createDrain({ activity, streams, consumers, outside: { idle: () => true } }), consumers };
};
const bodies = (events: Event[]): string[] => events.flatMap(({ Records }) => Records.map(({ body }) => body));

describe('a queue', () => {
  test('hands its messages to the function in the shape that Lambda uses, and forgets them when they are done', async () => {
    const queues = await openQueues(folder());
    const { events, drain } = consume(queues, () => undefined);
    await queues.send('one');
    await drain();
    expect(events).toMatchObject([
      {
        Records: [
          {
            body: 'one',
            eventSource: 'aws:sqs',
            eventSourceARN: 'arn:aws:sqs:eu-west-1:000000000000:Jobs',
            attributes: { ApproximateReceiveCount: '1' },
          },
        ],
      },
    ]);
    expect(queues.queue('Jobs').inspectMessages()).toEqual({ ready: [], delayed: [], inflight: [] });
  });

  test('brings again what the function reported, and only that', async () => {
    const queues = await openQueues(folder());
    for (const body of ['good', 'bad']) await queues.send(body);
    const { events, drain } = consume(queues, ({ Records }) => ({
      batchItemFailures: Records.filter(
        ({ body, attributes }) => body === 'bad' && attributes.ApproximateReceiveCount === '1',
      ).map(({ messageId }) => ({ itemIdentifier: messageId })),
    }));
    await drain();
    expect(bodies(events)).toEqual(['good', 'bad', 'bad']);
  });

  test('puts aside what fails too often', async () => {
    const queues = await openQueues(folder());
    const { events, drain } = consume(queues, () => {
      throw new Error('always');
    });
    await queues.send('poison');
    await drain();
    expect(events).toHaveLength(3);
    expect(
      queues
        .queue('Dead')
        .inspectMessages()
        .ready.map(({ body }) => body),
    ).toEqual(['poison']);
  });

  test('is drained although a delayed message waits in it, which comes when it is due', async () => {
    const queues = await openQueues(folder());
    const { events, drain } = consume(queues, () => undefined);
    await queues.send('later', 1);
    await drain();
    expect(events).toEqual([]);
    await expect.poll(() => bodies(events), { interval: 20, timeout: 3000 }).toEqual(['later']);
  });

  test('keeps its messages over a restart, also those that were being worked on', async () => {
    const data = folder();
    const first = await openQueues(data);
    await first.send('working');
    await first.send('waiting');
    expect(first.queue('Jobs').dequeue(1)).toHaveLength(1);
    await first.stop();

    const { events, drain } = consume(await openQueues(data), () => undefined);
    await drain();
    expect(bodies(events).sort()).toEqual(['waiting', 'working']);
  });

  test('is not reachable from other machines', async () => {
    const { origin } = await openQueues(folder());
    const { port } = new URL(origin);
    const outer = Object.values(networkInterfaces())
      .flat()
      .filter((face) => face?.family === 'IPv4' && !face.internal);
    for (const face of outer) await expect(fetch(`http://${face?.address}:${port}/health`)).rejects.toThrow();
    expect((await fetch(`http://127.0.0.1:${port}/health`)).status).toBe(200);
  });
});

test('a bucket keeps what is put into it, over a restart and for the SDK', async () => {
  const data = folder();
  const first = await openQueues(data);
  await first.putObject('parked', 'aws/lambda/x', '{"a":1}');
  await first.stop();

  const { origin } = await openQueues(data);
  const s3 = new S3Client({ endpoint: origin, forcePathStyle: true, ...account });
  onTestFinished(() => s3.destroy());
  const { Contents } = await s3.send(new ListObjectsV2Command({ Bucket: 'parked' }));
  expect(Contents?.map(({ Key }) => Key)).toEqual(['aws/lambda/x']);
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'parked', Key: 'aws/lambda/x' }));
  expect(await Body?.transformToString()).toBe('{"a":1}');
});
