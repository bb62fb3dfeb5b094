/** Bad input over HTTP: each is refused for what it is, nothing is written, nothing leaks, and the process lives. */
import { beforeAll, describe, expect, test } from 'vitest';
import { key, type Person, useWorld } from '../world.ts';
import { writingNothing } from './tables.ts';
import { expectAlive, expectProblem, wireAs } from './wire.ts';

const world = useWorld();
let ada: Person;
let ben: Person;
let cleo: Person;
let path: string;

beforeAll(async () => {
  const { a, b, conversationId } = await world().matched('ada', 'ben');
  [ada, ben, cleo] = [a, b, await world().person('cleo')];
  path = `/v1/conversations/${conversationId}`;
  for (const after of [1, 2])
    await ada.call('POST', `${path}/messages`, { text: 'hello', after }, key(`said-${after}`));
});

type Refusal = [status: number, code: string, field?: string];
type Odd = { headers?: Record<string, string | string[]>; body?: string | Uint8Array };
/** `PATH` stands for the conversation of Ada and Ben. */
const refuses = async (person: Person, request: string, odd: Odd, refusal: Refusal): Promise<void> => {
  const [method = '', target = ''] = request.split(' ');
  const headers = { ...key(), ...odd.headers };
  const answer = await writingNothing(world(), () =>
    wireAs(world(), person, method, target.replace('PATH', path), { ...odd, headers }),
  );
  expectProblem(world(), answer, ...refusal);
  await expectAlive(person);
};

const message = (text: unknown, after: unknown = 3): string => JSON.stringify({ text, after });
const deep = (n: number, open = '[') => open.repeat(n);

describe('a body is refused that', () => {
  test.each<[string, string | Uint8Array, Refusal]>([
    ['is missing', '', [400, 'invalid', 'body']],
    ['is not JSON', '{"text":', [400, 'malformed-json', 'body']],
    ['is text around JSON', '{"text":"a","after":3} x', [400, 'malformed-json', 'body']],
    ['begins with a byte order mark', '\uFEFF{"text":"a","after":3}', [400, 'malformed-json', 'body']],
    ['is a string', '"hello"', [400, 'invalid', 'body']],
    ['is null', 'null', [400, 'invalid', 'body']],
    ['is a list', '[{"text":"a","after":3}]', [400, 'invalid', 'body']],
    ['lacks a key', '{"text":"a"}', [400, 'invalid', 'body.after']],
    ['has a key twice', '{"text":"a","after":3,"text":"b"}', [400, 'duplicate-key', 'body']],
    ['has a key twice, once in escapes', '{"text":"a","after":3,"\\u0074ext":"b"}', [400, 'duplicate-key', 'body']],
    ['has an unknown key', '{"text":"a","after":3,"number":7}', [400, 'invalid', 'body.number']],
    ['names a prototype', '{"text":"a","after":3,"__proto__":{"v":1}}', [400, 'invalid', 'body']],
    ['has a number for a text', message(7), [400, 'invalid', 'body.text']],
    ['has an object for a text', message({ a: 1 }), [400, 'invalid', 'body.text']],
    ['has a text for a number', message('a', '3'), [400, 'invalid', 'body.after']],
    ['has an endless number', '{"text":"a","after":1e9999}', [400, 'invalid', 'body.after']],
    ['has an empty text', message(' \n\t '), [400, 'invalid', 'body.text']],
    ['has 4,001 characters', message('😀'.repeat(4001)), [400, 'invalid', 'body.text']],
    ['has half of a surrogate pair', '{"text":"a\\ud800b","after":3}', [400, 'invalid', 'body.text']],
    ['has the other half', '{"text":"\\udfff","after":3}', [400, 'invalid', 'body.text']],
    ['has a NUL', message('a\u0000b'), [400, 'invalid', 'body.text']],
    ['has an escape sequence', message('\u001b[2J'), [400, 'invalid', 'body.text']],
    ['has C1 controls', message('a\u009bb'), [400, 'invalid', 'body.text']],
    ['has 5 MB', message('x'.repeat(5_000_000)), [413, 'too-large', 'body']],
    ['opens 100,000 lists', deep(100_000), [413, 'too-large', 'body']],
    ['opens 60,000 lists', deep(60_000), [400, 'too-deep', 'body']],
    ['opens 10,000 objects', deep(10_000, '{"a":'), [400, 'too-deep', 'body']],
    ['has 201 keys', `{${Array.from({ length: 201 }, (_, i) => `"k${i}":1`)}}`, [400, 'too-many-keys', 'body']],
  ])('%s', (_, body, refusal) => refuses(ada, 'POST PATH/messages', { body }, refusal));
  test('takes long to look at: 64 KB of quotes are refused within half a second', async () => {
    for (const body of [`"${'\\"'.repeat(32_000)}`, `{"text":"${'\\"'.repeat(32_000)}`, `[${'"a",'.repeat(16_000)}`]) {
      const started = performance.now();
      await wireAs(world(), ada, 'POST', `${path}/messages`, { body, headers: key() });
      expect(performance.now() - started, body.slice(0, 20)).toBeLessThan(500);
    }
    await refuses(ada, 'POST PATH/messages', { body: `"${'\\"'.repeat(32_000)}` }, [400, 'malformed-json', 'body']);
  });
  test('has another type, charset or encoding', async () => {
    const body = message('a');
    const type = (value: string) => ({ body, headers: { 'content-type': value } });
    for (const odd of ['text/plain', 'application/xml', 'application/json; charset=utf-16', ''])
      await refuses(ada, 'POST PATH/messages', type(odd), [415, 'unsupported-media-type', 'headers.content-type']);
    const zipped = { body, headers: { 'content-encoding': 'gzip' } };
    await refuses(ada, 'POST PATH/messages', zipped, [415, 'unsupported-media-type', 'headers.content-encoding']);
  });
  test('comes where none belongs', async () => {
    for (const request of ['GET /v1/sync', 'GET /v1/matches', 'DELETE /v1/devices/phone'])
      await refuses(ada, request, { body: '{}' }, [400, 'invalid', 'body']);
  });
});

describe('a version or number is refused that', () => {
  test.each<[string, unknown, Refusal]>([
    ['is negative', -1, [400, 'invalid', 'body.after']],
    ['is a fraction', 1.5, [400, 'invalid', 'body.after']],
    ['is huge', 2 ** 53, [400, 'invalid', 'body.after']],
    ['is the largest there is, and in the future', 2 ** 53 - 1, [400, 'after-unknown', 'body.after']],
    ['is the next', 4, [400, 'after-unknown', 'body.after']],
  ])('%s', (_, after, refusal) => refuses(ada, 'POST PATH/messages', { body: message('a', after) }, refusal));
  test.each<[number | string, Refusal]>([
    [0, [400, 'invalid', 'body.upTo']],
    [-3, [400, 'invalid', 'body.upTo']],
    [1.5, [400, 'invalid', 'body.upTo']],
    ['1', [400, 'invalid', 'body.upTo']],
    [3, [409, 'read-ahead', 'body.upTo']],
    [2 ** 53 - 1, [409, 'read-ahead', 'body.upTo']],
  ])('is %j as a read mark', (upTo, refusal) =>
    refuses(ben, 'PUT PATH/read', { body: JSON.stringify({ upTo }) }, refusal),
  );
  test.each([
    ['GET PATH/messages?before=1&after=1', 'query.before'],
    ['GET PATH/messages?before=-1', 'query.before'],
    ['GET PATH/messages?after=1e3', 'query.after'],
    ['GET PATH/messages?after=99999999999999999999', 'query.after'],
    ['GET PATH/messages?limit=0', 'query.limit'],
    ['GET PATH/messages?limit=101', 'query.limit'],
    ['GET PATH/messages?limit=1&limit=2', 'query.limit'],
    ['GET PATH/messages?limit=', 'query.limit'],
    ['GET PATH/messages?tenant=aurora', 'query.tenant'],
    ['GET /v1/sync?limit=201', 'query.limit'],
    ['GET /v1/sync?cursor=AAAA', 'query.cursor'],
    ['GET /v1/sync?cursor=%00%23%25', 'query.cursor'],
    [`GET /v1/sync?cursor=${'A'.repeat(9001)}`, 'query.cursor'],
    ['GET /v1/conversations?before=yesterday', 'query.before'],
    ['GET /v1/conversations?limit=51', 'query.limit'],
    ['GET /v1/matches?after=%23', 'query.after'],
  ])('stands in %s', (request, field) => refuses(ada, request, {}, [400, 'invalid', field]));
});

test('a like of oneself is refused', () =>
  refuses(ada, 'PUT /v1/reactions/ada', { body: '{"type":"like"}' }, [422, 'self', 'params.userId']));
test('a pass after a match is refused', () =>
  refuses(ada, 'PUT /v1/reactions/ben', { body: '{"type":"pass"}' }, [409, 'already-matched']));
test('whoever is no member learns nothing, whatever version they guess', async () => {
  for (const after of [0, 1, 2, 3, 4, 900, 2 ** 53 - 1])
    await refuses(cleo, 'POST PATH/messages', { body: message('a', after) }, [404, 'not-found']);
  for (const upTo of [1, 2, 3, 900])
    await refuses(cleo, 'PUT PATH/read', { body: JSON.stringify({ upTo }) }, [404, 'not-found']);
});
