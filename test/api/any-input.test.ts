/** Whatever is sent, on whatever route: success, or a problem with a code and a sentence. Never 5xx. */
import fc from 'fast-check';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { synthesize } from '../../infra/synth.ts';
import { key, type Person, useWorld } from '../world.ts';
import { expectConverged, readTables } from './tables.ts';
import { expectAlive, expectNoInternals, wireAs } from './wire.ts';

const world = useWorld();
let ada: Person;
let conversation: string;

beforeAll(async () => {
  const { a, conversationId } = await world().matched('ada', 'ben');
  [ada, conversation] = [a, conversationId];
});

const routes = Object.values(synthesize().Resources)
  .filter(({ Type }) => Type === 'AWS::ApiGatewayV2::Route')
  .map(({ Properties }) => String(Properties?.RouteKey))
  .filter((route) => route.includes('/'));
const ids: Record<string, string> = { userId: 'cleo', deviceId: 'phone' };
const pathOf = (path: string): string => path.replace(/\{(\w+)\}/g, (_, name) => ids[name] ?? conversation);

/** What parsers, keys and databases stumble over. */
const odd = fc.constantFrom(
  '\ud800',
  '\udfff',
  '\u0000',
  '#',
  '%',
  '%23',
  '"',
  '\\',
  '\u202e',
  '😀',
  '\uffff',
  '\u00e9',
);
const text = fc.oneof(
  { arbitrary: fc.string({ unit: odd, maxLength: 6 }), weight: 3 },
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme' }),
);
const number = fc.oneof(fc.integer(), fc.double(), fc.constantFrom(0, -0, 2 ** 53, 1e308, Number.MIN_VALUE));
const value = fc.oneof(text, number, fc.boolean(), fc.constant(null), fc.jsonValue());
/** Bodies that are almost right get furthest. */
const almost = (right: Record<string, fc.Arbitrary<unknown>>) =>
  fc.oneof(
    { arbitrary: fc.record(right), weight: 6 },
    ...Object.keys(right).map((name) => fc.record({ ...right, [name]: value })),
    fc.record(right, { requiredKeys: [] }),
  );
const push = almost({
  kind: fc.constantFrom('apns', 'fcm-token', 'fcm-fid', 'apns-live-activity'),
  value: text,
  app: fc.constant('example.chorus.demo'),
  environment: fc.constantFrom('production', 'sandbox'),
});
const fitting: Record<string, fc.Arbitrary<unknown>> = {
  'PUT /v1/reactions/{userId}': almost({ type: fc.constantFrom('like', 'pass') }),
  'POST /v1/conversations/{conversationId}/messages': almost({ text, after: fc.nat(5) }),
  'PUT /v1/conversations/{conversationId}/read': almost({ upTo: fc.nat(5) }),
  'PUT /v1/devices/{deviceId}': almost({
    platform: fc.constantFrom('ios', 'android'),
    locale: fc.constantFrom('en', 'pt-BR', 'pt_BR'),
    timeZone: fc.constantFrom('UTC', 'Europe/Berlin'),
    appVersion: fc.constant('1.0'),
    push,
    activity: push,
  }),
};
const bodyFor = (route: string): fc.Arbitrary<string | Uint8Array> => {
  const json = fc.oneof({ arbitrary: fitting[route] ?? fc.jsonValue(), weight: 5 }, fc.jsonValue());
  const encoded = json.map((each) => JSON.stringify(each));
  return fc.oneof({ arbitrary: encoded, weight: 6 }, text, fc.json(), fc.uint8Array({ maxLength: 200 }));
};

const refusal = { code: expect.stringMatching(/^[a-z-]+$/), detail: expect.stringMatching(/^\S.*[.…]$/s) };

describe.each(routes)('%s', (route) => {
  const [method = '', path = ''] = route.split(' ');
  const ask = async (query: string, body?: string | Uint8Array): Promise<void> => {
    const sent = { headers: key(), ...(body === undefined ? {} : { body }) };
    // Whoever is erased is nobody from then on.
    const person = route === 'DELETE /v1/me' ? await world().person('leaver') : ada;
    const answer = await wireAs(world(), person, method, pathOf(path) + query, sent);
    expect(answer.status, answer.text).toBeLessThan(500);
    if (answer.status < 400) return;
    expectNoInternals(world(), answer.text);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(answer.body).toMatchObject({ status: answer.status, ...refusal });
  };
  test('answers any body with success or a problem', async () => {
    const numRuns = fitting[route] ? 150 : 30;
    const property = fc.asyncProperty(bodyFor(route), (body) => ask('', body));
    await fc.assert(property, { numRuns, interruptAfterTimeLimit: 5000 });
    await expectAlive(ada);
  });
  test('answers any query with success or a problem', async () => {
    const name = fc.oneof(fc.constantFrom('cursor', 'limit', 'before', 'after'), text);
    const query = fc.dictionary(name, fc.oneof(text, number.map(String)), { maxKeys: 3, noNullPrototype: true });
    const property = fc.asyncProperty(query, (each) => ask(`?${new URLSearchParams(each)}`));
    await fc.assert(property, { numRuns: 20, interruptAfterTimeLimit: 5000 });
  });
});

test('any frame is answered with a problem or taken, and the connection lives', async () => {
  const phone = await ada.connect('phone');
  const ran = () => world().log.filter(({ msg, fn }) => msg === 'done' && /frame/i.test(fn)).length;
  const before = ran();
  const frame = almost({ type: fc.constant('ack'), stream: text.map((id) => `conversation/${id}`), v: fc.nat(3) });
  const frames = fc.sample(
    fc.oneof(
      text,
      frame.map((each) => JSON.stringify(each)),
      fc.json(),
    ),
    200,
  );
  for (const each of frames) phone.send(each);
  await vi.waitFor(() => expect(ran()).toBe(before + frames.length), 5000);
  phone.send({ type: 'ping' });
  await phone.until(({ type }) => type === 'pong');
  for (const answer of phone.frames.filter(({ type }) => type !== 'pong'))
    expect(answer, JSON.stringify(answer)).toEqual({
      ...refusal,
      type: 'problem',
      detail: expect.stringMatching(/^\S/),
    });
});

test('and whatever was accepted is whole', async () => {
  await world().drain();
  expectConverged(await readTables(world()));
});
