/** What became of a push can be asked for by its person alone; and what is read on one phone is cleared on the other. */
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { type Json, key, type Person, request, useWorld } from '../world.ts';

const world = useWorld({ graceSeconds: 1 });

const token = (name: string): string => createHash('sha256').update(name).digest('hex').replace(/^dead/, 'beef');
const register = async (person: Person, device: string, name: string): Promise<void> => {
  const push = { kind: 'apns', value: token(name), app: 'example.chorus.demo', environment: 'sandbox' };
  const body = { platform: 'ios', push, locale: 'en', appVersion: '1.0' };
  expect((await person.call('PUT', `/v1/devices/${device}`, body)).status).toBe(200);
};
const settled = (stream: string, device: string, what = 'show') =>
  world().logged(
    (entry) =>
      entry.msg === 'push decided' && entry.stream === stream && entry.device === device && entry.what === what,
  );

/** Ben has a phone, Ada has written to him, and it was pushed. */
const told = async (prefix: string) => {
  const { a, b, conversationId } = await world().matched(`${prefix}-ada`, `${prefix}-ben`);
  await world().drain();
  await register(b, 'phone', `${prefix}-phone`);
  const stream = `conversation/${conversationId}`;
  const { body } = await a.call(
    'POST',
    `/v1/conversations/${conversationId}/messages`,
    { text: 'a secret', after: 1 },
    key(),
  );
  await settled(stream, 'phone');
  return { a, b, conversationId, stream, path: `/v1/notifications/conversation:${conversationId}@${body.version}` };
};

describe('what became of a push', () => {
  test('is told to its person, without token and text', async () => {
    const { b, path } = await told('w');
    const { status, body } = await b.call('GET', path);
    expect(status).toBe(200);
    expect(body.decisions).toMatchObject([
      { device: 'phone', what: 'show', decision: 'sent', provider: 'apns', attempt: 0, pushId: expect.any(String) },
    ]);
    expect(JSON.stringify(body)).not.toMatch(new RegExp(`secret|${token('w-phone')}`));
    const shown = (await world().pushes()).find((push: Json) => push.token === token('w-phone'));
    expect(shown.id).toBe(body.decisions[0].pushId);
  });
  test('is nobody else’s to know, nor that there was one', async () => {
    const { a, b, path, conversationId } = await told('n');
    const unknown = await b.call('GET', `/v1/notifications/conversation:${conversationId}@99`);
    const foreign = await a.call('GET', path);
    const other = await (await world().person('n-ben', { tenant: 'aurora' })).call('GET', path);
    for (const { status, body } of [unknown, foreign, other]) expect([status, body.code]).toEqual([404, 'not-found']);
  });
  test.each([
    'x',
    'conversation:',
    'conversation:c@0',
    'conversation:c@-1',
    'conversation:c@01',
    `person:${'x'.repeat(200)}@1`,
    '%00@1',
  ])('%s is no event', async (name) => {
    const { status } = await (await world().person('bad')).call('GET', `/v1/notifications/${name}`);
    expect([400, 404]).toContain(status);
  });
});

describe('a receipt', () => {
  test('of a push that arrived is kept once', async () => {
    const { b, path } = await told('r');
    for (let i = 0; i < 3; i++)
      expect((await b.call('POST', `${path}/received`, { deviceId: 'phone' })).status).toBe(204);
    const { body } = await b.call('GET', path);
    expect(body.decisions.map(({ decision }: Json) => decision)).toEqual(['sent', 'received']);
  });
  test('is taken though nobody wrote down that it was sent', async () => {
    const { b, path } = await told('l');
    const bare = { platform: 'ios', locale: 'en', appVersion: '1.0' };
    expect((await b.call('PUT', '/v1/devices/watch', bare)).status).toBe(200);
    expect((await b.call('POST', `${path}/received`, { deviceId: 'watch' })).status).toBe(204);
    const { body } = await b.call('GET', path);
    expect(body.decisions).toMatchObject([
      { decision: 'sent' },
      { device: 'watch', what: 'show', decision: 'received' },
    ]);
  });
  test('is not taken for what was not to be sent: skipped, or one’s own', async () => {
    const { a, b, conversationId, stream } = await told('k');
    await register(a, 'phone', 'k-ada');
    const muted = await b.call('PUT', `/v1/conversations/${conversationId}/mute`, { until: 'forever' });
    expect(muted.status).toBeLessThan(300);
    const { body } = await a.call(
      'POST',
      `/v1/conversations/${conversationId}/messages`,
      { text: 'x', after: 2 },
      key(),
    );
    const decided = await world().logged(
      ({ msg, stream: of, v, device }) => msg === 'push decided' && of === stream && v === body.version && !!device,
    );
    expect(decided.decision).toBe('skipped');
    const path = `/v1/notifications/conversation:${conversationId}@${body.version}/received`;
    for (const person of [a, b]) expect((await person.call('POST', path, { deviceId: 'phone' })).status).toBe(404);
  });
  test('is taken for what was sent alone, and from its person', async () => {
    const { a, b, path } = await told('q');
    expect((await b.call('POST', `${path}/received`, { deviceId: 'tablet' })).status).toBe(404);
    expect((await a.call('POST', `${path}/received`, { deviceId: 'phone' })).status).toBe(404);
    expect((await b.call('POST', `${path}/received`, {})).body.code).toBe('invalid');
  });
});

test('what is read elsewhere goes from a phone that is away, and its badge falls', async () => {
  const { b, conversationId, stream } = await told('c');
  const phones = async () =>
    (await request(world().http, 'GET', '/dev/pushes')).body.phones.find(
      (each: Json) => each.token === token('c-phone'),
    );
  expect(await phones()).toMatchObject({ badge: 1, shown: [expect.objectContaining({ stream })] });
  await b.call('PUT', `/v1/conversations/${conversationId}/read`, { upTo: 1 });
  expect((await settled(stream, 'phone', 'clear')).decision).toBe('sent');
  expect(await phones()).toMatchObject({ badge: 0, shown: [] });
});
