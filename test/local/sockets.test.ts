import { connect } from 'node:net';
import {
  ApiGatewayManagementApiClient,
  DeleteConnectionCommand,
  GetConnectionCommand,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi';
import { describe, expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { startInside } from '../../local/gateway/aws.ts';
import type { Connections, SocketLimits } from '../../local/gateway/connections.ts';
import { startPublic } from '../../local/gateway/gateway.ts';
import { invokes, modelOf, unasked } from './stage.ts';

type Event = { body?: string; isBase64Encoded?: boolean; requestContext: Record<string, unknown> } & Record<
  string,
  unknown
>;
type Functions = Record<string, (event: Event) => unknown>;

const allow =
  (context: object = {}) =>
  ({ methodArn }: Event) => ({
    principalId: 'ada',
    policyDocument: {
      Version: '2012-10-17',
      Statement: [{ Action: 'execute-api:Invoke', Effect: 'Allow', Resource: methodArn }],
    },
    context,
  });

const start = async (functions: Functions = {}, limits: Partial<SocketLimits> = {}) => {
  const calls: [string, Event][] = [];
  const all: Functions = {
    ticket: allow(),
    connect: () => ({ statusCode: 200 }),
    frame: ({ body }) => ({ statusCode: 200, body: `heard ${body}` }),
    disconnect: () => ({ statusCode: 200 }),
    ...functions,
  };
  const invoke = (id: string, event: unknown) => {
    calls.push([id, event as Event]);
    return invokes(all)(id, event);
  };
  const model = modelOf([]);
  const served = await startPublic({ port: 0, model, invoke, dev: {}, limits: { sockets: limits } });
  const inside = await startInside({
    connections: served.connections,
    model,
    invoke,
    parameter: async () => undefined,
    ...unasked,
  });
  onTestFinished(async () => {
    await served.close();
    await inside.close();
  });
  const called = (id: string) => calls.filter(([name]) => name === id).map(([, event]) => event);
  const credentials = { accessKeyId: 'any', secretAccessKey: 'any' };
  const sdk = new ApiGatewayManagementApiClient({
    endpoint: inside.origin,
    region: 'us-east-1',
    credentials,
    maxAttempts: 1,
  });
  return { ...served, called, sdk, url: `ws://127.0.0.1:${served.port}/?ticket=t1&device=d1` };
};

type Client = { socket: WebSocket; heard: string[]; closed: Promise<number> };

const open = (url: string): Promise<Client> =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(url);
    const heard: string[] = [];
    const closed = new Promise<number>((done) => socket.once('close', done));
    socket.on('message', (data) => heard.push(String(data)));
    socket.once('open', () => resolve({ socket, heard, closed }));
    socket.once('error', reject);
    onTestFinished(() => socket.terminate());
  });

/** The status of a refused handshake, with its body. */
const refusal = (url: string): Promise<{ status: number; message: string }> =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(url);
    socket.once('open', () => reject(new Error('it was let in')));
    socket.on('error', () => undefined);
    socket.once('unexpected-response', (_request, response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, message: JSON.parse(Buffer.concat(chunks).toString()).message }),
      );
    });
  });

const idOf = (event: Event | undefined): string => String(event?.requestContext.connectionId);

describe('a WebSocket handshake', () => {
  test('asks the authorizer, then $connect, with its context as text', async () => {
    const { url, called } = await start({ ticket: allow({ user: 'ada', expires: 7, ok: true }) });
    await open(url);
    const [asked] = called('ticket');
    expect(asked).toMatchObject({
      type: 'REQUEST',
      queryStringParameters: { ticket: 't1', device: 'd1' },
      multiValueQueryStringParameters: { ticket: ['t1'] },
      requestContext: { routeKey: '$connect', eventType: 'CONNECT', stage: 'local', messageDirection: 'IN' },
    });
    expect(asked?.methodArn).toMatch(/^arn:aws:execute-api:.+\/local\/\$connect$/);
    const [connected] = called('connect');
    expect(connected?.requestContext).toMatchObject({
      authorizer: { principalId: 'ada', user: 'ada', expires: '7', ok: 'true' },
      identity: { sourceIp: '127.0.0.1' },
      connectionId: asked?.requestContext.connectionId,
    });
    expect(idOf(connected)).toMatch(/^[A-Za-z0-9_-]{15}=$/);
  });

  test.each(['/?ticket=t1', '/?device=d1', '/?ticket=&device=d1', '/'])(
    'without its identity sources (%s) is a 401',
    async (path) => {
      const { port, called } = await start();
      expect(await refusal(`ws://127.0.0.1:${port}${path}`)).toEqual({ status: 401, message: 'Unauthorized' });
      expect(called('ticket')).toEqual([]);
    },
  );

  const statement = (Effect: string, Resource: string, Action = 'execute-api:Invoke') => ({ Effect, Action, Resource });
  const policy = (...Statement: object[]) => ({
    principalId: 'ada',
    policyDocument: { Version: '2012-10-17', Statement },
  });

  test.each([
    ['deny', policy(statement('Deny', '*')), 403],
    ['allow and deny', policy(statement('Allow', '*'), statement('Deny', 'arn:aws:execute-api:*')), 403],
    ['allow for something else', policy(statement('Allow', 'arn:aws:execute-api:us-east-1:1:other/*')), 403],
    ['allow of another action', policy(statement('Allow', '*', 's3:GetObject')), 403],
    ['no policy', { principalId: 'ada' }, 500],
    ['a context with an object', { ...policy(statement('Allow', '*')), context: { a: {} } }, 500],
  ])('is refused by %s', async (_name, answer, status) => {
    const { url, called } = await start({ ticket: () => answer });
    expect((await refusal(url)).status).toBe(status);
    expect(called('connect')).toEqual([]);
  });

  test('is let in by wildcards', async () => {
    const { url } = await start({
      ticket: () => policy(statement('Allow', 'arn:aws:execute-api:*:*:*/*/$connect', 'execute-api:*')),
    });
    await open(url);
  });

  test.each([
    [{ statusCode: 403 }, 403],
    [{ statusCode: 500 }, 500],
    [{}, 502],
    [undefined, 502],
  ])('is refused when $connect answers %j', async (answer, status) => {
    const { url, called, idle } = await start({ connect: () => answer });
    expect((await refusal(url)).status).toBe(status);
    await expect.poll(idle).toBe(true);
    expect(called('disconnect')).toEqual([]);
  });

  test('beyond the number of connections is a 429', async () => {
    const { url } = await start({}, { connections: 1 });
    const { socket, closed } = await open(url);
    expect((await refusal(url)).status).toBe(429);
    socket.close();
    await closed;
    await expect
      .poll(async () =>
        open(url).then(
          () => 'in',
          () => 'out',
        ),
      )
      .toBe('in');
  });

  test('that is not decided yet does not hold up the end of the system', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { url, close, called } = await start({ ticket: () => promise });
    const trying = new WebSocket(url);
    const failed = new Promise((done) => trying.once('error', done));
    await expect.poll(() => called('ticket').length).toBe(1);
    await close();
    expect(await failed).toBeInstanceOf(Error);
    resolve();
  });

  test('that is none is a 400, and an upgrade to anything else is plain HTTP', async () => {
    const { port } = await start();
    const said = (lines: string[]): Promise<string> =>
      new Promise((resolve) => {
        const socket = connect(port, '127.0.0.1');
        socket.once('data', (data) => resolve(String(data).split('\r\n')[0] ?? ''));
        socket.write([...lines, '', ''].join('\r\n'));
        onTestFinished(() => void socket.destroy());
      });
    const upgrade = ['GET /?ticket=t&device=d HTTP/1.1', 'host: x', 'connection: upgrade'];
    expect(
      await said([...upgrade, 'upgrade: websocket', 'sec-websocket-version: 13', 'sec-websocket-key: short']),
    ).toMatch(/ 400 /);
    expect(await said([...upgrade, 'upgrade: h2c'])).toMatch(/ 404 /);
  });
});

describe('a message of a client', () => {
  test('is an event, and the body of the answer goes back', async () => {
    const { url, called } = await start({ ticket: allow({ user: 'ada' }) });
    const { socket, heard } = await open(url);
    socket.send('{"type":"ping"}');
    await expect.poll(() => heard).toEqual(['heard {"type":"ping"}']);
    const [event] = called('frame');
    expect(event).toMatchObject({ body: '{"type":"ping"}', isBase64Encoded: false });
    expect(event?.requestContext).toMatchObject({
      routeKey: '$default',
      eventType: 'MESSAGE',
      messageDirection: 'IN',
      authorizer: { user: 'ada' },
      connectionId: idOf(called('connect')[0]),
      connectedAt: called('connect')[0]?.requestContext.connectedAt,
    });
    expect(event?.requestContext.messageId).toEqual(expect.any(String));
  });

  test('that is binary reaches the function in base64', async () => {
    const { url, called } = await start();
    (await open(url)).socket.send(Buffer.from([0, 255]));
    await expect.poll(() => called('frame')).toMatchObject([{ body: 'AP8=', isBase64Encoded: true }]);
  });

  test('whose function fails is told so without its words', async () => {
    const { url } = await start({
      frame: () => {
        throw new Error('secret');
      },
    });
    const { socket, heard } = await open(url);
    socket.send('x');
    await expect.poll(() => heard.length).toBe(1);
    expect(JSON.parse(heard[0] ?? '')).toMatchObject({
      message: 'Internal server error',
      connectionId: expect.any(String),
    });
    expect(heard[0]).not.toContain('secret');
  });

  test('of 32 KB in one frame is taken, a byte more closes with 1009', async () => {
    const { url, called } = await start();
    const { socket, closed, heard } = await open(url);
    socket.send('x'.repeat(32 * 1024));
    await expect.poll(() => heard.length).toBe(1);
    socket.send('x'.repeat(32 * 1024 + 1));
    expect(await closed).toBe(1009);
    expect(called('frame').length).toBe(1);
  });

  test('of 128 KB in frames is taken, more closes with 1009', async () => {
    const { url, called } = await start();
    const { socket, closed } = await open(url);
    const part = 'x'.repeat(32 * 1024);
    const sendParts = (count: number) => {
      for (let at = 1; at <= count; at++) socket.send(part, { fin: at === count });
    };
    sendParts(4);
    await expect.poll(() => called('frame').map(({ body }) => body?.length)).toEqual([128 * 1024]);
    sendParts(5);
    expect(await closed).toBe(1009);
    expect(called('frame').length).toBe(1);
  });

  test('waits while many are under way, and none is lost', async () => {
    let running = 0;
    let most = 0;
    const { url, called } = await start({
      frame: async () => {
        running += 1;
        most = Math.max(most, running);
        await new Promise(setImmediate);
        running -= 1;
        return { statusCode: 200 };
      },
    });
    const { socket } = await open(url);
    for (let at = 0; at < 5_000; at++) {
      socket.send(`message ${String(at).padStart(300, '.')}`);
    }
    await expect.poll(() => called('frame').length, { timeout: 10_000 }).toBe(5_000);
    expect(most).toBeLessThanOrEqual(16);
  });

  test('in a flood of tiny ones that nobody handles closes with 1008', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { url, called } = await start({ frame: () => promise });
    const { socket, closed } = await open(url);
    for (let at = 0; at < 20_000; at++) socket.send('');
    expect(await closed).toBe(1008);
    expect(called('frame').length).toBe(16);
    resolve();
  });
});

describe('the end of a connection', () => {
  test('calls $disconnect with code, reason and the context', async () => {
    const { url, called } = await start({ ticket: allow({ user: 'ada' }) });
    const { socket } = await open(url);
    socket.close(4001, 'bye');
    await expect.poll(() => called('disconnect').length).toBe(1);
    expect(called('disconnect')[0]?.requestContext).toMatchObject({
      routeKey: '$disconnect',
      eventType: 'DISCONNECT',
      disconnectStatusCode: 4001,
      disconnectReason: 'bye',
      authorizer: { user: 'ada' },
      connectionId: idOf(called('connect')[0]),
    });
  });

  test('comes with 1001 when nothing is said for long, or when it is old', async () => {
    const silent = await start({}, { idleMs: 30 });
    expect(await (await open(silent.url)).closed).toBe(1001);
    const old = await start({}, { lifeMs: 30 });
    expect(await (await open(old.url)).closed).toBe(1001);
  });

  test('comes with 1001 when the system stops, which waits for $disconnect', async () => {
    const { url, close, called } = await start();
    const { closed } = await open(url);
    await close();
    expect(await closed).toBe(1001);
    expect(called('disconnect').length).toBe(1);
  });
});

describe('the @connections API, by its SDK client', () => {
  test('sends and looks, and what is being closed is gone at once', async () => {
    const { url, called, sdk, connections } = await start();
    const { heard, closed } = await open(url);
    const ConnectionId = idOf(called('connect')[0]);
    await sdk.send(new PostToConnectionCommand({ ConnectionId, Data: '{"type":"events"}' }));
    await expect.poll(() => heard).toEqual(['{"type":"events"}']);
    const seen = await sdk.send(new GetConnectionCommand({ ConnectionId }));
    expect(seen.ConnectedAt?.getTime()).toBe(called('connect')[0]?.requestContext.connectedAt);
    expect(seen.LastActiveAt).toBeInstanceOf(Date);
    connections.drop(ConnectionId);
    expect(connections.get(ConnectionId)).toBeUndefined();
    expect(await closed).toBe(1000);
  });

  test('closes', async () => {
    const { url, called, sdk } = await start();
    const { closed } = await open(url);
    await sdk.send(new DeleteConnectionCommand({ ConnectionId: idOf(called('connect')[0]) }));
    expect(await closed).toBe(1000);
  });

  test('says that a connection is gone, a message too large, an id malformed', async () => {
    const { url, called, sdk } = await start();
    const { socket } = await open(url);
    const ConnectionId = idOf(called('connect')[0]);
    const post = (id: string, bytes: number) =>
      sdk.send(new PostToConnectionCommand({ ConnectionId: id, Data: Buffer.alloc(bytes, 'x') }));
    await expect(post(ConnectionId, 128 * 1024 + 1)).rejects.toMatchObject({ name: 'PayloadTooLargeException' });
    await expect(post('not an id', 1)).rejects.toMatchObject({ name: 'BadRequestException' });
    socket.close();
    await expect.poll(() => called('disconnect').length).toBe(1);
    const gone = { name: 'GoneException', $metadata: { httpStatusCode: 410 } };
    await expect(post(ConnectionId, 1)).rejects.toMatchObject(gone);
    await expect(sdk.send(new GetConnectionCommand({ ConnectionId }))).rejects.toMatchObject(gone);
    await expect(sdk.send(new DeleteConnectionCommand({ ConnectionId }))).rejects.toMatchObject(gone);
  });

  test('drops a client that does not read', async () => {
    const { url, called, connections } = await start({}, { unsentBytes: 64 * 1024 });
    const { socket } = await open(url);
    socket.pause();
    const id = idOf(called('connect')[0]);
    const frame = Buffer.alloc(32 * 1024, 'x');
    await expect.poll(() => Array.from({ length: 100 }, () => connections.post(id, frame)).at(-1)).toBe('gone');
    await expect.poll(() => called('disconnect').length).toBe(1);
  });

  test('does not know a connection whose handshake is not over', async () => {
    const late: { connections?: Connections } = {};
    const outcomes: unknown[] = [];
    const connect = (event: Event) => {
      outcomes.push(late.connections?.post(idOf(event), Buffer.from('early')));
      return { statusCode: 200 };
    };
    const started = await start({ connect });
    late.connections = started.connections;
    await open(started.url);
    expect(outcomes).toEqual(['gone']);
  });
});
