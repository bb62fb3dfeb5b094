/**
 * Every route of the template × every kind of caller. A route without a row fails, and so does a row without a route.
 * Callers have the very same ids in another tenant; what is not theirs answers as if it did not exist.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import { synthesize } from '../../infra/synth.ts';
import { type Answer, key, openSocket, type Person, type Phone, request, useWorld } from '../world.ts';
import { changes, readTables, writingNothing } from './tables.ts';

const world = useWorld();

/** Owner and member share the conversation; the devices are the owner's. */
const callers = ['owner', 'member', 'stranger', 'other tenant', 'anonymous', 'expired'] as const;
type Caller = (typeof callers)[number];
type Statuses = Record<Caller, number>;
/** `leaves`: whoever is served is no more, so that others are sent. */
type Row = { path: string; body?: object; expected: Statuses; leaves?: true };

const none = 'cnv_AAAAAAAAAAAAAAAAAAAAAA';
const nobody = { anonymous: 401, expired: 401 };
/** Concerns the caller alone, whoever they are. */
const own = (status: number): Statuses => ({
  ...{ owner: status, member: status, stranger: status, 'other tenant': status },
  ...nobody,
});
/** For members only. */
const members = (status: number): Statuses => ({ ...own(404), owner: status, member: status });

const registration = { platform: 'ios', locale: 'en', appVersion: '1.0' };
const rows: Record<string, Row> = {
  'PUT /v1/reactions/{userId}': { path: '/v1/reactions/dora', body: { type: 'like' }, expected: own(200) },
  'GET /v1/matches': { path: '/v1/matches', expected: own(200) },
  'GET /v1/likes': { path: '/v1/likes', expected: own(200) },
  // Whoever is blocked does not exist, and neither does a match that never was.
  'DELETE /v1/reactions/{userId}': { path: '/v1/reactions/dora', expected: own(409) },
  'DELETE /v1/matches/{userId}': { path: '/v1/matches/CONVERSATION', expected: own(404) },
  'PUT /v1/blocks/{userId}': { path: '/v1/blocks/dora', expected: own(204) },
  'GET /v1/blocks': { path: '/v1/blocks', expected: own(200) },
  'DELETE /v1/blocks/{userId}': { path: '/v1/blocks/dora', expected: own(204) },
  // From here on everybody has a profile.
  'PUT /v1/me': {
    path: '/v1/me',
    body: { name: 'Somebody', birthDate: '1990-01-01', place: { lat: 52.52, lon: 13.41 } },
    expected: own(200),
  },
  'GET /v1/me': { path: '/v1/me', expected: own(200) },
  'GET /v1/users/{userId}': { path: '/v1/users/ada', expected: own(200) },
  'GET /v1/deck': { path: '/v1/deck?limit=50', expected: own(200) },
  'GET /v1/conversations': { path: '/v1/conversations', expected: own(200) },
  'GET /v1/conversations/{conversationId}/messages': {
    path: '/v1/conversations/CONVERSATION/messages',
    expected: members(200),
  },
  'POST /v1/conversations/{conversationId}/messages': {
    path: '/v1/conversations/CONVERSATION/messages',
    body: { text: 'hello', after: 1 },
    expected: members(201),
  },
  'PUT /v1/conversations/{conversationId}/read': {
    path: '/v1/conversations/CONVERSATION/read',
    body: { upTo: 1 },
    expected: members(200),
  },
  'PUT /v1/conversations/{conversationId}/mute': {
    path: '/v1/conversations/CONVERSATION/mute',
    body: { until: 'forever' },
    expected: members(200),
  },
  'DELETE /v1/conversations/{conversationId}/mute': {
    path: '/v1/conversations/CONVERSATION/mute',
    expected: members(200),
  },
  'PUT /v1/preferences': {
    path: '/v1/preferences',
    body: { kinds: { matches: 'none' }, quiet: { from: '22:00', to: '07:00' } },
    expected: own(200),
  },
  'GET /v1/preferences': { path: '/v1/preferences', expected: own(200) },
  'GET /v1/sync': { path: '/v1/sync', expected: own(200) },
  'GET /v1/presence': { path: '/v1/presence?users=ada,ben,nobody', expected: own(200) },
  'POST /v1/socket-tickets': { path: '/v1/socket-tickets', body: {}, expected: own(201) },
  // Nothing was pushed here; a push may arrive before it is written down.
  'GET /v1/notifications/{eventId}': { path: '/v1/notifications/conversation:CONVERSATION@1', expected: own(404) },
  'POST /v1/notifications/{eventId}/received': {
    path: '/v1/notifications/conversation:CONVERSATION@1/received',
    body: { deviceId: 'phone' },
    expected: { ...own(404), owner: 204 },
  },
  'POST /v1/reports': {
    path: '/v1/reports',
    body: { subject: { type: 'user', userId: 'owen' }, reason: 'spam' },
    expected: own(201),
  },
  // From here on everybody has a phone.
  'PUT /v1/devices/{deviceId}': { path: '/v1/devices/phone', body: registration, expected: own(200) },
  'GET /v1/devices': { path: '/v1/devices', expected: own(200) },
  'GET /v1/devices/{deviceId}': { path: '/v1/devices/phone', expected: own(200) },
  'DELETE /v1/devices/{deviceId}': { path: '/v1/devices/phone', expected: own(204) },
  // What the App Store did not sign is nobody's, whoever shows it.
  'POST /v1/purchases': { path: '/v1/purchases', body: { signedTransaction: 'a.b.c' }, expected: own(422) },
  'GET /v1/purchases': { path: '/v1/purchases', expected: own(200) },
  'GET /v1/purchases/account-token': { path: '/v1/purchases/account-token', expected: own(200) },
  'PUT /v1/purchases/consumption-consent': {
    path: '/v1/purchases/consumption-consent',
    body: { given: true },
    expected: own(200),
  },
  'POST /v1/purchases/restore': { path: '/v1/purchases/restore', expected: own(202) },
  'GET /v1/entitlements': { path: '/v1/entitlements', expected: own(200) },
  // Who calls does not matter: only what the App Store signed.
  'POST /v1/appstore/notifications/{tenant}': {
    path: '/v1/appstore/notifications/demo',
    body: { signedPayload: 'a.b.c' },
    expected: { ...own(401) },
  },
  'POST /v1/apple/account-events/{tenant}': {
    path: '/v1/apple/account-events/demo',
    body: { payload: 'a.b.c' },
    expected: { ...own(401) },
  },
  'POST /v1/me/export': { path: '/v1/me/export', expected: own(202) },
  'GET /v1/me/export': { path: '/v1/me/export', expected: own(200) },
  // Who calls does not matter: only the link.
  'GET /v1/me/export/{token}': {
    path: '/v1/me/export/CONVERSATION?part=1',
    expected: { ...own(404), anonymous: 404, expired: 404 },
  },
  'DELETE /v1/me': { path: '/v1/me', expected: own(202), leaves: true },
};
/** Of the sockets: what the handshake, and an acknowledgement of the conversation's version 1, are answered with. */
const socketRows: Record<string, Record<Caller, string> | 'API Gateway calls it itself'> = {
  $connect: {
    ...{ owner: 'open', member: 'open', stranger: 'open', 'other tenant': 'open' },
    ...{ anonymous: '403', expired: '403' },
  },
  $default: {
    ...{ owner: 'acknowledged', member: 'acknowledged', stranger: 'not-found', 'other tenant': 'not-found' },
    ...{ anonymous: '403', expired: '403' },
  },
  $disconnect: 'API Gateway calls it itself',
};

const routeKeys = Object.values(synthesize().Resources)
  .filter(({ Type }) => Type === 'AWS::ApiGatewayV2::Route')
  .map(({ Properties }) => String(Properties?.RouteKey));

let people: Record<Caller, Pick<Person, 'token' | 'connect' | 'user'> | undefined>;
let leavers: typeof people;
const callerOf = (route: string, caller: Caller) => (rows[route]?.leaves ? leavers : people)[caller];
let conversation: string;

beforeAll(async () => {
  const { a: owner, b: member, conversationId } = await world().matched('ada', 'ben');
  conversation = conversationId;
  const [stranger, expired] = [await world().person('cleo'), await world().person('ada', { ttlSeconds: -1 })];
  // In the other tenant Ada exists too, has matched somebody else, and has a device of the same name.
  const { a: other } = await world().matched('ada', 'zoe', 'aurora');
  people = { owner, member, stranger, 'other tenant': other, anonymous: undefined, expired };
  const leaver = (name: string, tenant = 'demo') => world().person(`leaving-${name}`, { tenant });
  const [first, second, third] = [await leaver('ada'), await leaver('ben'), await leaver('cleo')];
  const gone = { owner: first, member: second, stranger: third, 'other tenant': await leaver('ada', 'aurora') };
  leavers = { ...gone, anonymous: undefined, expired };
  await owner.call('POST', `/v1/conversations/${conversationId}/messages`, { text: 'first', after: 1 }, key());
  for (const person of [owner, other]) await person.call('PUT', '/v1/devices/phone', registration);
  // Somebody to report, who is somebody in either app.
  for (const tenant of ['demo', 'aurora'])
    await (await world().person('owen', { tenant })).call('PUT', '/v1/preferences', { kinds: {} });
  await world().drain();
});

const ask = (route: string, caller: Caller, id = conversation): Promise<Answer> => {
  const { path, body } = rows[route] ?? { path: '' };
  const [method = ''] = route.split(' ');
  const token = callerOf(route, caller)?.token;
  return request(world().http, method, path.replace('CONVERSATION', id), { token, body, headers: key() });
};

test('every route has a row, and every row a route', () => {
  expect(Object.keys({ ...rows, ...socketRows }).sort()).toEqual(routeKeys.toSorted());
});

describe.each(Object.keys(rows))('%s', (route) => {
  const { expected, path } = rows[route] as Row;
  const refused = callers.filter((caller) => expected[caller] >= 400);
  test('refuses whom it must, and they write nothing', async () => {
    await writingNothing(world(), async () => {
      for (const caller of refused) {
        const { status, body, headers } = await ask(route, caller);
        expect([caller, status]).toEqual([caller, expected[caller]]);
        expect(body).toMatchObject({ status, code: expect.any(String), detail: expect.stringMatching(/\S/) });
        expect(headers.get('content-type')).toBe('application/problem+json');
        expect(headers.get('www-authenticate')).toBe(status === 401 ? 'Bearer' : null);
      }
    });
  });
  test('refuses with the bytes of something that does not exist', async () => {
    const bytes = async (caller: Caller, id?: string): Promise<string> => {
      const { status, body, headers } = await ask(route, caller, id);
      return JSON.stringify([status, { ...body, requestId: '' }, headers.get('content-length')]);
    };
    for (const caller of refused.filter((each) => expected[each] === 404)) {
      expect(await bytes(caller)).toBe(await bytes(caller, none));
      const other = await ask('GET /v1/conversations/{conversationId}/messages', 'owner', none);
      expect(await bytes(caller), 'on every route').toBe(
        JSON.stringify([404, { ...other.body, requestId: '' }, other.headers.get('content-length')]),
      );
    }
    expect(refused.some((each) => expected[each] === 404)).toBe(path.includes('CONVERSATION'));
  });
  test.each(callers.filter((caller) => expected[caller] < 400))(
    'serves the %s, who touches their own',
    async (caller) => {
      const before = await readTables(world());
      const { status } = await ask(route, caller);
      expect(status).toBe(expected[caller]);
      await world().drain();
      const tenant = caller === 'other tenant' ? 'aurora' : 'demo';
      const mine = new RegExp(
        `^\\w+ ${tenant}#(person#${callerOf(route, caller)?.user} |standing#${callerOf(route, caller)?.user} |account-token#|asked#${people[caller]?.user} |ticket#|profile#|cell#|came#|pair#|conversation#|person#|case#|cases )`,
      );
      const touched = changes(before, await readTables(world()));
      expect(touched.filter((item) => !mine.test(item))).toEqual([]);
      const devices = touched.filter((item) => item.startsWith('devices') && item.includes('#person#'));
      expect(devices.filter((item) => !item.includes(`${tenant}#person#${callerOf(route, caller)?.user} `))).toEqual(
        [],
      );
    },
  );
});

/** What becomes of a handshake, or undefined and the open socket. */
const handshake = async (caller: Caller): Promise<Phone | string> => {
  const { body } = await ask('POST /v1/socket-tickets', caller);
  const opening = openSocket(`${world().ws}/?ticket=${body.ticket}&device=matrix`);
  return opening.catch((error: Error) => error.message.replace(/\D/g, ''));
};

describe.each(['$connect', '$default'])('%s', (route) => {
  test.each(callers)('for the %s', async (caller) => {
    const expected = (socketRows[route] as Record<Caller, string>)[caller];
    const phone = await handshake(caller);
    if (typeof phone === 'string') return expect(phone).toBe(expected);
    if (route === '$connect') return expect(expected).toBe('open');
    phone.send({ type: 'ack', stream: `conversation/${conversation}`, v: 1 });
    const told = phone.until(({ type }) => type === 'problem').then(({ code }) => code);
    const [user, tenant] = [people[caller]?.user, caller === 'other tenant' ? 'aurora' : 'demo'];
    const taken = world().logged(
      (entry) => entry.msg === 'acknowledged' && entry.user === user && entry.tenant === tenant,
    );
    expect(await Promise.any([told, taken.then(() => 'acknowledged')])).toBe(expected);
    phone.close();
  });
});
