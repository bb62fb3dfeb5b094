import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type DevRoutes, startPublic } from '../../local/gateway/gateway.ts';
import type { HttpRoute } from '../../local/model.ts';
import { invokes, modelOf } from './stage.ts';

type Event = { headers: Record<string, string>; body?: string; isBase64Encoded: boolean } & Record<string, unknown>;

const route = (routeKey: string, functionId = 'echo'): HttpRoute => ({ routeKey, functionId });
const guarded = { ...route('GET /guarded'), authorizerId: 'authorizer' };
const routes = [
  route('GET /v1/people/{id}/notes/{note}'),
  route('GET /v1/people/me/notes/{note}', 'mine'),
  route('POST /v1/notes'),
];

const echo = (event: Event) => ({ statusCode: 200, body: JSON.stringify(event) });

const start = async (
  extra: HttpRoute[],
  functions: Record<string, (event: never) => unknown> = {},
  { dev = {}, integrationMs = 30_000 }: { dev?: DevRoutes; integrationMs?: number } = {},
) => {
  const model = modelOf([...routes, ...extra]);
  const invoke = invokes({ echo, mine: () => ({ statusCode: 200, body: 'mine' }), ...functions });
  const served = await startPublic({ port: 0, model, invoke, dev, limits: { integrationMs } });
  onTestFinished(() => served.close());
  return { ...served, origin: `http://127.0.0.1:${served.port}` };
};

/** As written: fetch would tidy the path. */
const raw = (
  port: number,
  path: string,
  headers: Record<string, string[] | string> = {},
): Promise<{ status: number; text: string }> =>
  new Promise((resolve, reject) => {
    const sent = httpRequest({ port, host: '127.0.0.1', path, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }));
    });
    sent.on('error', reject).end();
  });

describe('a request to the HTTP API', () => {
  test('becomes an event of payload format 2.0', async () => {
    const { port } = await start([]);
    const headers = { cookie: 'a=1; b=2', 'X-Twice': ['one', 'two'], 'user-agent': 'phone' };
    const { text } = await raw(port, '/v1/people/a%2Fb%23/notes/7?tag=x&tag=y&q=%20z', headers);
    const event = JSON.parse(text);
    expect(event).toMatchObject({
      version: '2.0',
      routeKey: 'GET /v1/people/{id}/notes/{note}',
      rawPath: '/v1/people/a%2Fb%23/notes/7',
      rawQueryString: 'tag=x&tag=y&q=%20z',
      cookies: ['a=1', 'b=2'],
      headers: { 'x-twice': 'one,two', host: `127.0.0.1:${port}` },
      queryStringParameters: { tag: 'x,y', q: ' z' },
      pathParameters: { id: 'a/b#', note: '7' },
      isBase64Encoded: false,
    });
    expect(event.headers).not.toHaveProperty('cookie');
    expect(event).not.toHaveProperty('body');
    expect(event.requestContext).toMatchObject({
      stage: '$default',
      domainName: `127.0.0.1:${port}`,
      routeKey: 'GET /v1/people/{id}/notes/{note}',
      http: {
        method: 'GET',
        path: '/v1/people/a%2Fb%23/notes/7',
        protocol: 'HTTP/1.1',
        sourceIp: '127.0.0.1',
        userAgent: 'phone',
      },
    });
    expect(event.requestContext.time).toMatch(/^\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000$/);
    expect(Math.abs(event.requestContext.timeEpoch - Date.now())).toBeLessThan(60_000);
  });

  test('without query, cookies and parameters has no empty maps', async () => {
    const { origin } = await start([]);
    const event = await (await fetch(`${origin}/v1/notes`, { method: 'POST' })).json();
    for (const absent of ['queryStringParameters', 'cookies', 'pathParameters', 'body'])
      expect(event).not.toHaveProperty(absent);
  });

  test.each([
    ['application/json', '{"a":1}', false],
    ['application/problem+json; charset=utf-8', '{"a":"ü"}', false],
    ['text/plain', 'ü', false],
    ['application/x-www-form-urlencoded', 'a=1', true],
    ['application/octet-stream', 'abc', true],
  ])('of type %s carries its body as text, or in base64', async (type, body, base64) => {
    const { origin } = await start([]);
    const response = await fetch(`${origin}/v1/notes`, { method: 'POST', body, headers: { 'content-type': type } });
    const event = (await response.json()) as Event;
    expect(event.isBase64Encoded).toBe(base64);
    expect(event.body).toBe(base64 ? Buffer.from(body).toString('base64') : body);
  });

  test('goes to the most specific route', async () => {
    const { origin } = await start([]);
    expect(await (await fetch(`${origin}/v1/people/me/notes/1`)).text()).toBe('mine');
  });

  test.each([
    ['/v1/people/%zz/notes/1', 400, 'Bad Request'],
    ['/v1/people/%ff/notes/1', 400, 'Bad Request'],
    ['/v1/nowhere', 404, 'Not Found'],
    ['/v1/people//notes/1', 404, 'Not Found'],
    ['/v1/notes', 404, 'Not Found'],
    ['/__proto__', 404, 'Not Found'],
  ])('for %s is answered by the gateway itself with %i', async (path, status, message) => {
    const { port } = await start([]);
    expect(await raw(port, path)).toEqual({ status, text: JSON.stringify({ message }) });
  });

  test('with a body over 10 MB is a 413 that the sender can read', async () => {
    const { origin } = await start([]);
    const response = await fetch(`${origin}/v1/notes`, { method: 'POST', body: Buffer.alloc(11 * 1024 * 1024) });
    expect([response.status, await response.json()]).toEqual([413, { message: 'Request Entity Too Large' }]);
  });

  test('that breaks off leaves the process alive', async () => {
    const { origin, port, idle } = await start([]);
    const socket = connect(port, '127.0.0.1');
    socket.write('POST /v1/notes HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nabc');
    await expect.poll(idle).toBe(false);
    socket.destroy();
    await expect.poll(idle).toBe(true);
    expect((await fetch(`${origin}/v1/people/1/notes/1`)).status).toBe(200);
  });
});

describe("a function's result", () => {
  const answering = async (result: unknown) => {
    const { origin } = await start([route('GET /result', 'result')], { result: () => result });
    return fetch(`${origin}/result`);
  };

  test('is answered as it says', async () => {
    const response = await answering({
      statusCode: 201,
      headers: { 'Content-Type': 'application/problem+json', 'X-Count': 3 },
      cookies: ['a=1', 'b=2'],
      body: '{"a":1}',
    });
    expect([response.status, await response.text()]).toEqual([201, '{"a":1}']);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    expect(response.headers.get('x-count')).toBe('3');
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
  });

  test('is decoded from base64', async () => {
    const response = await answering({
      statusCode: 200,
      body: Buffer.from([0, 255]).toString('base64'),
      isBase64Encoded: true,
    });
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(new Uint8Array([0, 255]));
  });

  test('without a status is a 200 with it as JSON', async () => {
    const response = await answering({ hello: 'world' });
    expect([response.status, await response.json()]).toEqual([200, { hello: 'world' }]);
    expect(response.headers.get('content-type')).toBe('application/json');
  });

  test('without a body is an empty 204', async () => {
    const response = await answering({ statusCode: 204 });
    expect([response.status, await response.text()]).toEqual([204, '']);
  });

  test.each([
    { statusCode: 'abc' },
    { statusCode: 99 },
    { statusCode: 101 },
    { statusCode: 200, body: 7 },
    { statusCode: 200, headers: { a: 'b\nc' } },
  ])('that is malformed (%j) is a 500', async (result) => {
    const response = await answering(result);
    expect([response.status, await response.json()]).toEqual([500, { message: 'Internal Server Error' }]);
  });

  test('that never comes is a 503, and one that throws is a 500 without its words', async () => {
    const functions = {
      slow: () => new Promise(() => undefined),
      broken: () => {
        throw new Error('secret');
      },
    };
    const { origin } = await start([route('GET /slow', 'slow'), route('GET /broken', 'broken')], functions, {
      integrationMs: 30,
    });
    const [slow, broken] = await Promise.all([fetch(`${origin}/slow`), fetch(`${origin}/broken`)]);
    expect([slow.status, await slow.json()]).toEqual([503, { message: 'Service Unavailable' }]);
    expect([broken.status, await broken.text()]).toEqual([500, '{"message":"Internal Server Error"}']);
  });
});

describe('an authorizer', () => {
  test('is asked with the request but not its body, and its context reaches the function', async () => {
    const asked: Record<string, unknown>[] = [];
    const authorizer = (event: Record<string, unknown>) => {
      asked.push(event);
      return { isAuthorized: true, context: { user: 'ada', expires: 7 } };
    };
    const { origin } = await start([guarded], { authorizer });
    const event = (await (
      await fetch(`${origin}/guarded`, { headers: { authorization: 'Bearer x' } })
    ).json()) as Event;
    expect(event.requestContext).toMatchObject({ authorizer: { lambda: { user: 'ada', expires: 7 } } });
    expect(asked[0]).toMatchObject({
      version: '2.0',
      type: 'REQUEST',
      routeKey: 'GET /guarded',
      headers: { authorization: 'Bearer x' },
    });
    expect(asked[0]?.routeArn).toMatch(/\$default\/GET\/guarded$/);
    expect(asked[0]).not.toHaveProperty('body');
  });

  test.each([
    [{ isAuthorized: false }, 403, 'Forbidden'],
    [{ isAuthorized: 'yes' }, 500, 'Internal Server Error'],
    [undefined, 500, 'Internal Server Error'],
  ])('that answers %j gives %i without a call of the function', async (verdict, status, message) => {
    const { origin } = await start([guarded], { authorizer: () => verdict });
    const response = await fetch(`${origin}/guarded`);
    expect([response.status, await response.json()]).toEqual([status, { message }]);
  });
});

describe('the public port', () => {
  test('that is taken is said in one sentence', async () => {
    const { port } = await start([]);
    const second = startPublic({ port, model: modelOf([]), invoke: invokes({}), dev: {} });
    await expect(second).rejects.toThrow(`port ${port} is taken by another program; choose another one with --port`);
  });

  test('keeps a connection open between requests', async () => {
    const { port } = await start([]);
    const socket = connect(port, '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    let heard = '';
    socket.on('data', (chunk) => {
      heard += chunk;
    });
    for (const count of [1, 2]) {
      socket.write('GET /v1/people/me/notes/1 HTTP/1.1\r\nhost: x\r\n\r\n');
      await expect.poll(() => heard.split('HTTP/1.1 200 OK').length - 1).toBe(count);
    }
  });

  test('gives development routes to this machine only', async () => {
    const dev = { 'GET /dev/thing': () => ({ status: 200, body: { ours: true } }) };
    const { origin, port } = await start([], {}, { dev });
    expect(await raw(port, '/dev/thing')).toEqual({ status: 200, text: '{"ours":true}' });
    expect((await raw(port, '/dev/thing', { host: 'evil.example' })).status).toBe(403);
    expect((await fetch(`${origin}/dev/thing`, { headers: { origin: 'https://evil.example' } })).status).toBe(403);
  });
});
