/** What the product itself does with its tables, by its own functions, for a few people, streams and devices that collide. */
import fc from 'fast-check';
import type { Commit } from '../../../../core/commit.ts';
import { createDdb, type Send } from '../../../../core/ddb.ts';
import { type Deps, ports } from '../../../../core/deps.ts';
import { forgetConnection, readDevices } from '../../../../core/devices.ts';
import type { Env } from '../../../../core/env.ts';
import { append, appendWithReceipt, readNewest, readRange, readReceipt } from '../../../../core/events.ts';
import { type Actor, ConversationId, DeviceId, TenantId, UserId } from '../../../../core/ids.ts';
import { type Stream, viewKey } from '../../../../core/keys.ts';
import {
  ackOf,
  forgetAcks,
  raisePointer,
  raiseRegister,
  readMark,
  readPointer,
  readPointers,
  seenBy,
} from '../../../../core/pointers.ts';
import { readMatches } from '../../../../functions/matching/matches.ts';
import { append as appendPayload, readChain } from '../../../../functions/purchases/audit.ts';
import { registerDevice, removeDevice } from '../../../../functions/push/addresses.ts';
import { countSent, mayForget } from '../../../../functions/push/breaker.ts';
import { spendBackground, spendVisible } from '../../../../functions/push/budget.ts';
import { hold, holdOf } from '../../../../functions/push/holds.ts';
import type { Registration } from '../../../../functions/push/registration.ts';
import { claimConnection } from '../../../../functions/sync/connections.ts';
import { issueTicket, redeemTicket } from '../../../../functions/sync/tickets.ts';
import type { TableSpec } from '../dynamo.ts';

const streamView = 'NEW_AND_OLD_IMAGES';
export const tables: readonly TableSpec[] = ['Events', 'Inbox', 'Views', 'Devices', 'Trail', 'Transactions'].map(
  (name) => ({
    name,
    streamView,
  }),
);

const env: Env = {
  ...{
    EVENTS_TABLE: 'Events',
    INBOX_TABLE: 'Inbox',
    VIEWS_TABLE: 'Views',
    DEVICES_TABLE: 'Devices',
    TRAIL_TABLE: 'Trail',
    TRANSACTIONS_TABLE: 'Transactions',
  },
  ...{ PUSH_QUEUE_URL: 'https://queue', EXPIRY_QUEUE_URL: 'https://queue', SOCKETS_ENDPOINT: 'https://sockets' },
  ...{ ERASURE_QUEUE_URL: 'https://queue', EXPORT_QUEUE_URL: 'https://queue', EXPORTS_BUCKET: 'exports' },
  ...{ ASK_QUEUE_URL: 'https://queue', PARKED_BUCKET: 'parked', AUDIT_BUCKET: 'audit', TENANTS_DIR: 'tenants' },
};
const MINUTE = 60_000;

export type World = { deps: Deps; tenant: TenantId; tickets: string[] };

/** @param run names the tenant, so that each run begins with empty tables */
export const createWorld = (send: Send, run: number): World => {
  let [ids, calls] = [0, 0];
  const random = { id: () => `id-${run}-${++ids}`, unit: () => 0.5 };
  const sleep = async () => undefined;
  const deps: Deps = {
    // Nobody here goes through another door than the database's.
    ...{ ...ports, env, random, sleep },
    ddb: createDdb(send, { read: 0, write: 0 }, random, sleep),
    // A ticket lives for a minute: some are too old when they are used.
    now: () => new Date(Date.UTC(2026, 0, 1) + (++calls * MINUTE) / 4),
    log: () => undefined,
  };
  return { deps, tenant: TenantId.parse(`app-${run}`), tickets: [] };
};

const person = fc.constantFrom('ada', 'ben').map((id) => UserId.parse(id));
const device = fc.constantFrom('phone', 'tablet').map((id) => DeviceId.parse(id));
const conversation = ConversationId.parse('cnv_0123456789012345678901');
type Name = Omit<Stream, 'tenant'>;
const talk: Name = { kind: 'conversation', id: conversation };
const name = fc.constantFrom<Name>(talk, talk, { kind: 'pair', id: 'ada#ben' });
const low = fc.integer({ min: 1, max: 6 });
const lower = fc.integer({ min: 1, max: 3 });
const at = '2026-01-01T00:00:00.000Z';
const maybe = <T>(one: fc.Arbitrary<T>) => fc.option(one, { nil: undefined, freq: 2 });

const commit = fc.tuple(low, person, maybe(person), fc.constantFrom('1', '2', '3')).map(
  ([v, by, other, id]): Commit => ({
    ...{ kind: 'conversation', v, command: `${by}/${id}`, asked: 'hash', by, at, count: v, reducer: 1 },
    events: [{ type: 'Sent', text: `ü${v}`, reply: undefined, to: [by, null], more: { n: v / 4, yes: true } }],
    ...{ state: { open: true, since: null }, audience: other ? [by, other] : [by] },
  }),
);

export type Operation = (world: World) => Promise<unknown>;
const streamOf = ({ tenant }: World, own: Name): Stream => ({ tenant, ...own });
const actorOf = ({ tenant }: World, user: UserId): Actor => ({ tenant, user });
/** An operation from what it is done with. */
const does = <T extends unknown[]>(
  withThese: { [K in keyof T]: fc.Arbitrary<T[K]> },
  operation: (world: World, ...these: T) => Promise<unknown>,
): fc.Arbitrary<Operation> => fc.tuple<T>(...withThese).map((these) => (world: World) => operation(world, ...these));

const events = [
  does([name, commit], (world, own, each) => append(world.deps, streamOf(world, own), each)),
  does([name, commit], (world, own, each) => appendWithReceipt(world.deps, streamOf(world, own), each)),
  does([name, commit], (world, own, { command }) => readReceipt(world.deps, streamOf(world, own), command)),
  does([name, low, low, maybe(low)], (world, own, from, limit, to) =>
    readRange(world.deps, streamOf(world, own), { from, limit, ...(to && to >= from ? { to } : {}) }),
  ),
  does([name, low, maybe(low)], (world, own, limit, to) => readNewest(world.deps, streamOf(world, own), limit, to)),
];

const register = fc.oneof(fc.constant(readMark), device.map(ackOf), person.map(seenBy));
const pointers = [
  does([person, name, low, maybe(person)], (world, whose, own, v, by) =>
    raisePointer(world.deps, whose, streamOf(world, own), { v, count: v >> 1, at, by }),
  ),
  does([person, name, register, lower], (world, whose, own, each, to) =>
    raiseRegister(world.deps, whose, streamOf(world, own), each, to),
  ),
  does([person, maybe(fc.constantFrom('pair', 'conversation'))], (world, whose, kind) =>
    readPointers(world.deps, { ...actorOf(world, whose), ...(kind ? { kind } : {}) }),
  ),
  does([person, name, fc.boolean(), device], async (world, whose, own, consistent, gone) => {
    const pointer = await readPointer(world.deps, whose, streamOf(world, own), { consistent });
    if (pointer) await forgetAcks(world.deps, pointer, [gone, 'unknown']);
  }),
];

const registration = fc
  .tuple(fc.constantFrom('ios', 'android'), maybe(fc.constantFrom('token-1', 'token-2')))
  .map(([platform, value]): Registration => {
    const push = { kind: 'fcm-token', value: value ?? '', app: 'app', environment: 'production' } as const;
    return { platform, locale: 'en', appVersion: '1.0', ...(value ? { push } : {}) };
  });
const expires = 1_800_000_000;
const devices = [
  does([person, device, registration], (world, whose, id, each) =>
    registerDevice(world.deps, actorOf(world, whose), id, each),
  ),
  does([person, device], (world, whose, id) => removeDevice(world.deps, actorOf(world, whose), id)),
  does([person], (world, whose) => readDevices(world.deps, world.tenant, whose)),
  does([person, device, fc.constantFrom('c1', 'c2')], (world, user, id, connection) =>
    claimConnection(world.deps, { ...actorOf(world, user), device: id, expires }, connection),
  ),
  does([person, device, fc.constantFrom('c1', 'c2')], (world, whose, id, connectionId) =>
    forgetConnection(world.deps, { tenant: world.tenant, person: whose, device: id, connectionId }),
  ),
];

const tickets = [
  does([person], async (world, whose) => {
    world.tickets.push((await issueTicket(world.deps, actorOf(world, whose), expires)).ticket);
  }),
  does([fc.nat(5)], (world, which) => redeemTicket(world.deps, world.tickets[which] ?? `${world.tenant}.none`)),
];

const other = fc.constantFrom('ada', 'ben', 'cleo', 'dan');
const views = [
  does([person, other], ({ deps, tenant }, whose, id) =>
    deps.ddb.put({
      TableName: env.VIEWS_TABLE,
      Item: { ...viewKey(tenant, whose, 'match', id), with: id, conversationId: conversation, at },
    }),
  ),
  does([person, other], ({ deps, tenant }, whose, id) =>
    deps.ddb.transact([{ Delete: { TableName: env.VIEWS_TABLE, Key: viewKey(tenant, whose, 'match', id) } }]),
  ),
  does([person, maybe(person), fc.integer({ min: 1, max: 3 })], (world, whose, after, limit) =>
    readMatches(world.deps, actorOf(world, whose), { after, limit }),
  ),
];

const provider = fc.constantFrom('apns', 'fcm');
const app = fc.constantFrom('app', 'other', '*');
const pushes = [
  does([person, device, fc.constantFrom(1, 4, 12)], ({ deps, tenant }, whose, id, times) => {
    const at = deps.now();
    const who = { tenant, person: whose, device: id };
    return Promise.all(
      Array.from({ length: times }, () => [
        spendVisible({ ...deps, now: () => at }, who, 'conversation/c'),
        spendBackground({ ...deps, now: () => at }, who),
      ]).flat(),
    );
  }),
  does([provider, app], ({ deps, tenant }, by, of) => hold(deps, tenant, by, of, 'InvalidProviderToken')),
  does([provider, app], ({ deps, tenant }, by, of) => holdOf(deps, tenant, by, of)),
  does([provider, app], ({ deps, tenant }, by, of) => mayForget(deps, { tenant, provider: by, app: of })),
  // All of them are in the sample.
  does([provider, app], ({ deps, tenant }, by, of) =>
    countSent({ ...deps, random: { ...deps.random, unit: () => 0 } }, { tenant, provider: by, app: of }),
  ),
];

const chain = fc.constantFrom('appstore-sandbox-1', 'appstore-sandbox-2');
const audit = [
  does([chain, fc.constantFrom('a', 'b', 'c', 'd'), fc.constantFrom('{}', 'ü'.repeat(700))], (world, of, id, raw) =>
    appendPayload(world.deps, world.tenant, { chain: of, id, raw, source: 'notification', store: 'appstore' }),
  ),
  does([chain], (world, of) => readChain(world.deps, world.tenant, of)),
];

/** Operations, and how many of them are under way at once. */
export const rounds: fc.Arbitrary<Operation[][]> = fc.array(
  fc.array(fc.oneof(...[events, pointers, devices, tickets, views, pushes, audit].map((each) => fc.oneof(...each))), {
    minLength: 1,
    maxLength: 3,
  }),
  { minLength: 20, maxLength: 40, size: 'max' },
);
