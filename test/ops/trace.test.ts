/** `npm run ops -- trace`: one message's way, told from the tables and the logs. */
import { createHash } from 'node:crypto';
import { truncateSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DeleteItemCommand, DynamoDBClient, PutItemCommand, TransactWriteItemsCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { describe, expect, test } from 'vitest';
import { type Frame, type Json, key, type Person, useWorld } from '../world.ts';
import { ops, opsJson } from './ops.ts';

const world = useWorld({ graceSeconds: 1 });

const token = (name: string): string => createHash('sha256').update(name).digest('hex').replace(/^dead/, 'beef');
const register = (person: Person, device: string, value = token(person.user + device)): Promise<unknown> => {
  const push = { kind: 'apns', value, app: 'example.chorus.demo', environment: 'sandbox' };
  return person.call('PUT', `/v1/devices/${device}`, { platform: 'ios', push, locale: 'en', appVersion: '1.0' });
};
const say = async (person: Person, conversationId: string, after: number): Promise<Json> =>
  (await person.call('POST', `/v1/conversations/${conversationId}/messages`, { text: 'a secret', after }, key())).body;
const logged = (msg: string, stream: string, v: number, more: Json = {}) =>
  world().logged((entry) =>
    Object.entries({ msg, stream, v, ...more }).every(([name, value]) => entry[name] === value),
  );

/** Ben's laptop is connected and acknowledges, his phone is away, his watch has no push address; Ada writes. */
const written = async (prefix: string) => {
  const { a, b, conversationId } = await world().matched(`${prefix}-ada`, `${prefix}-ben`);
  const stream = `conversation/${conversationId}`;
  await register(b, 'laptop');
  await register(b, 'phone');
  await b.call('PUT', '/v1/devices/watch', { platform: 'ios', locale: 'en', appVersion: '1.0' });
  const laptop = await b.connect('laptop');
  await world().drain();
  const message = await say(a, conversationId, 1);
  await laptop.until(({ type, events = [] }: Frame) => type === 'events' && events.some(({ v }: Json) => v === 2));
  laptop.send({ type: 'ack', stream, v: 2 });
  await logged('push decided', stream, 2, { device: 'laptop' });
  await logged('push decided', stream, 2, { device: 'phone' });
  return { a, b, stream, conversationId, message };
};

test('a message tells its acceptance, delivery, acknowledgement, and each push decision', async () => {
  const { a, b, stream, conversationId, message } = await written('t');
  const { status, json } = await opsJson(world(), 'trace', `${stream}@2`);
  expect(status).toBe(0);
  expect(json).toMatchObject({
    tenant: 'demo',
    stream,
    v: 2,
    events: [{ type: 'Sent', id: message.id }],
    accepted: {
      at: message.at,
      by: a.user,
      command: expect.stringMatching(`^${a.user}/key-`),
      logged: expect.any(String),
    },
    parked: [],
    problems: [],
    missing: [],
  });
  const [ada, ben] = [a.user, b.user].map((user) => json.people.find(({ person }: Json) => person === user));
  expect(ada).toMatchObject({ pointer: { v: 2, isBeyond: true, isRead: true }, noPush: 'own', devices: [] });
  expect(ben.pointer).toEqual({ v: 2, read: 0, isBeyond: true, isRead: false });
  expect(ben.delivered).toContainEqual({ t: expect.any(String), pointer: 'moved' });
  const [laptop, phone, watch] = ['laptop', 'phone', 'watch'].map((name) =>
    ben.devices.find(({ device }: Json) => device === name),
  );
  expect(laptop).toMatchObject({ is: 'connected', acknowledged: { v: 2, t: expect.any(String) } });
  expect(laptop.frames).toContainEqual({ t: expect.any(String), said: 'sent' });
  expect(laptop.pushes.map(({ said }: Json) => said)).toEqual([
    'queued, to be decided after 1 s',
    'not sent: acknowledged',
  ]);
  expect(phone).toMatchObject({ is: 'not connected', hasPushAddress: true, frames: [] });
  expect(phone.acknowledged).toBeUndefined();
  expect(phone.pushes.map(({ said }: Json) => said)).toEqual(['queued', 'sent to apns']);
  expect(watch).toMatchObject({ hasPushAddress: false, frames: [], pushes: [] });

  const byId = await opsJson(world(), 'trace', message.id);
  const inside = await opsJson(world(), 'trace', message.id, '--conversation', conversationId, '--tenant', 'demo');
  expect([byId.json, inside.json]).toEqual([json, json]);
});

test('the same in words, without a word of what was written', async () => {
  const { stream, message } = await written('w');
  const { status, out, err } = await ops(world(), 'trace', `${stream}@2`);
  expect([status, err]).toEqual([0, '']);
  expect(out).not.toContain('secret');
  expect(out).toContain(`${stream}@2 of demo: Sent ${message.id}\naccepted ${message.at} from w-ada as w-ada/key-`);
  expect(out).toMatch(/^w-ada +there, at 2 +yes +\+.* ms \(pointer moved\)/m);
  expect(out).toMatch(/^w-ben +there, at 2 +no +\+.* ms \(pointer moved\)/m);
  expect(out).toMatch(
    /^w-ben\/laptop +connected +sent \+\d+ ms.* +\+\S+ m?s +queued, .*; not sent: acknowledged \+\d\.\d s$/m,
  );
  expect(out).toMatch(/^w-ben\/phone +not connected +none +no +queued \+\d+ ms; sent to apns \+[\d.]+ m?s$/m);
  expect(out).toMatch(/^w-ben\/watch +not connected +none +no +no push address$/m);
});

test('a delivery of several versions at once is told of each', async () => {
  const { a, b, conversationId } = await world().matched('d-ada', 'd-ben');
  await world().drain();
  const at = new Date().toISOString();
  const put = (v: number, number: number) => {
    const item = {
      ...{ pk: `demo#conversation#${conversationId}`, sk: `v#1${v}`, kind: 'conversation', v, command: `d-ada/${v}` },
      ...{ asked: '', by: a.user, at, events: [{ type: 'Sent', id: `msg_${v}`, number, by: a.user, text: 'hi', at }] },
      state: { status: 'open', members: [a.user, b.user], messages: number },
      ...{ reducer: 1, audience: [a.user, b.user], count: number },
    };
    return { Put: { TableName: world().env.EVENTS_TABLE, Item: marshall(item) } };
  };
  await dynamo().send(new TransactWriteItemsCommand({ TransactItems: [put(2, 1), put(3, 2)] }));
  await world().drain();
  const { json } = await opsJson(world(), 'trace', `conversation/${conversationId}@2`);
  expect(json.people.map(({ delivered }: Json) => delivered.length)).toEqual([1, 1]);
  expect(json.missing, 'for no handler has logged it').toEqual(['its acceptance']);
});

test('an acknowledgement of something later counts', async () => {
  const { a, b, conversationId } = await world().matched('l-ada', 'l-ben');
  const stream = `conversation/${conversationId}`;
  for (const after of [1, 2]) await say(a, conversationId, after);
  await world().drain();
  const phone = await b.connect('phone');
  phone.send({ type: 'ack', stream, v: 3 });
  await logged('acknowledged', stream, 3);
  const { json } = await opsJson(world(), 'trace', `${stream}@2`);
  const ben = json.people.find(({ person }: Json) => person === b.user);
  expect(ben.devices).toMatchObject([{ device: 'phone', frames: [], acknowledged: { v: 3, t: expect.any(String) } }]);
  expect(ben.noPush).toBe('no push address');
});

test('an address that the provider refuses stands there with the reason', async () => {
  const { a, b, conversationId } = await world().matched('r-ada', 'r-ben');
  const stream = `conversation/${conversationId}`;
  await register(b, 'phone', `dead410${token('r').slice(7)}`);
  await say(a, conversationId, 1);
  await logged('push decided', stream, 2);
  const { json } = await opsJson(world(), 'trace', `${stream}@2`);
  const [phone] = json.people.find(({ person }: Json) => person === b.user).devices;
  expect(phone.pushes.at(-1)).toEqual({
    t: expect.any(String),
    said: expect.stringMatching(/^failed: .*Unregistered: forgotten$/),
  });
});

const dynamo = () => new DynamoDBClient({});
const inbox = (user: string, stream: string) => ({
  TableName: world().env.INBOX_TABLE,
  Key: marshall({ pk: `demo#person#${user}`, sk: stream.replace('/', '#') }),
});

describe('what is wrong or can not be told', () => {
  test('a pointer that is not there is a problem', async () => {
    const { a, b, conversationId } = await world().matched('p-ada', 'p-ben');
    const stream = `conversation/${conversationId}`;
    await world().drain();
    await dynamo().send(new DeleteItemCommand(inbox(b.user, stream)));
    const { status, json } = await opsJson(world(), 'trace', `${stream}@1`);
    expect([status, json.problems]).toEqual([1, ['p-ben’s pointer is not there: it was not delivered']]);
    expect(json.people.find(({ person }: Json) => person === a.user).problems).toEqual([]);
  });
  test('an event that could not be processed is named with what is parked of it', async () => {
    const Item = marshall({
      ...{ pk: 'demo#conversation#cnv_parked', sk: 'v#11', kind: 'conversation', v: 1, command: 'system/x', asked: '' },
      ...{
        at: '2026-01-01T00:00:00.000Z',
        events: [{ type: 'Opened' }],
        state: {},
        reducer: 1,
        audience: [],
        count: 'none',
      },
    });
    await dynamo().send(new PutItemCommand({ TableName: world().env.EVENTS_TABLE, Item }));
    const entry = await world().logged(({ msg, key: of }) => msg === 'parked' && of.includes('cnv_parked'));
    expect(entry.from).toBe('sync/deliver');
    const broken = await ops(world(), 'trace', 'conversation/cnv_parked@1');
    expect(broken.err).toBe('conversation/cnv_parked@1 is there but can not be decoded (count): see parked list\n');
    await dynamo().send(
      new PutItemCommand({ TableName: world().env.EVENTS_TABLE, Item: { ...Item, count: { N: '0' } } }),
    );
    const { status, json } = await opsJson(world(), 'trace', 'conversation/cnv_parked@1');
    expect([status, json.parked]).toEqual([1, ['sync/deliver/demo%23conversation%23cnv_parked%7Cv%2311']]);
  });
  test('an event that several tenants have wants its tenant', async () => {
    const { conversationId } = await world().matched('s-ada', 's-ben');
    await world().matched('s-ada', 's-ben', 'aurora');
    const id = `conversation/${conversationId}@1`;
    const { status, err } = await ops(world(), 'trace', id);
    expect([status, err]).toEqual([1, `aurora and demo both have ${id}: say --tenant\n`]);
    const { json } = await opsJson(world(), 'trace', id, '--tenant', 'aurora');
    expect(json.tenant).toBe('aurora');
  });
  test.each([
    [['trace'], 2, 'say what: trace msg_… or trace <stream>@<version>'],
    [['trace', 'x/y@1'], 2, 'x/y is no stream: say for example conversation/cnv_…@5'],
    [['trace', '???'], 2, '??? is neither msg_… nor <stream>@<version>'],
    [['trace', 'msg_x', '--hours', 'few'], 2, '--hours must be a number above 0'],
    [['trace', 'msg_x'], 1, 'there is no msg_x: look at the id again'],
    [['trace', 'msg_x', '--tenant', 'nobody'], 1, 'there is no tenant nobody; there are aurora, demo'],
    [['trace', 'person/x@1', '--tenant', 'demo'], 1, 'there is no person/x@1 of demo: look at the id again'],
  ])('%j ends with %i and one sentence', async (argv, status, sentence) =>
    expect(await ops(world(), ...argv)).toEqual({ status, out: '', err: `${sentence}\n` }),
  );
  test('what the logs do not hold any more is said, and what the tables hold is told', async () => {
    const { stream } = await written('g');
    await world().drain();
    // What was logged is on disk now; then it is gone, as after a month.
    await ops(world(), 'trace', `${stream}@2`);
    truncateSync(join(dirname(world().env.TENANTS_DIR ?? ''), 'log.jsonl'));
    const { status, json } = await opsJson(world(), 'trace', `${stream}@2`);
    expect(status).toBe(0);
    expect(json.missing).toEqual([
      'its acceptance',
      'how it was delivered to g-ada',
      'how it was delivered to g-ben',
      'when g-ben/laptop acknowledged (it did, up to 2)',
    ]);
    // What became of the pushes is in the tables.
    const { devices } = json.people.find(({ person }: Json) => person === 'g-ben');
    const said = Object.fromEntries(
      devices.map(({ device, pushes }: Json) => [device, pushes.map((each: Json) => each.said)]),
    );
    expect(said).toMatchObject({ laptop: ['not sent: acknowledged'], phone: ['sent to apns'] });
    expect((await ops(world(), 'trace', `${stream}@2`)).out).toContain(
      '\nThe logs of the 6 h after it (--hours) do not hold its acceptance.\n',
    );
  });
});
