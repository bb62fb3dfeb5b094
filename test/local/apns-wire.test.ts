import { describe, expect, test } from 'vitest';
import { apple, device, dial } from './wire.ts';

const tokens = (local: { pushes(): { token: string }[] }) => local.pushes().map(({ token }) => token.slice(0, 2));

describe('a connection to the local APNs', () => {
  test('carries one stream until a provider token was good, then a thousand', async () => {
    const local = await apple();
    const peer = await local.dial();
    await expect.poll(() => peer.limits).toEqual([1]);
    expect(await peer.post({ headers: { authorization: undefined } })).toMatchObject({
      reason: 'MissingProviderToken',
    });
    expect(await peer.post({ headers: { authorization: 'bearer x' } })).toMatchObject({ status: 403 });
    expect(peer.limits).toEqual([1]);
    expect(await peer.post({ token: 'abc' })).toMatchObject({ reason: 'BadDeviceToken' });
    await expect.poll(() => peer.limits).toEqual([1, 1000]);
  });

  test('refuses what a client opens before, and takes the first', async () => {
    const local = await apple();
    const peer = await local.dial({ peerMaxConcurrentStreams: 100 });
    const [first, ...others] = await Promise.all(
      ['a1', 'a2', 'a3'].map((begin) => peer.post({ token: device(begin) })),
    );
    expect(first).toMatchObject({ status: 200 });
    for (const other of others) expect(other).toEqual({ error: expect.stringContaining('REFUSED_STREAM') });
    expect(tokens(local)).toEqual(['a1']);
    expect(await peer.post()).toMatchObject({ status: 200 });
  });

  test('on GOAWAY processes earlier streams, not the one that asked for it nor later ones', async () => {
    const local = await apple();
    const peer = await local.dial();
    await peer.post({ token: device('a1') });
    await expect.poll(() => peer.limits).toContain(1000);
    local.fault('slow', { token: device('a2'), ms: 200 });
    local.fault('silence', { token: device('a4') });
    const earlier = peer.post({ token: device('a2') });
    const [asker, later] = await Promise.all([
      peer.post({ token: device('deadc105') }),
      peer.post({ token: device('a4') }),
    ]);
    for (const each of [asker, later]) expect(each).toEqual({ error: expect.stringContaining('REFUSED_STREAM') });
    expect(peer.goaways[0]).toEqual({ code: 0, last: 3, reason: 'Shutdown' });
    expect(await earlier).toMatchObject({ status: 200 });
    await expect.poll(() => peer.session.destroyed).toBe(true);
    expect(tokens(local)).toEqual(['a1', 'a2']);
  });

  test('on GOAWAY at its very first stream says that this one was refused', async () => {
    const local = await apple();
    const peer = await local.dial();
    expect(await peer.post({ token: device('deadc105') })).toEqual({
      error: expect.stringContaining('REFUSED_STREAM'),
    });
    expect(peer.goaways[0]).toMatchObject({ code: 0, reason: 'Shutdown' });
    await expect.poll(() => peer.session.destroyed).toBe(true);
    expect(local.pushes()).toEqual([]);
  });

  test('that idles ends with GOAWAY after its answer', async () => {
    const local = await apple();
    const peer = await local.dial();
    expect(await peer.post({ token: device('deadc1de') })).toMatchObject({ status: 200 });
    await expect.poll(() => peer.session.destroyed).toBe(true);
    expect(peer.goaways[0]).toEqual({ code: 0, last: 1, reason: 'IdleTimeout' });
    expect(local.pushes().length).toBe(1);
  });

  test('goes on after a refused stream, and ends at once with a reset', async () => {
    const local = await apple();
    const peer = await local.dial();
    expect(await peer.post({ token: device('deadf00d') })).toEqual({
      error: expect.stringContaining('REFUSED_STREAM'),
    });
    expect(await peer.post()).toMatchObject({ status: 200 });
    expect(await peer.post({ token: device('deadf00e') })).toHaveProperty('error');
    await expect.poll(() => peer.session.destroyed).toBe(true);
    expect(peer.goaways).toEqual([]);
    expect(local.pushes().length).toBe(1);
  });

  test('with a silent request answers the others; a mute one answers no ping either', async () => {
    const local = await apple();
    const peer = await local.dial();
    await peer.post();
    await expect.poll(() => peer.limits).toContain(1000);
    const ended: string[] = [];
    void peer.post({ token: device('deadb1ac') }).then(() => ended.push('silent'));
    expect(await peer.post()).toMatchObject({ status: 200 });
    let pings = 0;
    const ping = () => peer.session.ping(() => (pings += 1));
    ping();
    await expect.poll(() => pings).toBe(1);
    local.fault('slow', { token: device('a3'), ms: 100 });
    void peer.post({ token: device('a3') }).then(() => ended.push('slow'));
    await expect.poll(() => tokens(local)).toContain('a3');
    local.fault('mute', { token: device('a5'), times: 1 });
    void peer.post({ token: device('a5') }).then(() => ended.push('mute'));
    await expect.poll(() => local.faults.list().some(({ fault }) => fault === 'mute')).toBe(false);
    void peer.post({ token: device('a2') }).then(() => ended.push('after'));
    ping();
    // Another connection tells when the server is past all of this.
    local.fault('slow', { token: device('a4'), ms: 200 });
    expect(await (await local.dial()).post({ token: device('a4') })).toMatchObject({ status: 200 });
    expect([ended, pings]).toEqual([[], 1]);
    expect(tokens(local)).not.toContain('a2');
  });

  test('to a slow server gets its answer after the time that was asked for; delivered it is at once', async () => {
    const local = await apple();
    local.fault('slow', { ms: 150, times: 1 });
    const peer = await local.dial();
    const start = performance.now();
    expect(await peer.post()).toMatchObject({ status: 200 });
    expect(performance.now() - start).toBeGreaterThan(140);
    local.fault('slow', { ms: 600_000, token: device('a2') });
    void peer.post({ token: device('a2') });
    await expect.poll(() => tokens(local)).toEqual(['a1', 'a2']);
  });

  test('that ends during a slow answer leaves nothing under way', async () => {
    const local = await apple();
    local.fault('slow', { ms: 600_000 });
    const peer = await local.dial();
    const ended = peer.post();
    await expect.poll(() => tokens(local)).toEqual(['a1']);
    peer.session.destroy();
    expect(await ended).toHaveProperty('error');
    await local.close();
  });
});

describe("a team's provider token", () => {
  test('may change once in twenty minutes, over both hosts together', async () => {
    const local = await apple(1200);
    const [soon, soonest, old] = await Promise.all([1100, 60, 1300].map((age) => local.sign(age)));
    const post = async (origin: string, bearer = '') => (await dial(origin, bearer)).post();
    expect(await post(local.apns, local.bearer)).toMatchObject({ status: 200 });
    expect(await post(local.apnsSandbox, local.bearer)).toMatchObject({ status: 200 });
    const tooOften = { status: 429, reason: 'TooManyProviderTokenUpdates' };
    expect(await post(local.apns, soon)).toMatchObject(tooOften);
    expect(await post(local.apnsSandbox, soonest)).toMatchObject(tooOften);
    expect(await post(local.apnsSandbox, old)).toMatchObject({ status: 200 });
    expect(await post(local.apns, local.bearer)).toMatchObject({ status: 200 });
  });

  test('may change as often as it likes where nobody counts', async () => {
    const local = await apple();
    const others = await Promise.all([60, 120].map((age) => local.sign(age)));
    for (const bearer of others) expect(await (await dial(local.apns, bearer)).post()).toMatchObject({ status: 200 });
  });
});

describe('the two environments', () => {
  test.each([
    ['dead5a', 'apnsSandbox', 'apns'],
    ['dead9d', 'apns', 'apnsSandbox'],
    ['DEAD5A', 'apnsSandbox', 'apns'],
  ] as const)('take a token that begins with %s at %s only', async (begin, right, wrong) => {
    const local = await apple();
    const post = async (origin: string) => (await dial(origin, local.bearer)).post({ token: device(begin) });
    expect(await post(local[wrong])).toMatchObject({ status: 400, reason: 'BadDeviceToken' });
    expect(local.pushes()).toEqual([]);
    expect(await post(local[right])).toMatchObject({ status: 200 });
    expect(local.pushes().length).toBe(1);
  });
});

describe('push types', () => {
  const background = { 'apns-push-type': 'background', 'apns-priority': '5' };
  const of = (type: string, topic: string) => ({ 'apns-push-type': type, 'apns-topic': `example.chorus.demo${topic}` });
  const sized = (bytes: number) => `{"a":"${'x'.repeat(bytes - 8)}"}`;

  test.each([
    ['a background push with content-available', background, '{"aps":{"content-available":1}}', 200],
    ['VoIP on its topic', of('voip', '.voip'), sized(5120), 200],
    ['a Live Activity on its topic', of('liveactivity', '.push-type.liveactivity'), sized(4096), 200],
  ])('take %s', async (_name, headers, json, status) => {
    const local = await apple();
    expect(await (await local.dial()).post({ headers, json })).toMatchObject({ status });
  });

  test.each([
    ['a background push at priority 10', { ...background, 'apns-priority': '10' }, '{"aps":{}}', 400, 'BadPriority'],
    ['a background push without content-available', background, '{"aps":{}}', 400, 'InvalidPushType'],
    [
      'a background push with an alert',
      background,
      '{"aps":{"content-available":1,"alert":"Hello"}}',
      400,
      'InvalidPushType',
    ],
    ['VoIP without its topic', of('voip', ''), '{}', 400, 'DeviceTokenNotForTopic'],
    ["VoIP on a Live Activity's topic", of('voip', '.push-type.liveactivity'), '{}', 400, 'DeviceTokenNotForTopic'],
    ['a Live Activity without its topic', of('liveactivity', ''), '{}', 400, 'DeviceTokenNotForTopic'],
    ["an alert on VoIP's topic", of('alert', '.voip'), '{}', 400, 'DeviceTokenNotForTopic'],
    ['VoIP of 5,121 bytes', of('voip', '.voip'), sized(5121), 413, 'PayloadTooLarge'],
    [
      'a Live Activity of 4,097 bytes',
      of('liveactivity', '.push-type.liveactivity'),
      sized(4097),
      413,
      'PayloadTooLarge',
    ],
  ])('refuse %s', async (_name, headers, json, status, reason) => {
    const local = await apple();
    expect(await (await local.dial()).post({ headers, json })).toMatchObject({ status, reason });
    expect(local.pushes()).toEqual([]);
  });
});
