/** Searching logs: what is found is compared once more, ordered, and bounded; and what entries say of one event. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { Commit } from '../../core/commit.ts';
import { DeviceId } from '../../core/ids.ts';
import type { TrailRecord } from '../../functions/push/trail.ts';
import { startInside } from '../../local/gateway/aws.ts';
import { OpsError } from '../../ops/command.ts';
import { searchLogs } from '../../ops/logs.ts';
import {
  acknowledgedBy,
  deliveriesTo,
  devicesIn,
  entriesOf,
  framesTo,
  noPushTo,
  pushesTo,
} from '../../ops/trace-log.ts';
import { invokes, modelOf, unasked } from '../local/stage.ts';
import { ada, at, ben, demo, phone } from '../people.ts';

const time = (second: number): string => new Date(Date.parse(at) + second * 1000).toISOString();

describe('a search', () => {
  const serve = async (lines: string[]) => {
    const inside = await startInside({
      ...unasked,
      ...{ connections: { post: () => 'gone', get: () => undefined, drop: () => false } as const },
      ...{ model: modelOf([]), invoke: invokes({}), parameter: async () => undefined },
      readLines: async function* () {
        yield* lines;
      },
    });
    const aws = { AWS_ENDPOINT_URL_CLOUDWATCH_LOGS: inside.origin, AWS_REGION: 'eu-west-1' };
    Object.assign(process.env, aws, { AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local' });
    onTestFinished(() => inside.close());
  };
  const line = (second: number, entry: object): string => JSON.stringify({ t: time(second), level: 'info', ...entry });
  const search = async (filter: Record<string, string | number>, since?: Date, until?: Date) => {
    const found: unknown[] = [];
    for await (const entry of searchLogs(['one'], { filter, since, until })) found.push(entry.n);
    return found;
  };
  const since = new Date(at);

  test('finds the entries whose fields are these, and no others', async () => {
    await serve([
      line(1, { n: 1, stream: 'a', v: 5 }),
      line(2, { n: 2, stream: 'a', v: 50 }),
      line(3, { n: 3, stream: 'ab', v: 5 }),
      line(4, { n: 4, inner: { stream: 'a', v: 5 } }),
    ]);
    expect(await search({ stream: 'a', v: 5 }, since)).toEqual([1]);
  });
  test('keeps to the time, and orders by it', async () => {
    await serve([4, 1, 3, 2].map((second) => line(second, { n: second, msg: 'x' })));
    expect(await search({ msg: 'x' }, since)).toEqual([1, 2, 3, 4]);
    expect(await search({ msg: 'x' }, new Date(time(2)), new Date(time(3)))).toEqual([2, 3]);
  });
  test('turns pages, and ends at a bound', async () => {
    const lines = Array.from({ length: 20_001 }, (_, n) => line(n, { n, msg: 'x', odd: n % 2 }));
    await serve(lines);
    expect(await search({ msg: 'x', odd: 1 }, since)).toHaveLength(10_000);
    await expect(search({ msg: 'x' }, since)).rejects.toThrow(OpsError);
  });
});

describe('the entries about an event', () => {
  const stream = { tenant: demo, kind: 'conversation', id: 'cnv_x' } as const;
  const commit = Commit.parse({
    ...{ kind: 'conversation', v: 5, command: 'ada/k', asked: '', at, events: [{ type: 'Sent' }], state: {} },
    ...{ reducer: 1, audience: [ada, ben], count: 4, by: ada },
  });
  const told = (...entries: object[]) =>
    entriesOf(
      entries.map((entry, i) => ({ t: time(i), level: 'info', ...entry })),
      { stream, commit },
    );
  const delivered = { msg: 'delivered', person: ben, devices: ['phone'], pointer: 'moved' };

  test('are those whose versions hold it', () => {
    const entries = told(
      { ...delivered, from: 3, v: 4 },
      { ...delivered, from: 4, v: 6 },
      { ...delivered, from: 6, v: 7 },
      { ...delivered, v: 5, devices: ['web'], gone: ['phone'] },
      { msg: 'something else', v: 5 },
    );
    expect(deliveriesTo(entries, ben).map(({ v }) => v)).toEqual([6, 5]);
    expect(deliveriesTo(entries, ada)).toEqual([]);
    expect(framesTo(entries, ben, 'phone').map(({ said }) => said)).toEqual(['sent', 'its connection was gone']);
    expect(devicesIn(entries, ben)).toEqual(['phone', 'web', 'phone']);
  });
  test('tell the first acknowledgement of it or of something later', () => {
    const ack = { msg: 'acknowledged', user: ben, device: 'phone' };
    expect(acknowledgedBy(told({ ...ack, v: 4 }), ben, 'phone')).toBeUndefined();
    expect(acknowledgedBy(told({ ...ack, v: 4 }, { ...ack, v: 8 }, { ...ack, v: 9 }), ben, 'phone')).toMatchObject({
      v: 8,
    });
  });
  test('tell every step of a push, the last ones too', () => {
    const push = { person: ben, device: 'phone', v: 5 };
    const entries = told(
      { msg: 'push queued', ...push, delay: 0 },
      { msg: 'push failed', ...push, error: 'TimeoutError: late' },
      { msg: 'push decided', ...push, decision: 'sent' },
    );
    const record = (at: number, more: Partial<TrailRecord>): TrailRecord => ({
      ...{ device: phone, what: 'show', attempt: 0, decision: 'sent', at: `2099-01-01T00:00:0${at}.000Z` },
      ...more,
    });
    const trail = [
      record(4, { decision: 'received' }),
      record(1, { decision: 'later', reason: '429 TooManyRequests', retryAt: '2099-01-01T00:01:00.000Z' }),
      record(2, { provider: 'apns' }),
      record(2, { provider: 'apns', device: DeviceId.parse('web') }),
      record(5, { decision: 'sent', what: 'clear', provider: 'apns' }),
      record(6, { decision: 'skipped', reason: 'collapsed', into: 'conversation:c@7' }),
      record(7, { decision: 'failed', reason: 'given up: 503 Shutdown' }),
    ];
    expect(pushesTo(entries, trail, ben, phone).map(({ said }) => said)).toEqual([
      'queued',
      'failed, and comes again: TimeoutError: late',
      'again at 2099-01-01T00:01:00.000Z: 429 TooManyRequests',
      'sent to apns',
      'received',
      'clearing: sent to apns',
      'not sent: collapsed into conversation:c@7',
      'failed: given up: 503 Shutdown',
    ]);
  });
  test('tell why no push was thought of', () => {
    const none = { msg: 'no push', person: ben, from: 2, v: 5, reason: 'no push address' };
    expect([noPushTo(told(none), ben), noPushTo(told(none), ada)]).toEqual(['no push address', undefined]);
    const newest = { msg: 'push decided', person: ben, from: 1, v: 9, decision: 'not sent: only the newest of many' };
    expect(pushesTo(told(newest), [], ben, 'phone').map(({ said }) => said)).toEqual([
      'not sent: only the newest of many',
    ]);
  });
});
