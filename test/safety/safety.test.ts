/** Safety on the real engine: from a report to its consequences on devices and sockets, and back. */
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { ports } from '../../core/deps.ts';
import { ops, opsJson } from '../ops/ops.ts';
import { type Json, key, type Person, useWorld } from '../world.ts';

const world = useWorld();

/** The functions' clock runs ahead of the tokens' by so much. */
let ahead = 0;
const SECONDS = 1000;
const MINUTES = 60 * SECONDS;
beforeAll(() => {
  ports.now = () => new Date(Date.now() + ahead);
});
afterEach(() => {
  ahead = 0;
});
/** What processes remember of standings is old by then. */
const soon = (): void => {
  ahead += 6 * SECONDS;
};

let pairs = 0;
/** Two people, and a message of the first one. */
const twoPeople = async (text = 'you will regret this') => {
  const n = ++pairs;
  const { a, b, conversationId } = await world().matched(`bad${n}`, `good${n}`);
  const sent = await a.call('POST', `/v1/conversations/${conversationId}/messages`, { text, after: 1 }, key());
  expect(sent.status).toBe(201);
  const { id: messageId, version } = sent.body;
  return { bad: a, good: b, conversationId, subject: { type: 'message', conversationId, messageId, version } };
};
const complain = (by: Person, subject: Json, more: object = {}, headers = key()) =>
  by.call('POST', '/v1/reports', { subject, reason: 'harassment/threat', ...more }, headers);
const moderate = async (...argv: string[]): Promise<void> => {
  const { status, err } = await ops(world(), 'cases', ...argv, '--by', 'mod', '--reason', 'looked at it');
  expect([status, err]).toEqual([0, '']);
};
const listed = async (all = false): Promise<Json[]> =>
  (await opsJson(world(), 'cases', 'list', ...(all ? ['--all'] : []))).json.cases;
const shown = async (user: string): Promise<Json> =>
  (await opsJson(world(), 'cases', 'show', `demo/${user}`, '--by', 'mod')).json;
const inMinutes = (n: number): string => new Date(Date.now() + n * MINUTES).toISOString();
const textsOf = async ({ call }: Person, conversationId: string): Promise<Json[]> =>
  (await call('GET', `/v1/conversations/${conversationId}/messages`)).body.messages;

describe('a report', () => {
  test('copies the message into a case that moderators see, and nobody else', async () => {
    const { bad, good, subject, conversationId } = await twoPeople();
    const { status, body } = await complain(good, subject, { text: 'scared' });
    expect([status, body]).toEqual([201, { reportId: expect.stringMatching(/^rep_/) }]);
    expect(await listed()).toContainEqual(expect.objectContaining({ case: `demo/${bad.user}`, open: 1 }));
    const { entries, open } = await shown(bad.user);
    expect([open, entries]).toEqual([
      1,
      [expect.objectContaining({ type: 'Reported', by: good.user, text: 'scared' })],
    ]);
    expect(entries[0].evidence).toMatchObject({
      text: 'you will regret this',
      by: bad.user,
      conversation: conversationId,
    });
    // Looking is written down.
    expect((await shown(bad.user)).entries[1]).toMatchObject({ type: 'Viewed', operator: 'mod' });
    await world().drain();
    const synced = JSON.stringify((await bad.call('GET', '/v1/sync')).body);
    for (const word of ['scared', 'Reported', body.reportId]) expect(synced).not.toContain(word);
    expect((await bad.call('GET', `/v1/notifications/case:${bad.user}@1`)).status).toBe(404);
  });
  test('is there once for one key, whatever became of the evidence since', async () => {
    const { bad, good, subject } = await twoPeople();
    const headers = key();
    const first = await complain(good, subject, {}, headers);
    await moderate('hide', `demo/${bad.user}`, '--report', '1');
    await good.call('DELETE', `/v1/matches/${bad.user}`);
    expect(await complain(good, subject, {}, headers)).toMatchObject({ status: 201, body: first.body });
    expect((await shown(bad.user)).entries.filter(({ type }: Json) => type === 'Reported')).toHaveLength(1);
    expect(await complain(good, subject, { reason: 'spam' }, headers)).toMatchObject({
      ...{ status: 422, body: { code: 'idempotency-key-reused' } },
    });
    const both = await Promise.all([
      complain(good, subject, {}, key('twice')),
      complain(good, subject, {}, key('twice')),
    ]);
    expect(both.map(({ status }) => status)).toEqual([201, 201]);
    expect((await shown(bad.user)).entries.filter(({ type }: Json) => type === 'Reported')).toHaveLength(2);
  });
  test('of a person needs no conversation, but a person', async () => {
    const { bad } = await twoPeople();
    const stranger = await world().person('stranger');
    const said = { name: 'Not me', birthDate: '1990-05-05', photos: [], attributes: {}, seeking: {}, settings: {} };
    const set = await bad.call('PUT', '/v1/me', { ...said, settings: { discoverable: true, presence: true } });
    expect(set.status, JSON.stringify(set.body)).toBe(200);
    await world().drain();
    expect((await complain(stranger, { type: 'user', userId: bad.user })).status).toBe(201);
    await bad.call('PUT', '/v1/me', { ...said, name: 'An angel', settings: { discoverable: true, presence: true } });
    const { evidence } = (await shown(bad.user)).entries[0];
    expect(evidence).toMatchObject({ type: 'user', profile: { name: 'Not me', age: expect.any(Number) } });
    expect(JSON.stringify(evidence)).not.toContain('1990');
    expect((await complain(stranger, { type: 'user', userId: 'nobody' })).status).toBe(404);
  });
  test('of what is not one’s own to see is answered as if it were not there', async () => {
    const { bad, subject } = await twoPeople();
    const stranger = await world().person('stranger');
    const other = await world().person(bad.user, { tenant: 'aurora' });
    const bytes = async (who: Person, more: object) => {
      const { status, body } = await complain(who, { ...subject, ...more }, { reason: 'spam' });
      return [status, { ...body, requestId: '' }];
    };
    const nothing = await bytes(stranger, { conversationId: 'cnv_AAAAAAAAAAAAAAAAAAAAAA' });
    expect(nothing[0]).toBe(404);
    expect(await bytes(stranger, {})).toEqual(nothing);
    expect(await bytes(other, {})).toEqual(nothing);
    expect(await bytes(bad, { messageId: 'msg_other' })).toEqual(nothing);
    expect(await bytes(bad, { version: 1 })).toEqual(nothing);
    expect(await bytes(bad, { version: 99 })).toEqual(nothing);
  });
  test.each([
    ['an unknown reason', { reason: 'because' }, 400, 'body.reason'],
    ['a reason of another tenant', { reason: 'abuse/threat' }, 400, 'body.reason'],
    ['10,000 characters', { text: 'x'.repeat(10_000) }, 400, 'body.text'],
    ['control characters', { text: 'a\u0000b' }, 400, 'body.text'],
    ['an unknown subject', { subject: { type: 'planet' } }, 400, 'body.subject.type'],
    ['more than is known', { subject: { type: 'user', userId: 'x', by: 'y' } }, 400, 'body.subject.by'],
  ])('with %s is refused', async (_, more, status, field) => {
    const { good, subject } = await twoPeople();
    const answer = await complain(good, subject, more);
    expect([answer.status, answer.body.errors?.[0]?.field]).toEqual([status, field]);
  });
  test('of oneself is refused, also of one’s own message', async () => {
    const { bad, subject } = await twoPeople();
    for (const each of [subject, { type: 'user', userId: bad.user }])
      expect(await complain(bad, each)).toMatchObject({ status: 422, body: { code: 'self' } });
    expect((await bad.call('POST', '/v1/reports', { subject, reason: 'spam' })).status).toBe(400);
  });
});

describe('a suspension', () => {
  test('closes sockets at once, refuses everything but what is theirs, and ends by itself', async () => {
    const { bad, good, subject, conversationId } = await twoPeople();
    await complain(good, subject);
    const phone = await bad.connect('phone');
    const ticket = (await bad.call('POST', '/v1/socket-tickets', {})).body.ticket;
    const until = inMinutes(10);
    const before = Date.now();
    await moderate('suspend', `demo/${bad.user}`, '--until', until);
    expect(await phone.until(({ type }) => type === 'closing')).toEqual({ type: 'closing', code: 'suspended' });
    await phone.closed;
    expect(Date.now() - before).toBeLessThan(5 * SECONDS);
    soon();
    const say = () => bad.call('POST', `/v1/conversations/${conversationId}/messages`, { text: 'hm', after: 1 }, key());
    const refused = await say();
    expect(refused).toMatchObject({ status: 403, body: { code: 'suspended', until } });
    expect(refused.body.detail).toContain(until);
    for (const route of ['/v1/sync', '/v1/conversations', '/v1/matches'])
      expect((await bad.call('GET', route)).body.code).toBe('suspended');
    expect((await bad.call('POST', '/v1/socket-tickets', {})).status).toBe(403);
    // A ticket of before opens nothing.
    const { openSocket } = await import('../world.ts');
    await expect(openSocket(`${world().ws}/?ticket=${ticket}&device=phone`)).rejects.toThrow('403');
    for (const [method, route] of [
      ['GET', '/v1/entitlements'],
      ['GET', '/v1/purchases'],
      ['DELETE', '/v1/devices/phone'],
    ])
      expect((await bad.call(String(method), String(route))).status).toBeLessThan(300);
    expect((await good.call('GET', '/v1/conversations')).status).toBe(200);
    ahead += 10 * MINUTES;
    expect((await say()).status).toBe(201);
    await (await bad.connect('phone')).close();
    const synced = (await bad.call('GET', '/v1/sync')).body.streams.flatMap(({ events }: Json) => events);
    expect(synced.filter(({ type }: Json) => type === 'StandingChanged')).toMatchObject([
      { standing: { is: 'suspended', until } },
    ]);
  });
  test('reaches whoever connects in the same moment', async () => {
    const { bad, good, subject } = await twoPeople();
    await complain(good, subject);
    const opening = Promise.allSettled(['a', 'b', 'c'].map((device) => bad.connect(device)));
    await moderate('ban', `demo/${bad.user}`);
    for (const each of await opening) if (each.status === 'fulfilled') each.value.send({ type: 'ping' });
    await Promise.all((await opening).map((each) => (each.status === 'fulfilled' ? each.value.closed : undefined)));
  });
});

describe('a ban', () => {
  test('holds without an end, sends no push, and can be reversed; what lasts longest holds', async () => {
    const { bad, good, subject, conversationId } = await twoPeople();
    await complain(good, subject);
    const whose = `demo/${bad.user}`;
    const push = {
      kind: 'apns',
      value: Buffer.from(bad.user).toString('hex').padEnd(64, '0'),
      app: 'example.chorus.demo',
      environment: 'sandbox',
    };
    const phone = { platform: 'ios', push, locale: 'en', appVersion: '1.0' };
    expect((await bad.call('PUT', '/v1/devices/phone', phone)).status).toBe(200);
    await moderate('suspend', whose, '--days', '3');
    await moderate('ban', whose);
    soon();
    expect((await bad.call('GET', '/v1/sync')).body.code).toBe('banned');
    const say = async (text: string, after: number): Promise<string> => {
      const { body } = await good.call('POST', `/v1/conversations/${conversationId}/messages`, { text, after }, key());
      await world().drain();
      return `/v1/notifications/conversation:${conversationId}@${body.version}`;
    };
    const unheard = await say('bye', 2);
    await moderate('reverse', whose, '--action', '2');
    soon();
    expect((await bad.call('GET', '/v1/sync')).body.code).toBe('suspended');
    await moderate('reverse', whose, '--action', '1');
    soon();
    expect((await bad.call('GET', '/v1/sync')).status).toBe(200);
    const decisionsOf = async (path: string): Promise<Json[]> => (await bad.call('GET', path)).body.decisions;
    expect(await decisionsOf(unheard)).toMatchObject([{ decision: 'skipped', reason: 'not in good standing' }]);
    // Wanted again; whether a provider takes it is told elsewhere.
    expect((await decisionsOf(await say('back?', 3)))[0].reason).not.toBe('not in good standing');
    const again = await ops(world(), 'cases', 'reverse', whose, '--action', '1', '--reason', 'x');
    expect([again.status, again.err]).toEqual([1, expect.stringContaining('no such action')]);
  });
});

describe('a message that moderators hide', () => {
  test('is served to nobody, also after it was shown on devices, until that is reversed', async () => {
    const { bad, good, subject, conversationId } = await twoPeople('vile words');
    await complain(good, subject);
    const phone = await good.connect('phone');
    await moderate('hide', `demo/${bad.user}`, '--report', '1');
    const { messageId: id } = subject;
    await phone.until(({ events }) => events?.some((each: Json) => each.type === 'Hidden' && each.id === id));
    for (const who of [bad, good])
      expect(await textsOf(who, conversationId)).toMatchObject([{ id, text: '', hidden: true }]);
    // Who reports it now still hands in what was written.
    await complain(good, subject, { text: 'again' });
    const { entries } = await shown(bad.user);
    expect(entries.at(-1)).toMatchObject({ type: 'Reported', evidence: { text: 'vile words' } });
    await moderate('reverse', `demo/${bad.user}`, '--action', '1');
    expect(await textsOf(good, conversationId)).toMatchObject([{ id, text: 'vile words' }]);
    phone.close();
  });
});

describe('moderators', () => {
  test('warn, dismiss and note; a warning is shown to the person', async () => {
    const { bad, good, subject } = await twoPeople();
    await complain(good, subject);
    const phone = await bad.connect('phone');
    await moderate('warn', `demo/${bad.user}`, '--text', 'Be kind.');
    await phone.until(({ events }) =>
      events?.some(({ type, text }: Json) => type === 'WarningGiven' && text === 'Be kind.'),
    );
    expect(await listed()).not.toContainEqual(expect.objectContaining({ case: `demo/${bad.user}` }));
    await complain(good, subject);
    await moderate('note', `demo/${bad.user}`);
    expect((await shown(bad.user)).open).toBe(1);
    await moderate('dismiss', `demo/${bad.user}`);
    expect((await shown(bad.user)).open).toBe(0);
    expect(await listed(true)).toContainEqual(expect.objectContaining({ case: `demo/${bad.user}`, open: 0 }));
    phone.close();
  });
  test('try first, and are told what is wrong', async () => {
    const { bad, good, subject } = await twoPeople();
    await complain(good, subject);
    const whose = `demo/${bad.user}`;
    const tried = await opsJson(world(), 'cases', 'ban', whose, '--reason', 'x', '--dry-run');
    expect([tried.status, tried.json.v]).toEqual([0, undefined]);
    soon();
    expect((await bad.call('GET', '/v1/sync')).status).toBe(200);
    const cases: [string[], number, RegExp][] = [
      [['ban', whose], 2, /--reason is needed/],
      [['ban', 'bad', '--reason', 'x'], 2, /<tenant>\/<user>/],
      [['ban', 'demo/never', '--reason', 'x'], 1, /nobody ever reported/],
      [['suspend', whose, '--reason', 'x'], 2, /--days <n> or --until/],
      [['suspend', whose, '--reason', 'x', '--until', '2020-01-01T00:00:00Z'], 1, /is over/],
      [['suspend', whose, '--reason', 'x', '--days', '-1'], 2, /--days must be/],
      [['hide', whose, '--reason', 'x', '--report', '9'], 1, /no message was reported/],
      [['warn', whose, '--reason', 'x'], 2, /--text is needed/],
      [['eat', whose], 2, /cases has list, show/],
      [['list', whose], 2, /cases takes one person/],
    ];
    for (const [argv, status, sentence] of cases)
      expect([argv, await ops(world(), 'cases', ...argv)]).toEqual([
        argv,
        { status, out: '', err: expect.stringMatching(sentence) },
      ]);
  });
});

test('everything agrees in the end, and standings and the list can be built again', async () => {
  await world().drain();
  const verified = await opsJson(world(), 'verify');
  expect(verified.json.findings).toEqual([]);
  for (const view of ['standing', 'case'])
    expect((await opsJson(world(), 'rebuild', view)).json).toMatchObject({ put: 0, removed: 0 });
  vi.restoreAllMocks();
}, 30_000);
