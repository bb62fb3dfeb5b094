/** Ids, keys and registrations that are wrong, forged, somebody else's, or words of the language underneath. */
import { beforeAll, describe, expect, test } from 'vitest';
import { type Json, key, type Person, useWorld } from '../world.ts';
import { writingNothing } from './tables.ts';
import { expectAlive, expectProblem, wireAs } from './wire.ts';

const world = useWorld();
let ada: Person;
let ben: Person;
let path: string;

beforeAll(async () => {
  const { a, b, conversationId } = await world().matched('ada', 'ben');
  [ada, ben] = [a, b];
  path = `/v1/conversations/${conversationId}`;
});

type Refusal = [status: number, code: string, field?: string];
type Odd = { headers?: Record<string, string | string[]>; body?: string };
const refuses = async (person: Person, request: string, odd: Odd, refusal: Refusal): Promise<void> => {
  const [method = '', target = ''] = request.split(' ');
  const headers = { ...key(), ...odd.headers };
  const answer = await writingNothing(world(), () => wireAs(world(), person, method, target, { ...odd, headers }));
  expectProblem(world(), answer, ...refusal);
  await expectAlive(person);
};

const registration = { platform: 'android', locale: 'en', appVersion: '1.0' };
const fcm = { kind: 'fcm-token', value: 'token', app: 'example.chorus.demo', environment: 'production' };
const bad = [
  '%23',
  'a%23b',
  '%25',
  '%2523',
  'a%2Fb',
  '..%2F..',
  '%00',
  '%E2%80%AE',
  '%20',
  'x'.repeat(65),
  '%F0%9F%98%80',
];

describe.each(bad)('the id %s is refused', (id) => {
  test.each<[string, string, string]>([
    ['of a person', `PUT /v1/reactions/${id}`, 'params.userId'],
    ['of a device', `PUT /v1/devices/${id}`, 'params.deviceId'],
    ['of a conversation', `POST /v1/conversations/${id}/messages`, 'params.conversationId'],
  ])('%s', (_, request, field) => {
    const bodies: Json = { PUT: { type: 'like' }, POST: { text: 'a', after: 0 } };
    const body = request.includes('devices') ? registration : bodies[request.split(' ')[0] ?? ''];
    return refuses(ada, request, { body: JSON.stringify(body) }, [400, 'invalid', field]);
  });
  test('of a conversation that is read, marked, or of a device that logs out', async () => {
    const refusal: Refusal = [400, 'invalid', 'params.conversationId'];
    await refuses(ada, `GET /v1/conversations/${id}/messages`, {}, refusal);
    await refuses(ada, `PUT /v1/conversations/${id}/read`, { body: '{"upTo":1}' }, refusal);
    await refuses(ada, `DELETE /v1/devices/${id}`, {}, [400, 'invalid', 'params.deviceId']);
  });
});

test('a path that can not be decoded, and one that is no route, are refused by the gateway', async () => {
  for (const [target, status] of [
    ['/v1/devices/%zz', 400],
    ['/v1/nothing', 404],
    ['/v1/devices/', 404],
  ] as const)
    expect((await wireAs(world(), ada, 'GET', target)).status, target).toBe(status);
  await expectAlive(ada);
});

describe('an Idempotency-Key', () => {
  const body = '{"text":"a","after":1}';
  test.each<[string, Record<string, string | string[]>]>([
    ['that is missing', {}],
    ['that is empty', { 'idempotency-key': '' }],
    ['with a #', { 'idempotency-key': 'a#b' }],
    ['with a %', { 'idempotency-key': 'a%23b' }],
    ['of 129 characters', { 'idempotency-key': 'k'.repeat(129) }],
    ['that comes twice', { 'idempotency-key': ['a', 'b'] }],
  ])('%s is refused', async (_, headers) => {
    const send = () => wireAs(world(), ada, 'POST', `${path}/messages`, { body, headers });
    expectProblem(world(), await writingNothing(world(), send), 400, 'invalid', 'headers.idempotency-key');
  });
  test('of two people is two keys', async () => {
    const same = { 'idempotency-key': 'the-same' };
    const sent = await Promise.all(
      [ada, ben].map((each) => each.call('POST', `${path}/messages`, JSON.parse(body), same)),
    );
    expect(sent.map(({ status }) => status)).toEqual([201, 201]);
    expect(new Set(sent.map(({ body: { id } }) => id)).size).toBe(2);
    expect(new Set(sent.map(({ body: { version } }) => version)).size).toBe(2);
  });
  test('in two conversations is two keys', async () => {
    const other = await world().matched('ada', 'dora');
    const same = { 'idempotency-key': 'everywhere' };
    const send = (target: string) => ada.call('POST', target, { text: 'a', after: 1 }, same);
    const sent = [await send(`${path}/messages`), await send(`/v1/conversations/${other.conversationId}/messages`)];
    expect(sent.map(({ status }) => status)).toEqual([201, 201]);
    expect(sent[0]?.body.id).not.toBe(sent[1]?.body.id);
  });
  test('with another body is refused, for messages and for reactions', async () => {
    const headers = { 'idempotency-key': 'mine' };
    const refusal: Refusal = [422, 'idempotency-key-reused', 'headers.idempotency-key'];
    await ada.call('POST', `${path}/messages`, { text: 'a', after: 1 }, headers);
    await refuses(ada, `POST ${path}/messages`, { body: '{"text":"b","after":1}', headers }, refusal);
    await ada.call('PUT', '/v1/reactions/cleo', { type: 'like' }, headers);
    await refuses(ada, 'PUT /v1/reactions/cleo', { body: '{"type":"pass"}', headers }, refusal);
  });
});

describe('a registration is refused', () => {
  test.each<[string, object, string]>([
    ['of another platform', { ...registration, platform: 'windows' }, 'body.platform'],
    ['without a language', { platform: 'ios', appVersion: '1' }, 'body.locale'],
    ['with a key for a language', { ...registration, locale: 'en#de' }, 'body.locale'],
    ['with a script for a version', { ...registration, appVersion: '<b>' }, 'body.appVersion'],
    ['with an owner', { ...registration, person: 'ben' }, 'body.person'],
    ['with an address of another app', { ...registration, push: { ...fcm, app: 'com.other' } }, 'body.push.app'],
    ['with an empty address', { ...registration, push: { ...fcm, value: '' } }, 'body.push.value'],
    ['with an endless address', { ...registration, push: { ...fcm, value: 'x'.repeat(4097) } }, 'body.push.value'],
    ['with half of a surrogate pair', { ...registration, push: { ...fcm, value: 'a\ud800' } }, 'body.push.value'],
    ['with a NUL in its address', { ...registration, push: { ...fcm, value: 'a\u0000' } }, 'body.push.value'],
    ['with an APNs token that is none', { ...registration, push: { ...fcm, kind: 'apns' } }, 'body.push.value'],
    ['with another environment', { ...registration, push: { ...fcm, environment: 'x' } }, 'body.push.environment'],
  ])('%s', (_, body, field) =>
    refuses(ada, 'PUT /v1/devices/phone', { body: JSON.stringify(body) }, [400, 'invalid', field]),
  );
});

describe('an id that is a word of the language underneath is refused', () => {
  const words = ['constructor', '__proto__', 'toString', 'hasOwnProperty'];
  test.each(words)('of a person: %s', (word) =>
    refuses(ada, `PUT /v1/reactions/${word}`, { body: '{"type":"like"}' }, [400, 'invalid', 'params.userId']),
  );
  test.each(words)('of a device: %s', (word) => {
    const body = JSON.stringify(registration);
    return refuses(ada, `PUT /v1/devices/${word}`, { body }, [400, 'invalid', 'params.deviceId']);
  });
});
