/** Connections: bought with a ticket, one for each device, ended by whoever may end them. */
import { describe, expect, test, vi } from 'vitest';
import { type Frame, type Json, key, openSocket, type Person, useWorld } from '../world.ts';
import { readTables, setAttribute } from './tables.ts';

const world = useWorld();

const holds = (stream: string, v: number) => (frame: Frame) =>
  frame.type === 'events' && frame.stream === stream && frame.events.some((event: Json) => event.v === v);
const ticketOf = async (person: Person): Promise<{ ticket: string; expiresAt: string }> =>
  (await person.call('POST', '/v1/socket-tickets', {})).body;
const enter = (ticket: string, device = 'phone') => openSocket(`${world().ws}/?ticket=${ticket}&device=${device}`);
const rowOf = async (device: string, user: string): Promise<Json> =>
  (await readTables(world())).devices.find(({ pk, sk }) => pk === `demo#person#${user}` && sk === `device#${device}`);
/** Sends `n` messages into a conversation that has none, and waits until everyone was told. */
const converse = async (from: Person, conversationId: string, n: number): Promise<void> => {
  for (let i = 1; i <= n; i++)
    await from.call('POST', `/v1/conversations/${conversationId}/messages`, { text: `${i}`, after: i }, key());
  await world().drain();
};

describe('a ticket', () => {
  test('opens one connection, whoever comes with it at the same moment', async () => {
    const { ticket } = await ticketOf(await world().person('t-ada'));
    const tries = await Promise.allSettled(Array.from({ length: 10 }, (_, i) => enter(ticket, `phone-${i}`)));
    const refusals = tries.flatMap((each) => (each.status === 'rejected' ? [String(each.reason.message)] : []));
    expect(refusals).toEqual(Array.from({ length: 9 }, () => 'Unexpected server response: 403'));
  });
  test('is good for 60 seconds and no longer', async () => {
    const [ada, now] = [await world().person('o-ada'), Date.now()];
    const { ticket, expiresAt } = await ticketOf(ada);
    expect(Date.parse(expiresAt) - now).toBeGreaterThan(58_000);
    expect(Date.parse(expiresAt) - now).toBeLessThanOrEqual(60_500);
    const row = (await readTables(world())).devices.find(({ pk, user }) => pk.includes('#ticket#') && user === 'o-ada');
    if (!row) throw new Error('the ticket is not there');
    expect(JSON.stringify(row), 'a stolen table opens nothing').not.toContain(ticket.slice('demo.'.length));
    await setAttribute(world(), 'devices', row, 'until', Math.floor(now / 1000));
    await expect(enter(ticket)).rejects.toThrow('403');
  });
  test.each([
    ['no ticket', '?device=phone', '401'],
    ['no device', '?ticket=demo.x', '401'],
    ['a made-up ticket', '?ticket=demo.AAAA&device=phone', '403'],
    ['a tenant that does not exist', '?ticket=nobody.AAAA&device=phone', '403'],
    ['keys of the database for a ticket', '?ticket=demo.%23ticket%25%23&device=phone', '403'],
  ])('%s opens nothing', async (_, query, status) => {
    await expect(openSocket(`${world().ws}/${query}`)).rejects.toThrow(status);
  });
  test.each(['%23', 'a%2523', 'a%20b', 'x'.repeat(65)])('for the device %s is refused and not used up', async (bad) => {
    const { ticket } = await ticketOf(await world().person('d-ada'));
    await expect(enter(ticket, bad)).rejects.toThrow('403');
    (await enter(ticket)).close();
  });
  test('of one tenant opens nothing in another', async () => {
    const { ticket } = await ticketOf(await world().person('d-ada'));
    await expect(enter(ticket.replace(/^demo/, 'aurora'))).rejects.toThrow('403');
  });
});

describe('a connection', () => {
  test('is told by a pong the sums that its sync leads to', async () => {
    const { a, b, conversationId } = await world().matched('p-ada', 'p-ben');
    const phone = await a.connect('phone');
    await converse(a, conversationId, 3);
    await b.call('PUT', `/v1/conversations/${conversationId}/read`, { upTo: 2 });
    await world().drain();
    phone.send({ type: 'ping' });
    const pong = await phone.until(({ type }) => type === 'pong');
    const { streams } = (await a.call('GET', '/v1/sync')).body;
    const sum = (of: (part: Json) => number): number => streams.reduce((all: number, part: Json) => all + of(part), 0);
    const marks = ({ read, seen }: Json): number[] => [read, ...Object.values<number>(seen)];
    const registers = sum((part) => marks(part).reduce((all, mark) => all + mark));
    expect(pong).toEqual({ type: 'pong', streams: streams.length, versions: sum(({ v }) => v), registers });
    expect(pong).toMatchObject({ streams: 2, versions: 6, registers: 5 });
  });
  test('acknowledges upwards only, each device for itself', async () => {
    const { a, b, conversationId } = await world().matched('a-ada', 'a-ben');
    await converse(a, conversationId, 4);
    const [phone, tablet] = await Promise.all([b.connect('phone'), b.connect('tablet')]);
    const stream = `conversation/${conversationId}`;
    for (const [device, v] of [[phone, 4] as const, [tablet, 2] as const, [phone, 3] as const])
      device.send({ type: 'ack', stream, v });
    for (const device of [phone, tablet]) device.send({ type: 'ping' });
    await Promise.all([phone, tablet].map((device) => device.until(({ type }) => type === 'pong')));
    await world().drain();
    const pointer = (await readTables(world())).inbox.find((row) => row.person === 'a-ben' && row.stream === stream);
    expect(pointer).toMatchObject({ 'ack:phone': 4, 'ack:tablet': 2 });
    expect(phone.frames.filter(({ type }) => type === 'problem')).toEqual([]);
  });
  test('replaces the device’s earlier one, whose late end changes nothing', async () => {
    const { a, b, conversationId } = await world().matched('c-ada', 'c-ben');
    const first = await b.connect('phone');
    const before = (await rowOf('phone', b.user)).connection.id;
    const second = await b.connect('phone');
    expect(await first.until(({ type }) => type === 'closing')).toEqual({
      type: 'closing',
      code: 'connected-elsewhere',
    });
    await first.closed;
    const late = await world().logged(({ msg, connectionId }) => msg === 'disconnected' && connectionId === before);
    expect(late.outcome).toBe('newer');
    await converse(a, conversationId, 1);
    await second.until(holds(`conversation/${conversationId}`, 2));
    expect(first.frames.filter(({ type }) => type === 'events')).toEqual([]);
  });
  test('is the only one of its device, however many are made at once', async () => {
    const { a, b, conversationId } = await world().matched('n-ada', 'n-ben');
    const phones = await Promise.all(Array.from({ length: 6 }, () => b.connect('phone')));
    const ended = new Set<unknown>();
    for (const phone of phones) void phone.closed.then(() => ended.add(phone));
    for (const phone of phones) phone.send({ type: 'ping' });
    const open = () => phones.filter((phone) => !ended.has(phone));
    await vi.waitFor(() => expect(open(), 'connections that are still open').toHaveLength(1), 3000);
    await converse(a, conversationId, 1);
    await open()[0]?.until(holds(`conversation/${conversationId}`, 2));
    expect((await rowOf('phone', b.user)).epoch).toBe(6);
  });
});
