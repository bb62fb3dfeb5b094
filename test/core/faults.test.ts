/** What happens when calls are lost, land late or overtake each other: each of these went wrong once. */
import { createServer } from 'node:net';
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { describe, expect, onTestFinished, test } from 'vitest';
import { withDeadline } from '../../core/aws.ts';
import type { Command, Send } from '../../core/ddb.ts';
import { isRejection } from '../../core/decider.ts';
import { deliver, ring } from '../../core/deliver.ts';
import { type Deps, makeDeps, type Ports, ports } from '../../core/deps.ts';
import { readDevice, readDevices } from '../../core/devices.ts';
import { readNewest, readRange } from '../../core/events.ts';
import { execute } from '../../core/execute.ts';
import { ConversationId, DeviceId, UserId } from '../../core/ids.ts';
import { deviceKey, type Stream } from '../../core/keys.ts';
import { raisePointer, raiseRegister, readMark, readPointer } from '../../core/pointers.ts';
import { acknowledge, raise, tellRead } from '../../core/registers.ts';
import { match, pairId } from '../../functions/matching/match.ts';
import { conversation } from '../../functions/messaging/conversation.ts';
import { registerDevice, removeDevice } from '../../functions/push/addresses.ts';
import { claimConnection } from '../../functions/sync/connections.ts';
import { issueTicket, redeemTicket } from '../../functions/sync/tickets.ts';
import { bindEnvironment, specs } from '../memory.ts';
import { ada, at, ben, demo, phone } from '../people.ts';
import { createDynamo } from '../sim/dynamo/dynamo.ts';

bindEnvironment();
const memory = createDynamo(specs);
const toMemory: Send = async (command) => memory.send(command);

const using = (send: Send = toMemory, more: Partial<Ports> = {}): Deps =>
  makeDeps({ read: 0, write: 0 }, { ...ports, log: () => undefined, sleep: async () => undefined, send, ...more });
const isA = (command: Command, name: 'Get' | 'Query' | 'Put' | 'Update') =>
  command.constructor.name === `${name}Command`;
const lost = () => Object.assign(new Error('the connection broke'), { name: 'TimeoutError' });

let conversations = 0;
const opened = async (): Promise<Stream> => {
  const id = ConversationId.parse(`cnv_${String(++conversations).padStart(22, '0')}`);
  const stream: Stream = { tenant: demo, kind: 'conversation', id };
  await execute(using(), conversation, {
    stream,
    command: { type: 'Open', members: [ada, ben], at },
    id: 'open',
    dedupe: 'state',
  });
  return stream;
};
const say = async (stream: Stream, id: string, by: UserId, deps = using()) => {
  const command = { type: 'Send' as const, id: `msg_${id}`, by, text: 'hello', at };
  const done = await execute(deps, conversation, { stream, command, id, by, dedupe: { after: 1 } });
  if (isRejection(done) || !done.commit) throw new Error('it was not said');
  return done.commit;
};
const pointerOf = (person: UserId, stream: Stream) => readPointer(using(), person, stream, { consistent: true });

describe('a read mark', () => {
  test('never goes down, also when a slow delivery of one’s own message comes last', async () => {
    const stream = await opened();
    const own = await say(stream, 'm1', ada);
    for (const n of [2, 3, 4]) await say(stream, `m${n}`, ben);
    let overtaken = false;
    const slow = using(async (command) => {
      const output = await toMemory(command);
      if (!isA(command, 'Get') || overtaken || !JSON.stringify(command.input).includes(ada)) return output;
      overtaken = true;
      const [head] = await readNewest(using(), stream, 1);
      if (head) await deliver(using(), stream, head);
      await raiseRegister(using(), ada, stream, readMark, 4);
      await say(stream, 'm5', ben);
      return output;
    });
    await deliver(slow, stream, own);
    expect(overtaken).toBe(true);
    expect(await pointerOf(ada, stream)).toMatchObject({ v: 6, read: 4 });
  });
  test('of who wrote is known to the other, also when the other’s own message moved their pointer past it', async () => {
    const stream = await opened();
    // As the ring of her own message leaves it, before anybody delivered the one before.
    await raisePointer(using(), ada, stream, { v: 3, count: 2, at, by: ada });
    const first = await say(stream, 'm1', ben);
    await say(stream, 'm2', ada);
    await deliver(using(), stream, first);
    expect(await pointerOf(ada, stream)).toMatchObject({ v: 3, read: 2, seen: { [ben]: 1 } });
  });
  test('of everyone who wrote is known when several messages are delivered at once', async () => {
    const stream = await opened();
    await say(stream, 'm1', ben);
    await say(stream, 'm2', ada);
    await deliver(using(), stream, await say(stream, 'm3', ben));
    expect(await pointerOf(ada, stream)).toMatchObject({ v: 4, read: 2, seen: { [ben]: 3 } });
    expect(await pointerOf(ben, stream)).toMatchObject({ v: 4, read: 3, seen: { [ada]: 2 } });
  });
  test('is told to the other’s devices before it is kept, so that a crash between tells it again', async () => {
    const stream = await opened();
    await deliver(using(), stream, await say(stream, 'm1', ben));
    const { pointer } = await raise(using(), ada, stream, readMark, 1);
    if (!pointer) throw new Error('there is no pointer');
    await claimConnection(using(), { tenant: demo, user: ben, device: phone, expires: 2 ** 31 }, 'open');
    const frames: string[] = [];
    const dying = using(
      async (command) => {
        if (isA(command, 'Update')) throw lost();
        return toMemory(command);
      },
      {
        sockets: {
          post: async (_id, frame) => (frames.push(frame) > 0 ? 'sent' : 'gone'),
          close: async () => undefined,
        },
      },
    );
    await expect(tellRead(dying, pointer)).rejects.toThrow();
    expect(frames.map((frame) => JSON.parse(frame))).toContainEqual(
      expect.objectContaining({ type: 'inbox', seen: { [ada]: 1 } }),
    );
    await tellRead(using(), pointer);
    expect((await pointerOf(ben, stream))?.seen).toEqual({ [ada]: 1 });
  });
});

describe('a command', () => {
  test('that may have been written is never said to have failed surely, nor told as a fault', async () => {
    const stream = await opened();
    let puts = 0;
    const faulty = using(async (command) => {
      if (isA(command, 'Put')) {
        puts++;
        await toMemory(command);
        throw lost();
      }
      if (isA(command, 'Query') && puts > 0)
        throw Object.assign(new Error('slow down'), { name: 'ThrottlingException' });
      return toMemory(command);
    });
    await expect(say(stream, 'k', ada, faulty)).rejects.toThrow('outcome-unknown');
    expect(await readRange(using(), stream, { from: 2, limit: 9 })).toHaveLength(1);
  });
  test('without `after` is done once though another’s came between its write and its look', async () => {
    const [one, two] = [UserId.parse('one'), UserId.parse('two')];
    const stream: Stream = { tenant: demo, kind: 'pair', id: pairId(one, two) };
    const feel = (type: 'Like' | 'Pass', id: string, deps = using()) =>
      execute(deps, match, { stream, command: { type, by: one, about: two, at }, id, by: one, dedupe: 'state' });
    let first = true;
    const faulty = using(async (command) => {
      const output = await toMemory(command);
      if (!isA(command, 'Put') || !first) return output;
      first = false;
      await feel('Pass', 'K2');
      throw lost();
    });
    expect(await feel('Like', 'K1', faulty)).toMatchObject({ v: 1, fresh: false });
    const commits = await readRange(using(), stream, { from: 1, limit: 9 });
    expect(commits.map(({ command }) => command)).toEqual([`${one}/K1`, `${one}/K2`]);
  });
  test('of one person can not have the name of another’s', async () => {
    const [a, ab] = [UserId.parse('a'), UserId.parse('a:b')];
    const stream: Stream = { tenant: demo, kind: 'conversation', id: 'cnv_names' };
    await execute(using(), conversation, {
      stream,
      command: { type: 'Open', members: [a, ab], at },
      id: 'open',
      dedupe: 'state',
    });
    await say(stream, 'b:c', a);
    expect(await say(stream, 'c', ab)).toMatchObject({ v: 3, by: ab });
  });
});

describe('a device', () => {
  const registration = {
    platform: 'ios' as const,
    push: { kind: 'apns' as const, value: 'ab'.repeat(32), app: 'x.y', environment: 'sandbox' as const },
    locale: 'en',
    appVersion: '1',
  };
  const { push: _push, ...unreachable } = registration;
  const person = (user: string) => ({ tenant: demo, user: UserId.parse(user) });
  const rowOf = (user: string) =>
    using().ddb.get({
      TableName: using().env.DEVICES_TABLE,
      Key: deviceKey(demo, UserId.parse(user), phone),
      ConsistentRead: true,
    });

  test('that registers while it connects keeps no expiry', async () => {
    let registered = false;
    const slow = using(async (command) => {
      const output = await toMemory(command);
      if (!isA(command, 'Get') || registered) return output;
      registered = true;
      await registerDevice(using(), person('e2'), phone, registration);
      return output;
    });
    await claimConnection(slow, { ...person('e2'), device: phone, expires: 2 ** 31 }, 'C1');
    const row = await rowOf('e2');
    expect([row?.platform, row?.expires, row?.connection]).toEqual([
      'ios',
      undefined,
      expect.objectContaining({ id: 'C1' }),
    ]);
  });
  test('that connected first loses its expiry when it registers and connects again', async () => {
    const session = { ...person('e3'), device: phone, expires: 2 ** 31 };
    await claimConnection(using(), session, 'C1');
    expect((await rowOf('e3'))?.expires).toBeGreaterThan(0);
    await registerDevice(using(), person('e3'), phone, unreachable);
    await claimConnection(using(), session, 'C2');
    expect((await rowOf('e3'))?.expires).toBeUndefined();
  });
  test('keeps its newest connection when an older claim lands late', async () => {
    const session = { ...person('e22'), device: phone, expires: 2 ** 31 };
    let late: (() => Promise<unknown>) | undefined;
    const faulty = using(async (command) => {
      if (!isA(command, 'Update') || late) return toMemory(command);
      late = () => toMemory(command).catch((error: Error) => error.name);
      throw lost();
    });
    await claimConnection(faulty, session, 'OLD');
    expect(await claimConnection(using(), session, 'NEW')).toMatchObject({ id: 'OLD' });
    expect(await late?.()).toBe('ConditionalCheckFailedException');
    expect((await readDevice(using(), demo, session.user, phone))?.connection?.id).toBe('NEW');
  });
  /** Its transactions do nothing yet: what they would have done is done later. */
  const lateTransactions = () => {
    const late: Command[] = [];
    const deps = using(async (command) => {
      if (command.constructor.name !== 'TransactWriteCommand') return toMemory(command);
      late.push(command);
      throw lost();
    });
    const land = () => Promise.all(late.map((command) => toMemory(command).catch((error: Error) => error.name)));
    return { deps, land };
  };
  test('that registered again stays registered when a logout of before lands late', async () => {
    const { deps, land } = lateTransactions();
    await registerDevice(using(), person('e30'), phone, registration);
    await expect(removeDevice(deps, person('e30'), phone)).rejects.toThrow('the connection broke');
    await removeDevice(using(), person('e30'), phone);
    await registerDevice(using(), person('e30'), phone, registration);
    expect(await land()).toEqual(['TransactionCanceledException']);
    expect((await rowOf('e30'))?.push).toEqual(registration.push);
  });
  test.each([
    ['that was never registered', async () => undefined],
    ['that was registered', () => registerDevice(using(), person('e31'), phone, registration)],
  ])('%s stays logged out when a registration of before lands late', async (_, before) => {
    const { deps, land } = lateTransactions();
    await before();
    await expect(registerDevice(deps, person('e31'), phone, registration)).rejects.toThrow('the connection broke');
    await removeDevice(using(), person('e31'), phone);
    expect(await land()).toEqual(['TransactionCanceledException']);
    expect(await rowOf('e31')).toMatchObject({ loggedOut: true });
    expect(await readDevices(using(), demo, UserId.parse('e31'))).toEqual([]);
  });
  test('of many is found though the page of a query ends at any of them', async () => {
    for (const device of ['d1', 'd2', 'd3'])
      await registerDevice(using(), person('e32'), DeviceId.parse(device), unreachable);
    const paged = using(async (command) => memory.send(command, { cut: 1 }));
    expect((await readDevices(paged, demo, UserId.parse('e32'))).map(({ device }) => device)).toEqual([
      'd1',
      'd2',
      'd3',
    ]);
  });
  test('gets a frame that the handler’s ring lost from the stream', async () => {
    const stream = await opened();
    const device = DeviceId.parse('lossy');
    const dan = UserId.parse('dan');
    const members = {
      stream: { ...stream, id: 'cnv_lossy' },
      command: { type: 'Open' as const, members: [ada, dan], at },
    };
    await execute(using(), conversation, { ...members, id: 'open', dedupe: 'state' });
    await claimConnection(using(), { tenant: demo, user: dan, device, expires: 2 ** 31 }, 'lossy');
    const frames: string[] = [];
    let broken = true;
    const post = async (_id: string, frame: string) => {
      if (broken) throw lost();
      frames.push(frame);
      return 'sent' as const;
    };
    const told: unknown[] = [];
    const log = (entry: Record<string, unknown>) => void (entry.msg === 'delivered' && told.push(entry.pointer));
    const deps = using(toMemory, { log, sockets: { post, close: async () => undefined }, sleep: ports.sleep });
    const commit = await say(members.stream, 'm1', ada);
    await ring(deps, members.stream, commit);
    expect(told.sort()).toEqual(['left to the stream', 'moved']);
    expect(await pointerOf(dan, members.stream)).toBeUndefined();
    broken = false;
    await deliver(deps, members.stream, commit);
    expect(frames.map((frame) => JSON.parse(frame).events.at(-1).v)).toEqual([2]);
    expect(await pointerOf(dan, members.stream)).toMatchObject({ v: 2 });
  });
  test('keeps a connection whose handshake still goes on when a frame comes too early for it', async () => {
    const stream = await opened();
    const device = DeviceId.parse('young');
    await claimConnection(using(), { tenant: demo, user: ada, device, expires: 2 ** 31 }, 'young');
    const entries: object[] = [];
    const log = (entry: object) => void entries.push(entry);
    const early = using(toMemory, { log, sockets: { post: async () => 'gone', close: async () => undefined } });
    await deliver(early, stream, await say(stream, 'm1', ben));
    expect(entries).toContainEqual(
      expect.objectContaining({ msg: 'delivered', person: ada, devices: [], gone: ['young'] }),
    );
    expect((await readDevice(using(), demo, ada, device))?.connection?.id).toBe('young');
    const later = new Date(Date.now() + 12 * 60_000);
    await deliver({ ...early, now: () => later }, stream, await say(stream, 'm2', ben));
    expect((await readDevice(using(), demo, ada, device))?.connection).toBeUndefined();
  });
});

test('a pointer forgets the acknowledgements of devices that are gone, and never grows without bound', async () => {
  const stream = await opened();
  await deliver(using(), stream, await say(stream, 'm1', ben));
  await claimConnection(using(), { tenant: demo, user: ada, device: phone, expires: 2 ** 31 }, 'c');
  await acknowledge(using(), ada, stream, phone, 1);
  for (let i = 0; i < 100; i++) await acknowledge(using(), ada, stream, DeviceId.parse(`gone-${i}`), 1);
  const acks = (await pointerOf(ada, stream))?.acks ?? {};
  expect(Object.keys(acks).length).toBeLessThanOrEqual(42);
  expect(acks[phone]).toBe(1);
});

test('a ticket is redeemed though the first answer was lost, and only once', async () => {
  const actor = { tenant: demo, user: ada };
  const { ticket } = await issueTicket(using(), actor, 2 ** 31);
  let first = true;
  const faulty = using(async (command) => {
    const output = await toMemory(command);
    if (!first) return output;
    first = false;
    throw lost();
  });
  expect(await redeemTicket(faulty, ticket)).toEqual({ ...actor, expires: 2 ** 31 });
  expect(await redeemTicket(using(), ticket)).toBeUndefined();
});

test('a server that accepts and stays silent is given up at the deadline', async () => {
  const silent = createServer(() => undefined).listen(0, '127.0.0.1');
  onTestFinished(() => void silent.close());
  await new Promise((resolve) => silent.once('listening', resolve));
  const address = silent.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const client = new DynamoDBClient({
    region: 'eu-west-1',
    credentials: { accessKeyId: 'a', secretAccessKey: 's' },
    endpoint: `http://127.0.0.1:${port}`,
    maxAttempts: 1,
    ...withDeadline(100),
  });
  await expect(client.send(new ListTablesCommand({}))).rejects.toThrow(/timeout|timed out/i);
  client.destroy();
});
