/** A batch of pushes is counted in one log line for each tenant and provider among it. */
import type { Context, SQSEvent } from 'aws-lambda';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { ports } from '../../core/deps.ts';
import type { Entry } from '../../core/log.ts';
import { raiseRegister, readMark } from '../../core/pointers.ts';
import type { PushJob } from '../../functions/push/jobs.ts';
import type { Outcome } from '../../functions/push/provider.ts';
import { handler } from '../../functions/push/send.queue.ts';
import { readMetrics } from '../core/embedded.ts';
import { bindEnvironment } from '../memory.ts';
import { ben, phone } from '../people.ts';
import { createStage, START } from './stage.ts';

beforeAll(bindEnvironment);

const LATE_MS = 1234;

/** The queue's own handler on the stage's tables. @returns what a batch of it counts, by line */
const staged = async () => {
  const stage = await createStage();
  await stage.register(phone, 'ben');
  const log: Entry[] = [];
  const before = { ...ports };
  onTestFinished(() => void Object.assign(ports, before));
  const { now, random, bucket, enqueue } = stage.deps;
  Object.assign(ports, { now, random, bucket, enqueue, log: (entry: Entry) => void log.push(entry) });
  const batch = async (...bodies: (PushJob | object)[]) => {
    const Records = bodies.map((body, i) => ({ messageId: `${i}`, body: JSON.stringify(body) }));
    const done = await handler({ Records } as SQSEvent, { functionName: 'send' } as Context);
    const lines = log.splice(0).filter(({ msg }) => msg === 'measured');
    return { done, lines: lines.map((entry) => Object.fromEntries(readMetrics(JSON.stringify(entry)).map(pair))) };
  };
  return { ...stage, batch };
};
const pair = ({ series, value }: { series: string; value: number | number[] }) => [
  series.replace('chorus-local/', '').replace('{Tenant=demo,Provider=', ' ').replace('}', ''),
  value,
];

test('several pushes are one line, with how long each took from its event', async () => {
  const { say, batch, clock } = await staged();
  const jobs = [await say('one'), await say('two'), await say('three')];
  clock.now = START + LATE_MS;
  expect(await batch(...jobs)).toEqual({
    done: { batchItemFailures: [] },
    lines: [{ 'PushesSent apns': 3, 'PushLatency apns': [LATE_MS, LATE_MS, LATE_MS] }],
  });
  expect((await batch(...jobs)).lines).toEqual([{ 'PushesSkipped none': 3 }]);
});

test('what is cleared counts as sent, and has no age', async () => {
  const { deps, stream, say, batch } = await staged();
  const job = await say();
  await batch(job);
  await raiseRegister(deps, ben, stream, readMark, 1);
  expect((await batch({ ...job, what: 'clear', read: 1 })).lines).toEqual([{ 'PushesSent apns': 1 }]);
});

test.each<[string, Outcome]>([
  ['Retried', { result: 'later', patience: 'unknown', reason: 'timeout' }],
  ['Held', { result: 'held', scope: 'app', reason: 'TopicDisallowed' }],
  ['Gone', { result: 'gone', reason: 'Unregistered' }],
  ['Failed', { result: 'suspect', reason: 'DeviceTokenNotForTopic' }],
  ['Failed', { result: 'refused', reason: 'BadMessageId' }],
])('counts as %s, and has no latency: %j', async (became, outcome) => {
  const { say, batch, answers } = await staged();
  answers.push(outcome);
  expect((await batch(await say())).lines).toEqual([{ [`Pushes${became} apns`]: 1 }]);
});

test('what waits for a hold counts as held, what waits for its budget as retried, what nobody wants any more as failed', async () => {
  const { say, batch, answers, clock } = await staged();
  const held = await say('held');
  answers.push({ result: 'held', scope: 'app', reason: 'TopicDisallowed' });
  await batch(held);
  expect((await batch(held)).lines).toEqual([{ 'PushesHeld apns': 1 }]);
  clock.now += 24 * 3600_000 - 2000;
  answers.push({ result: 'later', patience: 'unknown', reason: 'timeout' });
  expect((await batch(held)).lines).toEqual([{ 'PushesFailed apns': 1 }]);
  // What tried for all has not been heard of; another does.
  clock.now += 60_000;
  const many = await Promise.all(Array.from({ length: 10 }, (_, i) => i).map((i) => say(`${i}`)));
  for (const job of many) await batch(job);
  expect((await batch(await say('one too many'))).lines).toEqual([{ 'PushesRetried apns': 1 }]);
});

test('each provider has its own line; what can not be read is not counted', async () => {
  const { say, batch, answers } = await staged();
  answers.push({ result: 'later', patience: 'unknown', reason: 'timeout' });
  const job = await say('one');
  const { done, lines } = await batch(
    job,
    { ...job, v: 99 },
    { not: 'a job' },
    { ...job, stream: 'conversation/cnv_2' },
  );
  expect(lines).toEqual(expect.arrayContaining([{ 'PushesRetried apns': 1 }, { 'PushesSkipped none': 2 }]));
  expect(done).toEqual({ batchItemFailures: [] });
});

test('what the queue will bring again is not counted, and keeps nobody from being counted', async () => {
  const { say, batch, answers } = await staged();
  answers.push({ result: 'later', patience: 'unknown', reason: 'timeout' });
  ports.enqueue = () => Promise.reject(new Error('no queue'));
  const { done, lines } = await batch(await say('one'), await say('two'));
  expect(done.batchItemFailures).toHaveLength(1);
  expect(lines).toEqual([expect.objectContaining({ 'PushesSent apns': 1 })]);
});
