/**
 * On the real system: before somebody leaves, what they wrote is found wherever it must be; afterwards in no table, queue, bucket and
 * log. Other people's words are all there.
 */
import { GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { GetQueueAttributesCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { expect, test } from 'vitest';
import { readAside, readTables } from '../api/tables.ts';
import { key, type Person, request, useWorld, type World } from '../world.ts';

const world = useWorld();
const canary = (what: string): string => `canary-${what}-7f3a91`;

const local = (endpoint: string | undefined) => ({
  ...{ endpoint: endpoint ?? '', region: 'us-east-1' },
  credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
});

const objectsOf = async ({ env }: World): Promise<string[]> => {
  const s3 = new S3Client({ ...local(env.AWS_ENDPOINT_URL_S3), forcePathStyle: true });
  const buckets = [env.PARKED_BUCKET, env.AUDIT_BUCKET, env.EXPORTS_BUCKET];
  const texts = await Promise.all(
    buckets.map(async (Bucket) => {
      const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket }));
      return Promise.all(
        Contents.map(async ({ Key }) => {
          const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
          return `${Key} ${await Body?.transformToString()}`;
        }),
      );
    }),
  );
  return texts.flat();
};

/** Of queues that are at rest; what waits is what would be given up. */
const messagesOf = async ({ env }: World): Promise<string[]> => {
  const sqs = new SQSClient(local(env.AWS_ENDPOINT_URL_SQS));
  const urls = Object.entries(env).flatMap(([name, url]) =>
    /_QUEUE_URL$/.test(name) && url ? [url, `${url}Dead`] : [],
  );
  const found = await Promise.all(
    urls.map(async (QueueUrl) => {
      const there = await sqs
        .send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['ApproximateNumberOfMessages'] }))
        .then(() => true)
        .catch(() => false);
      if (!there) return [];
      const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
      return Messages.map(({ Body }) => Body ?? '');
    }),
  );
  return found.flat();
};

/** Everything that there is, a line for each, with where it is. */
const everything = async (): Promise<string[]> => {
  const tables = { ...(await readTables(world())), trail: await readAside(world(), 'trail') };
  const rows = Object.entries(tables).flatMap(([name, all]) => all.map((row) => `${name} ${JSON.stringify(row)}`));
  // Logs name devices by their ids, for a month; an app must not make them of names (docs/erasure.md).
  const logs = world().log.map((entry) => `log ${JSON.stringify(entry).replaceAll('"canary-phone-7f3a91"', '"…"')}`);
  const objects = (await objectsOf(world())).map((text) => `object ${text}`);
  return [...rows, ...logs, ...objects, ...(await messagesOf(world())).map((body) => `queue ${body}`)];
};
const withCanaries = async (): Promise<string[]> =>
  (await everything()).filter((line) => /canary|51\.48|1991-02-03|c0ffee|19:03/.test(line));

const fill = async ({ a, b, conversationId }: { a: Person; b: Person; conversationId: string }): Promise<void> => {
  const path = `/v1/conversations/${conversationId}/messages`;
  const statuses = [
    await a.call('PUT', '/v1/devices/canary-phone-7f3a91', {
      ...{ platform: 'ios', locale: 'en-x-canary', appVersion: 'canary-7f3a91' },
      push: {
        kind: 'apns',
        value: 'c0ffee'.repeat(11).slice(0, 64),
        app: 'example.chorus.demo',
        environment: 'sandbox',
      },
    }),
    await a.call('PUT', '/v1/preferences', { kinds: { matches: 'none' }, quiet: { from: '19:03', to: '07:00' } }),
    await a.call('PUT', '/v1/me', {
      ...{ name: canary('name'), birthDate: '1991-02-03', bio: canary('bio'), place: { lat: 51.48, lon: 0.01 } },
      attributes: { interests: canary('interests') },
    }),
    await a.call('GET', '/v1/purchases/account-token'),
    await a.call('PUT', '/v1/reactions/liked', { type: 'super-like', note: canary('note') }),
    await a.call('POST', path, { text: canary('text'), after: 1 }, key(canary('key'))),
    await b.call('POST', path, { text: 'what Ben says', after: 1 }, key()),
    await a.call('POST', '/v1/me/export'),
    await b.call('PUT', '/v1/devices/phone', { platform: 'ios', locale: 'en', appVersion: '1' }),
  ].map(({ status }) => status);
  expect(
    statuses.every((status) => status < 300),
    JSON.stringify(statuses),
  ).toBe(true);
};

test('whoever leaves is nowhere any more', async () => {
  const liked = await world().person('liked');
  expect((await liked.call('PUT', '/v1/preferences', { kinds: {} })).status).toBe(200);
  const { a, b, conversationId } = await world().matched('ada', 'ben');
  await fill({ a, b, conversationId });
  await world().drain();

  const before = await withCanaries();
  for (const where of ['events', 'views', 'devices', 'trail', 'object'])
    expect(
      before.some((line) => line.startsWith(where)),
      `the scanner finds nothing in ${where}`,
    ).toBe(true);

  // They can have all of it first.
  const { body: ready } = await a.call('GET', '/v1/me/export');
  expect(ready).toMatchObject({ state: 'ready' });
  const archive = await request(world().http, 'GET', ready.links[0]);
  expect(archive.status).toBe(200);
  for (const what of ['name', 'bio', 'text', 'note']) expect(JSON.stringify(archive.body)).toContain(canary(what));
  expect(JSON.stringify(archive.body)).not.toContain('c0ffee');
  expect((await request(world().http, 'GET', `${ready.links[0]}0`)).status).toBe(404);

  const phone = await a.connect('canary-phone-7f3a91');
  expect((await a.call('DELETE', '/v1/me')).status).toBe(202);
  expect(await phone.closed).toBeGreaterThan(0);
  await world().drain();

  expect(await withCanaries()).toEqual([]);
  expect((await request(world().http, 'GET', ready.links[0])).status).toBe(404);
  const { body } = await b.call('GET', `/v1/conversations/${conversationId}/messages`);
  expect(body.messages.map(({ by, text }: { by: string; text: string }) => [by, text])).toEqual([
    ['ada', ''],
    ['ben', 'what Ben says'],
  ]);
  const synced = await b.call('GET', '/v1/sync');
  const told = synced.body.streams.find(({ stream }: { stream: string }) => stream.endsWith(conversationId));
  expect(told.events.slice(-2)).toMatchObject([
    { type: 'Closed', why: 'erased' },
    { type: 'Erased', by: 'ada' },
  ]);
  await expect.poll(async () => (await a.call('GET', '/v1/me')).body.code, { timeout: 15_000 }).toBe('erased');
}, 60_000);

const tell = async (type: string, user: string, id?: string): Promise<number> => {
  const { body } = await request(world().http, 'POST', '/dev/apple/account-event', { body: { type, user, id } });
  return (await request(world().http, 'POST', '/v1/apple/account-events/demo', { body })).status;
};

test('what Apple says of an account is done once, and believed from Apple alone', async () => {
  const eva = await world().person('eva');
  const register = () => eva.call('PUT', '/v1/devices/phone', { platform: 'ios', locale: 'en', appVersion: '1' });
  await register();
  expect(await tell('consent-revoked', 'eva', 'once')).toBe(200);
  expect((await eva.call('GET', '/v1/devices/phone')).status).toBe(404);
  await register();
  expect(await tell('consent-revoked', 'eva', 'once')).toBe(200);
  expect((await eva.call('GET', '/v1/devices/phone')).status, 'a repetition does nothing').toBe(200);
  expect([await tell('email-disabled', 'eva'), await tell('something-new', 'eva')]).toEqual([200, 200]);
  const post = (path: string, payload: string) =>
    request(world().http, 'POST', `/v1/apple/account-events/${path}`, { body: { payload } });
  expect((await post('demo', eva.token)).status, 'for another audience').toBe(401);
  expect((await post('aurora', eva.token)).status, 'no Sign in with Apple').toBe(404);
  const { body } = await request(world().http, 'POST', '/dev/apple/account-event', {
    body: { type: 'account-delete', user: 'eva' },
  });
  const [head, claims = '', signature] = String(body.payload).split('.');
  const other = Buffer.from(Buffer.from(claims, 'base64url').toString().replace('eva', 'ben')).toString('base64url');
  expect((await post('demo', [head, other, signature].join('.'))).status, 'of somebody else').toBe(401);
  expect((await post('demo', body.payload)).status).toBe(200);
  await world().logged(({ msg, user }) => msg === 'erased' && user === 'eva');
});
