import { execFile } from 'node:child_process';
import {
  createSecureServer,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import { connect, createServer as createTcp, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createApnsSession } from '../../functions/push/apns-session.ts';
import { listen } from '../../local/listen.ts';
import { cert, key } from './certificate.ts';

type Handle = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, session: ServerHttp2Session) => void;

const ok: Handle = (stream, headers) => {
  if (stream.destroyed) return;
  stream.respond({ ':status': 200, 'apns-id': String(headers['apns-id']) }, { endStream: true });
  stream.resume();
};
const refuse = (stream: ServerHttp2Stream, status: number, body: object, more: Record<string, string> = {}): void => {
  stream.respond({ ':status': status, ...more });
  stream.end(JSON.stringify(body));
};

/** An APNs that does as it is told, and counts. */
const serve = async (handle: Handle, { streams = 1000, port = 0 } = {}) => {
  const server: Http2Server = createServer({ settings: { maxConcurrentStreams: streams } });
  const sessions: ServerHttp2Session[] = [];
  const ids: string[] = [];
  server.on('session', (session) => {
    sessions.push(session);
    session.on('error', () => undefined);
  });
  server.on('stream', (stream, headers) => {
    stream.on('error', () => undefined);
    ids.push(String(headers['apns-id']));
    const session = sessions.findLast((each) => each === stream.session);
    if (session) handle(stream, headers, session);
  });
  const bound = await listen(server, port);
  const stop = (): void => {
    for (const session of sessions) session.destroy();
    server.close();
  };
  onTestFinished(stop);
  return { origin: `http://127.0.0.1:${bound}`, port: bound, sessions, ids, stop };
};

/** A wire to a server that can die without a word: then nothing goes either way, and nobody is told. */
const wireTo = async (port: number) => {
  const pairs: [Socket, Socket][] = [];
  const proxy: Server = createTcp((near) => {
    const far = connect(port, '127.0.0.1');
    for (const socket of [near, far]) socket.on('error', () => undefined);
    near.on('data', (chunk) => far.write(chunk));
    far.on('data', (chunk) => near.write(chunk));
    near.on('close', () => far.destroy());
    pairs.push([near, far]);
  });
  const bound = await listen(proxy);
  onTestFinished(() => {
    for (const socket of pairs.flat()) socket.destroy();
    proxy.close();
  });
  const die = (): void => {
    for (const socket of pairs.flat()) {
      socket.removeAllListeners('data');
      socket.resume();
    }
  };
  return { origin: `http://127.0.0.1:${bound}`, die, connections: () => pairs.length };
};

let count = 0;
const note = () => {
  count += 1;
  return { token: 'a1'.repeat(32), headers: { 'apns-id': `id-${count}` }, body: '{"aps":{}}' };
};

const open = (origin: string, clock = { ahead: 0 }) => {
  const session = createApnsSession(origin, { wall: () => performance.now() + clock.ahead });
  onTestFinished(() => session.close());
  return { ...session, push: () => session.send(note()) };
};

const timed = async <T>(work: Promise<T>): Promise<{ result: T; ms: number }> => {
  const started = performance.now();
  return { result: await work, ms: performance.now() - started };
};

const accepted = expect.objectContaining({ status: 200 });

describe('an answer', () => {
  test('carries its status and the notification’s id', async () => {
    const { push } = open((await serve(ok)).origin);
    expect(await push()).toEqual({ status: 200, id: `id-${count}` });
  });

  test('that refuses carries reason, timestamp and when to come again', async () => {
    const { origin } = await serve((stream) =>
      refuse(stream, 410, { reason: 'Unregistered', timestamp: 1_700_000_000_000 }, { 'retry-after': '7' }),
    );
    const body = { reason: 'Unregistered', timestamp: 1_700_000_000_000 };
    expect(await open(origin).push()).toEqual({ status: 410, ...body, retryAfter: '7' });
  });

  test('that is no JSON still carries its status', async () => {
    const { origin } = await serve((stream) => {
      stream.respond({ ':status': 500 });
      stream.end('oops');
    });
    expect(await open(origin).push()).toEqual({ status: 500 });
  });
});

describe('a new connection', () => {
  /** Answers after a turn, and tells how many streams it had at once before and after the first answer of `status`. */
  const crowded = async (statuses: number[], streams = 1000) => {
    let now = 0;
    const most: number[] = [];
    const { origin } = await serve(
      (stream, headers, session) => {
        now += 1;
        most.push(now);
        setTimeout(() => {
          now -= 1;
          const status = statuses.shift() ?? 200;
          if (status === 200) ok(stream, headers, session);
          else refuse(stream, status, { reason: 'ExpiredProviderToken' });
        }, 30);
      },
      { streams },
    );
    return { origin, most };
  };

  test('has one stream until the first is accepted, then many', async () => {
    const { origin, most } = await crowded([]);
    const { push } = open(origin);
    await Promise.all(Array.from({ length: 40 }, push));
    expect(most.slice(0, 2)).toEqual([1, 1]);
    expect(Math.max(...most)).toBe(39);
  });

  test('still has one after a 403', async () => {
    const { origin, most } = await crowded([403, 403]);
    const { push } = open(origin);
    await Promise.all(Array.from({ length: 10 }, push));
    expect(most.slice(0, 4)).toEqual([1, 1, 1, 1]);
    expect(Math.max(...most)).toBe(7);
  });

  test('never has more streams than its peer allows', async () => {
    const { origin, most } = await crowded([], 5);
    const { push } = open(origin);
    const answers = await Promise.all(Array.from({ length: 40 }, push));
    expect(answers).toEqual(answers.map(() => accepted));
    expect(Math.max(...most)).toBe(5);
  });

  test('that nobody takes fails, and surely nothing arrived', async () => {
    const { origin, stop } = await serve(ok);
    stop();
    expect(await open(origin).push()).toEqual({ failed: 'connect', arrived: 'no' });
  });
});

describe('a connection that died without a word', () => {
  test('is found out and replaced: the next notification arrives within two seconds', async () => {
    const server = await serve(ok);
    const wire = await wireTo(server.port);
    const { push } = open(wire.origin);
    await push();
    wire.die();
    const { result, ms } = await timed(push());
    expect(result).toEqual(accepted);
    expect(ms).toBeGreaterThan(1000);
    expect(ms).toBeLessThan(2000);
    expect(wire.connections()).toBe(2);
  });

  test('fails nobody: all that was in flight arrives under its own id', async () => {
    const server = await serve(ok);
    const wire = await wireTo(server.port);
    const { push } = open(wire.origin);
    await push();
    wire.die();
    const answers = await Promise.all(Array.from({ length: 50 }, push));
    expect(answers).toEqual(answers.map(() => accepted));
    expect(new Set(server.ids).size).toBe(51);
  });

  test('while the process was frozen costs half a second, since it is asked before it is used', async () => {
    const server = await serve(ok);
    const wire = await wireTo(server.port);
    const clock = { ahead: 0 };
    const { push } = open(wire.origin, clock);
    await push();
    wire.die();
    clock.ahead = 60_000;
    const { result, ms } = await timed(push());
    expect(result).toEqual(accepted);
    expect(ms).toBeLessThan(900);
  });
});

test('a connection that was quiet for half a minute is asked before it is used', async () => {
  const server = await serve(ok);
  const wire = await wireTo(server.port);
  const { push } = open(wire.origin);
  await push();
  wire.die();
  const { now } = performance;
  const later = vi.spyOn(performance, 'now').mockImplementation(() => now.call(performance) + 31_000);
  onTestFinished(() => later.mockRestore());
  const { result, ms } = await timed(push());
  expect(result).toEqual(accepted);
  expect(ms).toBeLessThan(900);
});

test('a connection that outlived a freeze is used on', async () => {
  const { origin, sessions } = await serve(ok);
  const clock = { ahead: 0 };
  const { push } = open(origin, clock);
  await push();
  clock.ahead = 60_000;
  expect(await push()).toEqual(accepted);
  expect(sessions.length).toBe(1);
});

test('a peer that answers PING is not given up for a slow answer', async () => {
  const { origin, sessions } = await serve((...args) => void setTimeout(() => ok(...args), 1400));
  expect(await open(origin).push()).toEqual(accepted);
  expect(sessions.length).toBe(1);
});

test('what is never answered ends within its deadline, and the connection is replaced', async () => {
  let silent = false;
  const { origin, sessions } = await serve((...args) => {
    if (!silent) ok(...args);
  });
  const { push } = open(origin);
  await push();
  silent = true;
  const { result, ms } = await timed(push());
  silent = false;
  expect(result).toEqual({ failed: 'timeout', arrived: 'unknown' });
  expect(ms).toBeLessThan(5300);
  expect(await push()).toEqual(accepted);
  expect(sessions.length).toBe(2);
});

describe('a stream that surely was not looked at', () => {
  test('goes once more, on a new connection', async () => {
    let refusals = 1;
    const { origin, sessions, ids } = await serve((stream, headers, session) => {
      if (refusals-- > 0) stream.close(7);
      else ok(stream, headers, session);
    });
    expect(await open(origin).push()).toEqual(accepted);
    expect([sessions.length, new Set(ids).size, ids.length]).toEqual([2, 1, 2]);
  });

  test('twice is reported', async () => {
    const { origin, ids } = await serve((stream) => stream.close(7));
    expect(await open(origin).push()).toEqual({ failed: 'refused', arrived: 'no' });
    expect(ids.length).toBe(2);
  });

  test('because it came after a GOAWAY goes once more; what came before may finish', async () => {
    const held: (() => void)[] = [];
    let first = true;
    const { origin, sessions, ids } = await serve((stream, headers, session) => {
      if (!first && session === sessions[0]) {
        held.push(() => ok(stream, headers, session));
        if (held.length < 4) return;
        session.goaway(0, 5);
        setTimeout(() => {
          for (const answer of held) answer();
        }, 50);
        return;
      }
      first = false;
      ok(stream, headers, session);
    });
    const { push } = open(origin);
    await push();
    const answers = await Promise.all(Array.from({ length: 4 }, push));
    expect(answers).toEqual(answers.map(() => accepted));
    expect([sessions.length, ids.length, new Set(ids).size]).toEqual([2, 7, 5]);
  });

  test('after a GOAWAY that names an error goes once more, too', async () => {
    const { origin, sessions } = await serve((stream, headers, session) => {
      if (session === sessions[0]) session.goaway(2, 0);
      else ok(stream, headers, session);
    });
    expect(await open(origin).push()).toEqual(accepted);
  });
});

test('a peer that says GOAWAY again and again is reported; it says that it looked at them', async () => {
  const { origin, ids } = await serve((_stream, _headers, session) => session.goaway(2, 0));
  expect(await open(origin).push()).toEqual({ failed: 'goaway', arrived: 'unknown' });
  expect(ids.length).toBe(2);
});

test('a stream that is reset in the middle is reported: it may have arrived', async () => {
  const { origin, ids } = await serve((stream) => stream.close(2));
  expect(await open(origin).push()).toEqual({ failed: 'reset', arrived: 'unknown' });
  expect(ids.length).toBe(1);
});

test('a connection that its peer closed while it was idle is opened again', async () => {
  const { origin, sessions } = await serve(ok);
  const { push } = open(origin);
  await push();
  sessions[0]?.close();
  await expect.poll(() => sessions[0]?.destroyed).toBe(true);
  expect(await push()).toEqual(accepted);
  expect(sessions.length).toBe(2);
});

test('a connection that is cut with a notification in flight is opened again, and the notification sent once more', async () => {
  const { origin, sessions, ids } = await serve((stream, headers, session) => {
    if (session === sessions[0]) session.destroy();
    else ok(stream, headers, session);
  });
  expect(await open(origin).push()).toEqual(accepted);
  expect([ids.length, new Set(ids).size]).toEqual([2, 1]);
});

test('a background push that was in flight then is not sent again: Apple counts them', async () => {
  const { origin, sessions, ids } = await serve((stream, headers, session) => {
    if (session === sessions[0]) session.destroy();
    else ok(stream, headers, session);
  });
  const { send } = open(origin);
  const { headers, ...rest } = note();
  const answer = await send({ ...rest, headers: { ...headers, 'apns-push-type': 'background' } });
  expect(answer).toMatchObject({ arrived: 'unknown' });
  expect(ids).toHaveLength(1);
});

test('renewing leaves what is in flight alone', async () => {
  const { origin, sessions } = await serve((...args) => void setTimeout(() => ok(...args), 100));
  const { push, renew } = open(origin);
  await push();
  const inFlight = push();
  renew();
  expect(await Promise.all([inFlight, push()])).toEqual([accepted, accepted]);
  expect(sessions.length).toBe(2);
});

test('closing answers all that wait, and nothing is sent afterwards', async () => {
  const { origin } = await serve(() => undefined);
  const { push, close } = open(origin);
  const waiting = [push(), push()];
  close();
  expect(await Promise.all([...waiting, push()])).toMatchObject(Array(3).fill({ failed: 'closed', arrived: 'no' }));
});

test('what is too much to wait is refused at once, and says that it is our queue', async () => {
  const { origin } = await serve(() => undefined);
  const { push, close } = open(origin);
  const waiting = Array.from({ length: 10_000 }, () => push());
  expect(await push()).toEqual({ failed: 'our queue is full', arrived: 'no' });
  close();
  expect(new Set((await Promise.all(waiting)).map((answer) => 'failed' in answer && answer.failed))).toEqual(
    new Set(['closed']),
  );
});

describe('over TLS', () => {
  const secure = async () => {
    const server = createSecureServer({ key, cert });
    server.on('stream', (stream, headers) => {
      stream.respond({ ':status': 200, 'apns-id': String(headers['apns-id']) }, { endStream: true });
    });
    server.on('sessionError', () => undefined);
    const port = await listen(server);
    onTestFinished(() => void server.close());
    return `https://localhost:${port}`;
  };

  test('a notification is accepted', async () => {
    const session = createApnsSession(await secure(), { wall: () => performance.now(), ca: cert });
    onTestFinished(() => session.close());
    expect(await session.send(note())).toEqual(accepted);
    expect(await session.send(note())).toEqual(accepted);
  });

  test('nothing is told to a peer that nobody vouches for', async () => {
    expect(await open(await secure()).push()).toEqual({ failed: 'connect', arrived: 'no' });
  });
});

test('an open connection does not keep a process from ending', async () => {
  const { origin } = await serve(ok);
  const file = join(import.meta.dirname, '../../functions/push/apns-session.ts');
  const script = `
    const { createApnsSession } = await import(${JSON.stringify(file)});
    const session = createApnsSession(${JSON.stringify(origin)}, { wall: () => 0 });
    const { status } = await session.send({ token: 'a1', headers: {}, body: '{}' });
    console.log(status);`;
  const options = { timeout: 5000 };
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], options);
  expect(stdout.trim()).toBe('200');
});
