/** Each address has one owner; a provider's word counts for the registration that it was about; devices stay few. */
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Command, Send } from '../../core/ddb.ts';
import { type Deps, makeDeps, type Ports, ports } from '../../core/deps.ts';
import { type Device, type PushAddress, readDevice, readDevices, readRows } from '../../core/devices.ts';
import { type Actor, DeviceId, type UserId } from '../../core/ids.ts';
import { addressKey } from '../../core/keys.ts';
import { registerDevice, removeDevice } from '../../functions/push/addresses.ts';
import { correctEnvironment, forgetAddress, suspectAddress } from '../../functions/push/forget.ts';
import { hashOf } from '../../functions/push/owners.ts';
import { Registration } from '../../functions/push/registration.ts';
import { claimConnection } from '../../functions/sync/connections.ts';
import { bindEnvironment, specs } from '../memory.ts';
import { ada, ben, demo, phone } from '../people.ts';
import { createDynamo, type Dynamo } from '../sim/dynamo/dynamo.ts';

beforeAll(bindEnvironment);

let memory: Dynamo;
let clock: number;
beforeEach(() => {
  memory = createDynamo(specs);
  clock = Date.parse('2026-01-01T00:00:00.000Z');
});

const toMemory: Send = async (command) => memory.send(command);
const using = (send: Send = toMemory, more: Partial<Ports> = {}): Deps => {
  const silent = { log: () => undefined, sleep: async () => undefined };
  return makeDeps({ read: 0, write: 0 }, { ...ports, ...silent, now: () => new Date(clock), send, ...more });
};
const lost = () => Object.assign(new Error('the connection broke'), { name: 'TimeoutError' });
const isTransaction = (command: Command) => command.constructor.name === 'TransactWriteCommand';

const tablet = DeviceId.parse('tablet');
const push = (letter: string) => ({
  ...{ kind: 'apns', value: letter.repeat(64), app: 'example.chorus.demo', environment: 'sandbox' },
});
const activity = (letter: string) => ({ ...push(letter), kind: 'apns-live-activity' });
const says = (more: object = {}): Registration =>
  Registration.parse({ platform: 'ios', locale: 'en', appVersion: '1', ...more });
const actor = (user: UserId): Actor => ({ tenant: demo, user });
const register = (user: UserId, device: DeviceId, more: object = {}, deps = using()) =>
  registerDevice(deps, actor(user), device, says(more));
const rowOf = async (user: UserId, device: DeviceId = phone): Promise<Device> => {
  const row = await readDevice(using(), demo, user, device);
  if (!row) throw new Error(`there is no ${user} ${device}`);
  return row;
};
const ownerOf = async (address: object): Promise<string | undefined> => {
  const Key = addressKey(demo, hashOf(address as PushAddress));
  const item = await using().ddb.get({ TableName: 'memory-devices', Key, ConsistentRead: true });
  return item && `${item.person} ${item.device}`;
};
const liveOf = (user: UserId) => readDevices(using(), demo, user, { consistent: true });

describe('an address', () => {
  test('moves to the person and device that register it, and the device before loses it', async () => {
    await register(ada, phone, { push: push('a'), activity: activity('b') });
    await register(ben, phone, { push: push('a') });
    expect([(await rowOf(ada)).push, (await rowOf(ada)).activity?.value]).toEqual([undefined, 'b'.repeat(64)]);
    await register(ben, tablet, { activity: activity('b') });
    expect([(await rowOf(ada)).activity, (await rowOf(ada)).activityHash]).toEqual([undefined, undefined]);
    expect([await ownerOf(push('a')), await ownerOf(activity('b'))]).toEqual(['usr_ben phone', 'usr_ben tablet']);
  });
  test('moves together with that of its activity, and to another device of the same person', async () => {
    await register(ada, phone, { push: push('a'), activity: activity('b') });
    await register(ada, tablet, { push: push('a'), activity: activity('b') });
    expect(Object.keys(await rowOf(ada)).filter((name) => /push|activity|hash/i.test(name))).toEqual([]);
    expect([await ownerOf(push('a')), await ownerOf(activity('b'))]).toEqual(['usr_ada tablet', 'usr_ada tablet']);
  });
  test('is the same in capitals, and in another environment', async () => {
    await register(ada, phone, { push: push('a') });
    await register(ben, phone, { push: { ...push('A'), environment: 'production' } });
    expect([(await rowOf(ada)).push, (await rowOf(ben)).push?.value]).toEqual([undefined, 'a'.repeat(64)]);
  });
  test('goes when its device registers another, or none', async () => {
    await register(ada, phone, { push: push('a'), activity: activity('b') });
    await register(ada, phone, { push: push('c') });
    expect([await ownerOf(push('a')), await ownerOf(activity('b'))]).toEqual([undefined, undefined]);
    await register(ada, phone);
    expect(await ownerOf(push('c'))).toBeUndefined();
  });
  test('goes with its device', async () => {
    await register(ada, phone, { push: push('a'), activity: activity('b') });
    await removeDevice(using(), actor(ada), phone);
    expect([await ownerOf(push('a')), await ownerOf(activity('b'))]).toEqual([undefined, undefined]);
  });
  test('that many register at once is one’s alone', async () => {
    const devices = Array.from({ length: 4 }, (_, i) => DeviceId.parse(`d${i}`));
    const both = { push: push('a'), activity: activity('b') };
    await Promise.allSettled(devices.map((device) => register(ada, device, both)));
    for (const which of ['push', 'activity'] as const) {
      const holders = (await liveOf(ada)).filter((row) => row[which]);
      expect(holders.map(({ device }) => `usr_ada ${device}`)).toEqual([await ownerOf(both[which])]);
    }
  });
});

describe('an address that the provider knows no more', () => {
  const gone = { tenant: demo, reason: 'Unregistered' };
  test('goes with its owner, and the row says why', async () => {
    await register(ada, phone, { push: push('a') });
    const device = await rowOf(ada);
    clock += 5000;
    expect(await forgetAddress(using(), { ...gone, device })).toBe('forgotten');
    const { push: address, addressHash, lost: trouble, epoch } = await rowOf(ada);
    expect([address, addressHash, epoch]).toEqual([undefined, undefined, device.epoch + 1]);
    expect(trouble).toEqual({ reason: 'Unregistered', at: '2026-01-01T00:00:05.000Z' });
    expect(await ownerOf(push('a'))).toBeUndefined();
    await register(ada, phone, { push: push('a') });
    expect([(await rowOf(ada)).lost, await ownerOf(push('a'))]).toEqual([undefined, 'usr_ada phone']);
  });
  test.each([
    ['before', -1, 'kept: registered since'],
    ['when', 0, 'kept: registered since'],
    ['after', 1, 'forgotten'],
  ])('%s it was registered', async (_, offset, expected) => {
    await register(ada, phone, { push: push('a') });
    const device = await rowOf(ada);
    expect(await forgetAddress(using(), { ...gone, device, since: clock + offset })).toBe(expected);
    expect((await rowOf(ada)).push === undefined).toBe(expected === 'forgotten');
  });
  test.each([
    ['the same', 'a'],
    ['another', 'b'],
  ])('is kept where the device registered %s since, be it in the same millisecond', async (_, letter) => {
    await register(ada, phone, { push: push('a') });
    const device = await rowOf(ada);
    await register(ada, phone, { push: push(letter) });
    expect(await forgetAddress(using(), { ...gone, device, since: clock + 9 })).toBe('kept: registered since');
    expect([(await rowOf(ada)).push?.value, await ownerOf(push(letter))]).toEqual([letter.repeat(64), 'usr_ada phone']);
  });
  test('is kept for who took it over', async () => {
    await register(ada, phone, { push: push('a') });
    const device = await rowOf(ada);
    await register(ben, phone, { push: push('a') });
    expect(await forgetAddress(using(), { ...gone, device })).toBe('kept: changed');
    expect([(await rowOf(ben)).push?.value, await ownerOf(push('a'))]).toEqual(['a'.repeat(64), 'usr_ben phone']);
  });
  test('is forgotten though its device connected meanwhile, and keeps the connection', async () => {
    await register(ada, phone, { push: push('a') });
    const device = await rowOf(ada);
    await claimConnection(using(), { ...actor(ada), device: phone, expires: 2 ** 31 }, 'C1');
    expect(await forgetAddress(using(), { ...gone, device })).toBe('forgotten');
    expect((await rowOf(ada)).connection?.id).toBe('C1');
  });
  test('of a Live Activity goes alone', async () => {
    await register(ada, phone, { push: push('a'), activity: activity('b') });
    expect(await forgetAddress(using(), { ...gone, device: await rowOf(ada) }, 'activity')).toBe('forgotten');
    const row = await rowOf(ada);
    expect([row.push?.value, row.activity, row.lost]).toEqual(['a'.repeat(64), undefined, undefined]);
    expect([await ownerOf(push('a')), await ownerOf(activity('b'))]).toEqual(['usr_ada phone', undefined]);
  });
  test('is registered again while it is forgotten: whichever is first, the registration stays', async () => {
    for (const first of ['registration', 'forgetting'] as const) {
      await register(ada, phone, { push: push('a') });
      const device = await rowOf(ada);
      clock += 1000;
      let raced = false;
      /** The other one happens right before the first transaction. */
      const meanwhile = (other: () => Promise<unknown>) =>
        using(async (command) => {
          if (isTransaction(command) && !raced) {
            raced = true;
            await other();
          }
          return memory.send(command);
        });
      const again = (deps = using()) => register(ada, phone, { push: push('a') }, deps);
      const forget = (deps = using()) => forgetAddress(deps, { ...gone, device });
      if (first === 'registration') expect(await forget(meanwhile(again))).toBe('kept: registered since');
      else await again(meanwhile(forget));
      const { push: address, lost: trouble } = await rowOf(ada);
      expect([raced, address?.value, trouble]).toEqual([true, 'a'.repeat(64), undefined]);
      expect(await ownerOf(push('a'))).toBe('usr_ada phone');
    }
  });
  test.each(['landed', 'did not land', 'lands after the next registration'])(
    'is forgotten once, where nobody knows whether it was and it %s',
    async (fate) => {
      await register(ada, phone, { push: push('a') });
      const device = await rowOf(ada);
      const late: Command[] = [];
      const doubtful = using(async (command) => {
        if (!isTransaction(command) || late.length > 0) return memory.send(command);
        late.push(command);
        if (fate === 'landed') memory.send(command);
        throw lost();
      });
      expect(await forgetAddress(doubtful, { ...gone, device })).toBe('forgotten');
      expect([(await rowOf(ada)).epoch, late.length]).toEqual([device.epoch + 1, 1]);
      clock += 1000;
      await register(ada, phone, { push: push('a') });
      if (fate.startsWith('lands')) for (const command of late) expect(() => memory.send(command)).toThrow();
      expect([(await rowOf(ada)).push?.value, await ownerOf(push('a'))]).toEqual(['a'.repeat(64), 'usr_ada phone']);
    },
  );
});

describe('an address that does not fit', () => {
  test('is marked, and unmarked by the next registration', async () => {
    await register(ada, phone, { push: push('a') });
    const device = await rowOf(ada);
    expect(await suspectAddress(using(), { tenant: demo, device, reason: 'SenderIdMismatch' })).toBe('suspect');
    expect(await rowOf(ada)).toMatchObject({ push: push('a'), suspect: { reason: 'SenderIdMismatch' } });
    clock += 1000;
    await register(ada, phone, { push: push('a') });
    expect(await suspectAddress(using(), { tenant: demo, device, reason: 'late' })).toBe('kept: registered since');
    expect((await rowOf(ada)).suspect).toBeUndefined();
  });
  test('only because of its environment is corrected, and keeps its age and owner', async () => {
    await register(ada, phone, { push: push('a') });
    const device = await rowOf(ada);
    clock += 1000;
    expect(await correctEnvironment(using(), { tenant: demo, device, environment: 'production' })).toBe('corrected');
    const row = await rowOf(ada);
    expect([row.push?.environment, row.registeredAt]).toEqual(['production', device.registeredAt]);
    expect(await ownerOf(push('a'))).toBe('usr_ada phone');
    await register(ben, phone, { push: push('a') });
    expect(await correctEnvironment(using(), { tenant: demo, device, environment: 'sandbox' })).toBe('kept: changed');
  });
});

describe('a person', () => {
  const many = (count: number) => Array.from({ length: count }, (_, i) => DeviceId.parse(`d${i}`));
  test('who registers 30 devices at once keeps 19 or 20, and every address has its owner', async () => {
    const registrations = many(30).map((device, i) => {
      const value = i.toString(16).padStart(64, '0');
      return register(ada, device, { push: { ...push('0'), value } });
    });
    const settled = await Promise.allSettled(registrations);
    expect(settled.filter(({ status }) => status === 'rejected')).toEqual([]);
    const live = await liveOf(ada);
    expect([19, 20]).toContain(live.length);
    for (const { device, push: address } of live) expect(await ownerOf(address ?? {})).toBe(`usr_ada ${device}`);
    const rows = await readRows(using(), demo, ada, { consistent: true });
    expect(rows.filter(({ retired }) => retired).length).toBe(30 - live.length);
  });
  test('who registers 10,000 devices keeps the 20 newest, and 100 tombstones', async () => {
    const devices = many(10_000);
    for (const device of devices) {
      clock += 1;
      await register(ada, device, { push: { ...push('0'), value: clock.toString(16).padStart(64, '0') } });
    }
    const live = await liveOf(ada);
    expect(live.map(({ device }) => device).sort()).toEqual(devices.slice(-20).sort());
    expect(await readRows(using(), demo, ada, { consistent: true })).toHaveLength(120);
  });
  test('who logs out 300 devices that never were leaves 100 tombstones, and is heard of on the one that is', async () => {
    await register(ada, DeviceId.parse('z'));
    for (const device of many(300)) await removeDevice(using(), actor(ada), device);
    expect((await liveOf(ada)).map(({ device }) => device)).toEqual(['z']);
    expect((await readRows(using(), demo, ada, { consistent: true })).length).toBeLessThanOrEqual(102);
  });
  test('loses a device though nobody is told that it went, and its connection is closed', async () => {
    for (const device of many(20)) {
      clock += 1;
      await register(ada, device);
    }
    await claimConnection(using(), { ...actor(ada), device: DeviceId.parse('d0'), expires: 2 ** 31 }, 'C0');
    let told = false;
    const silent = using(async (command) => {
      const output = await memory.send(command);
      if (!isTransaction(command) || !JSON.stringify(command.input).includes('retired') || told) return output;
      told = true;
      throw lost();
    });
    const ended = await register(ada, phone, {}, silent);
    expect([told, ended.map(({ id }) => id), (await liveOf(ada)).length]).toEqual([true, ['C0'], 20]);
  });
  test('whose 21st device connects loses the oldest, and who never registered goes first', async () => {
    for (const device of many(19)) {
      clock += 1;
      await register(ada, device);
    }
    const closed: string[] = [];
    const sockets = { post: async () => 'sent' as const, close: async (id: string) => void closed.push(id) };
    const connect = (device: string) =>
      claimConnection(
        using(toMemory, { sockets }),
        { ...actor(ada), device: DeviceId.parse(device), expires: 2 ** 31 },
        `of ${device}`,
      );
    for (const device of ['web', 'tv', 'd0']) await connect(device);
    expect(closed).toEqual(['of web']);
    expect(await rowOf(ada, DeviceId.parse('web'))).toMatchObject({ loggedOut: true, retired: 'too-many-devices' });
    await connect('web');
    expect(closed).toEqual(['of web', 'of tv']);
    const { retired, loggedOut } = await rowOf(ada, DeviceId.parse('web'));
    // It has no address: its socket does not bring that back.
    expect([retired, loggedOut, (await liveOf(ada)).length]).toEqual(['too-many-devices', false, 20]);
  });
});
