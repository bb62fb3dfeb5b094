/** What is broken inside: it is parked with its reason, stops nobody else, and is a bare 500 to who asks for it. */
import { GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { sortable } from '../../core/keys.ts';
import { type Frame, type Json, key, useWorld } from '../world.ts';
import { putRows, readTables, streamsOf } from './tables.ts';
import { expectNoInternals, wireAs } from './wire.ts';

const world = useWorld();

/** Everything in the bucket of what could not be processed. */
const parked = async (): Promise<string[]> => {
  const Bucket = world().env.PARKED_BUCKET ?? '';
  const s3 = new S3Client({
    endpoint: world().env.AWS_ENDPOINT_URL_S3 ?? '',
    forcePathStyle: true,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket }));
  const read = async (Key: string) => (await s3.send(new GetObjectCommand({ Bucket, Key }))).Body?.transformToString();
  return Promise.all(Contents.map(async (each) => `${each.Key} ${await read(each.Key ?? '')}`));
};

test('a commit that can not be decoded is parked, and those beside and after it are delivered', async () => {
  const [broken, whole] = await Promise.all([world().matched('b-ada', 'b-ben'), world().matched('w-ada', 'w-ben')]);
  await world().drain();
  const secret = 'what nobody may read';
  const streams = streamsOf(await readTables(world()));
  const opened = (id: string) => streams.get(`demo#conversation#${id}`)?.[0] ?? { pk: '', sk: '' };
  const event = (by: string) => ({
    type: 'Sent',
    id: 'msg_1',
    number: 1,
    by,
    text: secret,
    at: '2026-01-01T00:00:00.000Z',
  });
  const second = { sk: `v#${sortable(2)}`, v: 2, count: 1 };
  const phone = await whole.b.connect('phone');
  await putRows(world(), 'events', [
    { ...opened(broken.conversationId), ...second, events: [event('b-ada')], audience: 'everyone', command: 7 },
    { ...opened(whole.conversationId), ...second, events: [event('w-ada')], by: 'w-ada', command: 'w-ada:1' },
  ]);
  await world().drain();
  await phone.until(({ type, events }: Frame) => type === 'events' && events.some(({ text }: Json) => text === secret));

  const objects = (await parked()).filter((text) => text.includes(broken.conversationId));
  expect(objects.some((text) => text.includes('audience'))).toBe(true);
  expect(
    objects.filter((text) => text.includes(secret)),
    'bodies stand nowhere else',
  ).toEqual([]);
  expect(
    world()
      .log.filter(({ msg }) => msg === 'parked')
      .map(({ level }) => level),
  ).toContain('error');
  expect(JSON.stringify(world().log)).not.toContain(secret);

  for (const request of ['GET messages', 'POST messages', 'PUT read'] as const) {
    const [method = '', to] = request.split(' ');
    const bodies: Json = { POST: { text: 'a', after: 1 }, PUT: { upTo: 1 } };
    const body = bodies[method] && JSON.stringify(bodies[method]);
    const path = `/v1/conversations/${broken.conversationId}/${to}`;
    const answer = await wireAs(world(), broken.a, method, path, { headers: key(), ...(body ? { body } : {}) });
    const detail = 'Something went wrong on our side. Send the same request again.';
    const bare = { type: 'urn:chorus:problem:internal', status: 500, code: 'internal', detail };
    expect([request, answer.status, answer.body]).toEqual([request, 500, { ...bare, requestId: expect.any(String) }]);
    expectNoInternals(world(), answer.text);
  }
  const { status } = await whole.a.call('GET', `/v1/conversations/${whole.conversationId}/messages`);
  expect(status).toBe(200);
});

test('an event that nobody can read is parked, counts as a version, and hides no other message', async () => {
  const { a, b, conversationId } = await world().matched('p-ada', 'p-ben');
  await world().drain();
  const phone = await b.connect('phone');
  const first = streamsOf(await readTables(world())).get(`demo#conversation#${conversationId}`)?.[0] ?? {
    pk: '',
    sk: '',
  };
  const garbled = { type: 'Sent', id: 'msg_1', number: 1, by: 'p-ada', text: 42, at: '2026-01-01T00:00:00.000Z' };
  const state = { status: 'open', members: ['p-ada', 'p-ben'], messages: 1 };
  const second = { sk: `v#${sortable(2)}`, v: 2, count: 1, by: 'p-ada', command: 'p-ada/1', events: [garbled], state };
  await putRows(world(), 'events', [{ ...first, ...second }]);
  await world().drain();
  await phone.until(({ type, events }: Frame) => type === 'events' && events.some(({ v }: Json) => v === 2));
  const about = (await parked()).filter((text) => text.includes(conversationId));
  expect(about.map((text) => text.includes('text: Invalid input: expected string, received number'))).toEqual([true]);
  const path = `/v1/conversations/${conversationId}/messages`;
  expect((await a.call('POST', path, { text: 'after it', after: 2 }, key())).status).toBe(201);
  const { status, body } = await a.call('GET', path);
  expect([status, body.messages.map(({ text }: Json) => text)]).toEqual([200, ['after it']]);
});
