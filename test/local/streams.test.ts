/** Stream mappings on the real engine: what a function is called with, and what becomes of its failures. */
import { describe, expect, test } from 'vitest';
import type { StreamRecord } from '../../local/triggers/records.ts';
import { folder } from './stage.ts';
import { failing, nameOf, openWorld, type World } from './world.ts';

const names = (count: number): string[] => Array.from({ length: count }, (_each, index) => `n${index}`);
/** Writes that are there before reading starts come as one batch. */
const writeFirst =
  (...all: string[]) =>
  async (put: World['put']) => {
    for (const name of all) await put(name);
  };

describe('a stream mapping', () => {
  test('hands over what was written, in order, in the shape that Lambda uses', async () => {
    const seen: unknown[] = [];
    const { put, drain, calls } = await openWorld(folder(), (records) => void seen.push(...records));
    await put('a', { n: { N: '1' } });
    await put('a', { n: { N: '2' } });
    await drain();

    expect(calls.flat()).toEqual(['a', 'a']);
    expect(seen).toMatchObject([
      {
        eventName: 'INSERT',
        eventSource: 'aws:dynamodb',
        awsRegion: 'eu-west-1',
        dynamodb: { Keys: { sk: { S: 'a' } } },
      },
      { eventName: 'MODIFY', dynamodb: { OldImage: { n: { N: '1' } }, NewImage: { n: { N: '2' } } } },
    ]);
    expect(seen).toHaveLength(2);
    expect(JSON.stringify(seen)).toMatch(/arn:aws:dynamodb:eu-west-1:000000000000:table\/Events\/stream\//);
  });

  test('is woken by a write of this process', async () => {
    const { put, drain, calls } = await openWorld(folder(), () => undefined);
    await drain();
    await put('a');
    await expect.poll(() => calls, { interval: 1 }).toEqual([['a']]);
  });

  test('says nothing of a write that changes nothing', async () => {
    const { put, drain, calls } = await openWorld(folder(), () => undefined);
    await put('a');
    await put('a');
    await drain();
    expect(calls.flat()).toEqual(['a']);
  });

  test('passes on only what a filter lets through, and does not call for the rest', async () => {
    const filters = [{ eventName: ['INSERT'], dynamodb: { Keys: { sk: { S: [{ prefix: 'v#' }] } } } }];
    const { put, drain, calls } = await openWorld(folder(), () => undefined, { filters });
    for (const name of ['c#1', 'v#1', 'state', 'v#2']) await put(name);
    await drain();
    expect(calls.flat()).toEqual(['v#1', 'v#2']);
  });

  test('gives up one poisonous record after six calls of its own, while all others are delivered once', async () => {
    const poison = 'n5';
    const delivered: string[] = [];
    const handler = (records: StreamRecord[]): void => {
      const all = records.map(nameOf);
      if (all.includes(poison)) throw new Error('poison');
      delivered.push(...all);
    };
    const { drain, calls, parked } = await openWorld(folder(), handler, {}, writeFirst(...names(16)));
    await drain();

    expect(calls.filter((call) => call.length === 1 && call[0] === poison)).toHaveLength(6);
    // Sixteen are halved four times until one is alone: four calls more that fail.
    expect(calls.filter((call) => call.includes(poison))).toHaveLength(10);
    expect([...delivered].sort()).toEqual(
      names(16)
        .filter((name) => name !== poison)
        .sort(),
    );
    expect(parked).toHaveLength(1);
    expect(parked[0]?.key).toMatch(
      /^aws\/lambda\/EventsToFunction\/[^/]+\/\d{4}\/\d\d\/\d\d\/\d{4}-\d\d-\d\dT\d\d\.\d\d\.\d\d-[0-9a-f-]{36}$/,
    );
    expect(parked[0]?.object).toMatchObject({
      requestContext: {
        functionArn: 'arn:aws:lambda:eu-west-1:000000000000:function:Function',
        condition: 'RetryAttemptsExhausted',
        approximateInvokeCount: 6,
      },
      DDBStreamBatchInfo: { batchSize: 1 },
    });
    expect(JSON.parse(parked[0]?.object.payload ?? '').Records.map(nameOf)).toEqual([poison]);
  });

  test('goes on from the lowest failure that the function reports', async () => {
    let first = true;
    const { drain, calls, parked } = await openWorld(
      folder(),
      (records) => {
        const failed = first ? [records[4], records[2]].flatMap((record) => record ?? []) : [];
        first = false;
        return failing(failed);
      },
      {},
      writeFirst(...names(6)),
    );
    await drain();
    expect(calls).toEqual([names(6), ['n2', 'n3', 'n4', 'n5']]);
    expect(parked).toEqual([]);
  });

  test.each([
    ['an identifier that is empty', { batchItemFailures: [{ itemIdentifier: '' }] }],
    ['an identifier under another name', { batchItemFailures: [{ sequenceNumber: '1' }] }],
    ['an identifier of another batch', { batchItemFailures: [{ itemIdentifier: '99' }] }],
    ['no object', 'ok'],
  ])('takes %s for a failure of the whole batch', async (_what, response) => {
    const answers: unknown[] = [response];
    const { drain, calls } = await openWorld(folder(), () => answers.shift(), { bisect: false }, writeFirst('a', 'b'));
    await drain();
    expect(calls).toEqual([
      ['a', 'b'],
      ['a', 'b'],
    ]);
  });

  test('keeps a batch together when it may not be halved, and gives it up whole', async () => {
    const { drain, calls, parked } = await openWorld(
      folder(),
      () => {
        throw new Error('always');
      },
      { bisect: false, retries: 2 },
      writeFirst('a', 'b'),
    );
    await drain();
    expect(calls).toHaveLength(3);
    expect(parked.map(({ object }) => object.DDBStreamBatchInfo?.batchSize)).toEqual([2]);
  });

  test('gives up at once what is too old', async () => {
    const { drain, calls, parked } = await openWorld(
      folder(),
      () => undefined,
      { maxAgeSeconds: -10 },
      writeFirst('a'),
    );
    await drain();
    expect(calls).toEqual([]);
    expect(parked[0]?.object).toMatchObject({ requestContext: { condition: 'RecordAgeExceeded' } });
  });

  test('goes on after a restart where it was, and delivers what was written in between', async () => {
    const data = folder();
    const first = await openWorld(data, () => undefined);
    await first.put('a');
    await first.drain();
    await first.stop();
    const second = await openWorld(data, () => undefined, {}, writeFirst('b'));
    await second.drain();
    expect(second.calls).toEqual([['b']]);
  });

  test('goes on after a restart in the middle of a batch, from the record that was not done', async () => {
    const data = folder();
    const third = (records: StreamRecord[]) => failing(records.filter((record) => nameOf(record) === 'c'));
    const first = await openWorld(data, third, { retries: 9999 }, writeFirst('a', 'b', 'c'));
    await expect.poll(() => first.calls, { interval: 1 }).toContainEqual(['c']);
    await first.stop();
    const second = await openWorld(data, () => undefined);
    await second.drain();
    expect(second.calls).toEqual([['c']]);
  });

  test('does not go past what could not be parked', async () => {
    const poison = (records: StreamRecord[]) => failing(records.filter((record) => nameOf(record) === 'b'));
    const world = await openWorld(folder(), poison, { retries: 0 }, writeFirst('a', 'b', 'c'));
    world.failures.parking = 2;
    await world.drain();
    expect(world.parked.map(({ object }) => JSON.parse(object.payload).Records.map(nameOf))).toEqual([['b']]);
    expect(world.calls.at(-1)).toEqual(['c']);
  });

  test('survives the death of the engine', async () => {
    const { engine, put, drain, calls } = await openWorld(folder(), () => undefined);
    await put('a');
    await drain();
    const before = engine.pid();
    process.kill(before ?? 0, 'SIGKILL');
    await expect.poll(() => engine.pid(), { interval: 5, timeout: 5000 }).not.toBe(before);
    await put('b');
    await drain();
    expect(calls.flat()).toEqual(['a', 'b']);
  });
});
