/** repair: whatever was lost or went too far is brought to where the events say, and devices with it. */
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { repairAll } from '../../ops/repair.ts';
import { verifyAll } from '../../ops/verify.ts';
import type { Walk } from '../../ops/walk.ts';
import { type Device, deviceOf, expectComplete } from '../api/device.ts';
import { changes, type Row, readTables, type Tables, writingNothing } from '../api/tables.ts';
import { type Frame, type Json, key, useWorld } from '../world.ts';
import { damage, type Edit, undo, walkOf } from './damage.ts';
import { damagesOf, type History, makeHistory, named, say } from './damages.ts';
import { startLoad } from './load.ts';
import { ops, opsJson } from './ops.ts';

const world = useWorld();
let history: History;
beforeAll(async () => {
  history = await makeHistory(world());
});

const hurried = (): Walk => walkOf(world(), { hurry: true });
const findings = async (): Promise<string[]> => named(await verifyAll(hurried()));
/** Puts everything back, and once more what the streams' functions made of that. */
const asBefore = async (): Promise<void> => {
  await undo(world(), history.before);
  await world().drain();
  await undo(world(), history.before);
};
afterEach(asBefore);
const changed = async (): Promise<Record<string, number>> => {
  const report = await repairAll(hurried());
  expect(report.failed).toEqual([]);
  await world().drain();
  return Object.fromEntries(Object.entries(report.changed).filter(([, n]) => n > 0));
};
const synced = async (who: 'ada' | 'ben'): Promise<Device> => {
  const device = deviceOf(history[who]);
  await device.sync(50);
  return device;
};
const expectSynced = async (device: Device, who: 'ada' | 'ben'): Promise<void> => {
  await device.sync(50);
  expectComplete(device, who, await readTables(world()));
};

describe('repair', () => {
  test('changes nothing where nothing is wrong', async () => {
    await writingNothing(world(), async () => expect(await changed()).toEqual({}));
  });
  test.each(damagesOf(() => history).filter(([, , , lasts]) => !lasts))('mends %s', async (_, edits) => {
    const devices = { ada: await synced('ada'), ben: await synced('ben') };
    await damage(world(), edits());
    await world().drain();
    const dry = await writingNothing(world(), () => repairAll(hurried(), { dryRun: true }));
    const real = await changed();
    expect(Object.keys(real).length, 'something was changed').toBeGreaterThan(0);
    expect(Object.values(dry.changed).reduce((sum, n) => sum + n, 0)).toBeGreaterThan(0);
    expect(await findings()).toEqual([]);
    for (const who of ['ada', 'ben'] as const) {
      await expectSynced(devices[who], who);
      await expectSynced(deviceOf(history[who]), who);
    }
    expect(await changed(), 'and then there is nothing to do').toEqual({});
  });
  test.each(damagesOf(() => history).filter(([, , , lasts]) => lasts))('goes on around %s', async (_, edits) => {
    await damage(world(), edits());
    await world().drain();
    const before = await findings();
    const { events } = await readTables(world());
    const { failed } = await repairAll(hurried());
    expect(failed).toEqual([]);
    expect((await readTables(world())).events, 'events are not touched, nor their receipts').toEqual(events);
    const after = await findings();
    expect(after.filter((each) => !before.includes(each))).toEqual([]);
  });
  test('brings everything back but acknowledgements, whichever items but events are gone', async () => {
    let seed = 7;
    const chance = (): number => {
      seed = (seed * 16807) % 2147483647;
      return seed / 2147483647;
    };
    for (let round = 0; round < 6; round++) {
      const lost = (['inbox', 'views', 'events'] as const).flatMap((table) =>
        history.before[table]
          .filter(({ sk }) => table !== 'events' || sk.startsWith('c#'))
          .filter(() => chance() < 0.5)
          .map((gone): Edit => ({ table, gone })),
      );
      await damage(world(), lost);
      await changed();
      expect(await findings()).toEqual([]);
      const bare = (row: Row): Row =>
        Object.fromEntries(Object.entries(row).filter(([name]) => !/^(own|ack:.*)$/.test(name))) as Row;
      const blind = ({ events, views, inbox, devices }: Tables): Tables => ({
        ...{ events, views, devices },
        inbox: inbox.map(bare),
      });
      expect(changes(blind(history.before), blind(await readTables(world())))).toEqual([]);
      await asBefore();
    }
  });
  test('goes on where it was interrupted', async () => {
    const { inbox, views } = history.before;
    await damage(world(), [
      ...inbox.map((gone): Edit => ({ table: 'inbox', gone })),
      ...views.map((gone): Edit => ({ table: 'views', gone })),
    ]);
    for (const calls of [5, 20, 40]) {
      const { deps, ...walk } = hurried();
      let left = calls;
      const dying = async (): Promise<void> => {
        if (left-- <= 0) throw Object.assign(new Error('killed'), { name: 'ValidationException' });
      };
      const ddb = {
        ...deps.ddb,
        update: (input: Json) => dying().then(() => deps.ddb.update(input)),
        get: (input: Json) => dying().then(() => deps.ddb.get(input)),
      };
      const broken = await repairAll({ ...walk, deps: { ...deps, ddb } }).catch(() => ({ failed: ['killed'] }));
      expect(broken.failed.length).toBeGreaterThan(0);
    }
    await changed();
    expect(await findings()).toEqual([]);
  });
  test('leads to where all is well while everybody likes, writes and reads', async () => {
    const load = await startLoad(world());
    try {
      for (let round = 0; round < 3; round++) {
        const { inbox, views, events } = await readTables(world());
        const gone = [
          ...inbox.filter((_, i) => i % 3 === round).map((row): Edit => ({ table: 'inbox', gone: row })),
          ...views.filter((_, i) => i % 3 === round).map((row): Edit => ({ table: 'views', gone: row })),
          ...events
            .filter(({ sk }, i) => sk.startsWith('c#') && i % 3 === round)
            .map((row): Edit => ({ table: 'events', gone: row })),
        ];
        await damage(world(), gone);
        const { failed } = await repairAll(walkOf(world()));
        expect(failed).toEqual([]);
      }
    } finally {
      await load.end();
    }
    await world().drain();
    expect(named(await verifyAll(walkOf(world())))).toEqual([]);
  }, 120_000);
  test('waits as long as its rate asks for what it consumes', async () => {
    const { deps, ...walk } = walkOf(world(), { pages: 10 });
    let waited = 0;
    const now = () => new Date('2026-01-01T00:00:00.000Z');
    const sleep = async (ms: number): Promise<void> => {
      waited += ms;
    };
    const slow = { ...walk, deps: { ...deps, now, sleep } };
    await repairAll(slow, { rate: 10 });
    const { read = 0, write = 0 } = slow.meter ?? {};
    expect(read + write).toBeGreaterThan(50);
    expect(waited / 1000).toBeCloseTo((read + write) / 10, 0);
  });
  test('says what it did, and what it would do', async () => {
    const [gone] = history.before.views;
    if (!gone) throw new Error('there is no row');
    await damage(world(), [{ table: 'views', gone }]);
    const dry = await ops(world(), 'repair', '--dry-run');
    expect(dry).toMatchObject({ status: 0, out: expect.stringContaining('rowsPut') });
    const { status, json } = await opsJson(world(), 'repair', '--rate', '5000');
    expect([status, json.changed.rowsPut, json.failed]).toEqual([0, 1, []]);
    expect(await ops(world(), 'repair')).toMatchObject({
      status: 0,
      out: expect.stringContaining('There was nothing to repair.'),
    });
    expect(await ops(world(), 'repair', '--restored', 'yesterday')).toMatchObject({ status: 2 });
    expect(await ops(world(), 'repair', '--restored', '2999-01-01T00:00:00Z')).toMatchObject({ status: 2 });
    expect(await ops(world(), 'repair', 'all')).toMatchObject({ status: 2 });
  });
});

describe('after a restore', () => {
  const talk = (): string => `conversation/${history.conversation}`;
  const eventsOf = (device: Device): string[] =>
    (device.streams.get(talk())?.events ?? []).map(({ text }: Json) => text);
  const write = async (...texts: string[]): Promise<void> => {
    for (const text of texts) expect((await say(history.ada, history.conversation, text)).status).toBe(201);
    await world().drain();
  };
  /** Back to a moment: of the events only, or of all. */
  const restore = async (to: Tables, tables: (keyof Tables)[]): Promise<void> => {
    const now = await readTables(world());
    const target = Object.fromEntries(
      Object.entries(now).map(([table, rows]) => [
        table,
        tables.includes(table as keyof Tables) ? to[table as keyof Tables] : rows,
      ]),
    );
    await undo(world(), target as Tables);
    await world().drain();
    await undo(world(), target as Tables);
  };

  test('of the events, a device that holds what is no more starts anew, though its versions were written again', async () => {
    const devices = [await synced('ben'), await synced('ben'), deviceOf(history.ben)];
    await write('lost one', 'lost two', 'lost three');
    for (const device of devices.slice(1)) await device.sync(50);
    await restore(history.before, ['events']);
    const { pointersTakenBack } = await changed();
    expect(pointersTakenBack).toBe(2);
    expect(await findings()).toEqual([]);
    await write('new one', 'new two', 'new three', 'new four');
    for (const device of devices) {
      await expectSynced(device, 'ben');
      expect(eventsOf(device).slice(-4)).toEqual(['new one', 'new two', 'new three', 'new four']);
      expect(await device.page(50), 'and then there is nothing more').toBe(false);
      expectComplete(device, 'ben', await readTables(world()));
    }
  });
  test('of the events, what a device acknowledged then holds back no push of what is written under the same version now', async () => {
    const stream = talk();
    const phone = await history.ada.connect('phone');
    await say(history.ben, history.conversation, 'lost');
    await phone.until(({ type, events }: Frame) => type === 'events' && events.some(({ v }: Json) => v === 6));
    phone.send({ type: 'ack', stream, v: 6 });
    await world().logged(({ msg, stream: name, v }) => msg === 'acknowledged' && name === stream && v === 6);
    await restore(history.before, ['events']);
    await changed();
    expect(await phone.closed, 'who is connected has to sync').toBeGreaterThan(0);
    await say(history.ben, history.conversation, 'new');
    await world().drain();
    const decided = ({ msg, stream: name, v, decision }: Json) =>
      msg === 'push decided' && name === stream && v === 6 && decision === 'sent';
    await world().logged(decided);
  });
  test('to before a person had any stream, their devices start anew all the same', async () => {
    const lone = await world().person('lone');
    const platform = { platform: 'ios', locale: 'en', appVersion: '1' };
    expect((await lone.call('PUT', '/v1/devices/phone', platform)).status).toBe(200);
    const { body: nothing } = await lone.call('GET', '/v1/sync');
    const restored = '2026-11-24T09:00:00.000Z';
    await repairAll(hurried(), { restored });
    const { body } = await lone.call('GET', `/v1/sync?cursor=${nothing.cursor}`);
    expect(body).toMatchObject({ reset: true, streams: [], more: false });
    expect((await lone.call('GET', `/v1/sync?cursor=${body.cursor}`)).body).not.toHaveProperty('reset');
  });
  test('of all tables, every device starts anew, once', async () => {
    const device = await synced('ben');
    await write('lost one', 'lost two');
    await device.sync(50);
    await restore(history.before, ['events', 'inbox', 'views', 'devices']);
    const restored = '2026-11-24T10:00:00.000Z';
    const dry = await writingNothing(world(), () => repairAll(hurried(), { restored, dryRun: true }));
    expect(dry.changed.devicesStartAnew).toBe(4);
    expect((await repairAll(hurried(), { restored })).changed).toMatchObject({ devicesStartAnew: 4 });
    expect((await repairAll(hurried(), { restored })).changed).toMatchObject({ devicesStartAnew: 0 });
    // A second restore may be to an earlier moment.
    const earlier = { restored: '2026-11-24T08:00:00.000Z' };
    expect((await repairAll(hurried(), earlier)).changed.devicesStartAnew).toBeGreaterThan(0);
    await repairAll(hurried(), { restored });
    // A stream that came later may stand before the one that was marked.
    const rows = (await readTables(world())).inbox.filter(({ pk }) => pk === 'demo#person#ben');
    const moved = rows.map(({ restored: _restored, ...row }, i) => (i === 1 ? { ...row, restored } : row) as Row);
    await damage(
      world(),
      moved.map((row): Edit => ({ table: 'inbox', row })),
    );
    expect((await repairAll(hurried(), { restored })).changed).toMatchObject({ devicesStartAnew: 0 });
    await write('new one', 'new two', 'new three');
    await expectSynced(device, 'ben');
    expect(eventsOf(device).slice(-3)).toEqual(['new one', 'new two', 'new three']);
    const { body } = await history.ben.call('GET', `/v1/sync?cursor=${device.cursor}`);
    expect(body).toMatchObject({ streams: [], more: false });
    expect(body).not.toHaveProperty('reset');
  });
  test('a device that is beyond its stream starts anew even before anybody has repaired anything', async () => {
    const device = await synced('ben');
    await write('lost');
    await device.sync(50);
    await restore(history.before, ['events', 'inbox']);
    await expectSynced(device, 'ben');
    expect(eventsOf(device)).not.toContain('lost');
  });
  test('a conversation that is no more is gone from its members’ devices and lists, and can begin again', async () => {
    const zoe = await world().person('zoe');
    const begin = await readTables(world());
    const { conversationId } = (await world().matched('zoe', 'ben')) ?? {};
    await say(zoe, conversationId, 'lost');
    await world().drain();
    const device = deviceOf(zoe);
    await device.sync(50);
    await restore(begin, ['events']);
    await changed();
    expect(await findings()).toEqual([]);
    await device.sync(50);
    expect([...device.streams.keys()]).toEqual([]);
    expect((await zoe.call('GET', '/v1/conversations')).body).toEqual({ conversations: [] });
    expect((await zoe.call('GET', '/v1/matches')).body).toEqual({ matches: [], more: false });
    const read = await zoe.call('PUT', `/v1/conversations/${conversationId}/read`, { upTo: 1 });
    expect([read.status, read.body.code]).toEqual([404, 'not-found']);
    const sent = { text: 'hello', after: 0 };
    expect((await zoe.call('POST', `/v1/conversations/${conversationId}/messages`, sent, key())).status).toBe(404);
    await world().matched('zoe', 'ben');
    await say(zoe, conversationId, 'again');
    await world().drain();
    await device.sync(50);
    expectComplete(device, 'zoe', await readTables(world()));
    expect(await findings()).toEqual([]);
  });
});
