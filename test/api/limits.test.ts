/** What a person may ask for, over HTTP and in frames, on the real engine. */
import { beforeAll, describe, expect, test } from 'vitest';
import { TenantId } from '../../core/ids.ts';
import { limits } from '../../core/limit-table.ts';
import { limitOf } from '../../core/limits.ts';
import { key, type Person, useWorld } from '../world.ts';
import { readAside, writingNothing } from './tables.ts';

const world = useWorld({ limits: { frames: { burst: 30, everySeconds: 1 } } });
const demo = { tenant: TenantId.parse('demo') };
let ada: Person;
let ben: Person;
let conversationId: string;

beforeAll(async () => {
  ({ a: ada, b: ben, conversationId } = await world().matched('ada', 'ben'));
});

const ticket = (who: Person) => who.call('POST', '/v1/socket-tickets', {});
const messages = () => `/v1/conversations/${conversationId}/messages`;

/** Until it is refused. @returns how often it was not */
const exhaust = async (ask: () => Promise<{ status: number }>, most: number): Promise<number> => {
  for (let n = 0; n <= most; n++) if ((await ask()).status === 429) return n;
  throw new Error(`not refused ${most} times`);
};

test('tells who asks too much to wait, in a problem document and in Retry-After', async () => {
  const zoe = await world().person('zoe');
  const { burst, everySeconds } = limits.tickets;
  // The machine may be slow enough for one more.
  expect(await exhaust(() => ticket(zoe), burst + 1)).toBeGreaterThanOrEqual(burst);
  const { status, body, headers } = await ticket(zoe);
  expect(status).toBe(429);
  expect(headers.get('content-type')).toBe('application/problem+json');
  expect(Number(headers.get('retry-after'))).toBe(body.retryAfter);
  expect(body.retryAfter).toBeGreaterThanOrEqual(1);
  expect(body.retryAfter).toBeLessThanOrEqual(everySeconds);
  expect(body).toEqual({
    type: 'urn:chorus:problem:too-many-requests',
    status: 429,
    code: 'too-many-requests',
    detail: expect.stringContaining(`${body.retryAfter} s`),
    retryAfter: body.retryAfter,
    requestId: expect.any(String),
  });
  // Others, and other things, are counted by themselves.
  expect((await ticket(ada)).status).toBe(201);
  expect((await zoe.call('GET', '/v1/matches')).status).toBe(200);
  const elsewhere = await world().person('zoe', { tenant: 'aurora' });
  expect((await ticket(elsewhere)).status).toBe(201);
});

test('no other problem has the field', async () => {
  const { body } = await ada.call('GET', '/v1/conversations/cnv_AAAAAAAAAAAAAAAAAAAAAA/messages');
  expect(body).not.toHaveProperty('retryAfter');
});

test('bad input costs what good input does, and what is refused is not done', async () => {
  const bad = () => ben.call('POST', messages(), { text: 7 }, key());
  expect((await bad()).status).toBe(400);
  const { burst } = limitOf(demo, 'messages');
  const { status } = await writingNothing(world(), async () => {
    expect(await exhaust(bad, burst + 60)).toBeGreaterThan(burst / 2);
    return ben.call('POST', messages(), { text: 'hello', after: 1 }, key());
  });
  expect(status).toBe(429);
});

test('who is nobody is counted nowhere', async () => {
  const before = await readAside(world(), 'trail');
  const response = await fetch(`${world().http}/v1/matches`);
  expect(response.status).toBe(401);
  expect(await readAside(world(), 'trail')).toEqual(before);
});

describe('frames', () => {
  test('beyond the limit are not looked at, and the connection stays', async () => {
    const phone = await ada.connect('phone');
    const flood = 30 + limits.frames.free + 100;
    for (let n = 0; n < flood; n++) phone.send({ type: 'nonsense' });
    const told = await phone.until(({ code }) => code === 'too-many-requests');
    expect(told).toMatchObject({ type: 'problem', detail: expect.stringMatching(/Go on in \d+ s/) });
    expect(told).not.toHaveProperty('retryAfter');
    // Another device of the same person, and this one a moment later.
    const tablet = await ada.connect('tablet');
    tablet.send({ type: 'ping' });
    expect(await tablet.until(({ type }) => type === 'pong')).toBeDefined();
    phone.close();
    tablet.close();
  });
});
