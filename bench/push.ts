/**
 * How many notifications a second go to APNs, beside the library that we do not send with and a bare HTTP/2 session (the
 * limit): all to the same server, in turn, in several rounds. And how long one takes after its connection died silently.
 */
import { fork } from 'node:child_process';
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectHttp2, type OutgoingHttpHeaders } from 'node:http2';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { Notification, Provider } from '@parse/node-apn';
import { createApnsSession } from '../functions/push/apns-session.ts';
import type { Row } from './bench.ts';
import { percentile, round } from './stats.ts';

const IN_FLIGHT = 500;
const ROUNDS = 7;
const SENT_PER_ROUND = 8000;
const WARM_UP_SENT = 4000;
const DEATHS = 3;
const LOOPBACK = '127.0.0.1';

const token = 'a1'.repeat(32);
const body = JSON.stringify({
  aps: { alert: { 'loc-key': 'MESSAGE', 'loc-args': ['Ada', 'x'.repeat(80)] }, sound: 'default', 'mutable-content': 1 },
});
const headers = {
  authorization: `bearer ${'x'.repeat(200)}`,
  'apns-topic': 'example.chorus.demo',
  'apns-push-type': 'alert',
  'apns-priority': '10',
  'apns-expiration': '1900000000',
  'apns-collapse-id': 'msg-1',
};

/** One way to send a notification. @throws when it was not accepted */
type Sender = { send: (id: string) => Promise<void>; close: () => void };

const ours = (port: number): Sender => {
  const session = createApnsSession(`http://${LOOPBACK}:${port}`, { wall: () => performance.now() });
  const send = async (id: string): Promise<void> => {
    const answer = await session.send({ token, headers: { ...headers, 'apns-id': id }, body });
    if ('failed' in answer || answer.status !== 200) throw new Error(`not accepted: ${JSON.stringify(answer)}`);
  };
  return { send, close: session.close };
};

const library = (port: number): Sender => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const options = {
    ...{ token: { key, keyId: 'BENCHKEY01', teamId: 'CHORUSTEAM' }, production: true, address: LOOPBACK, port },
    ...{ connectionRetryLimit: 0, createConnection: () => connect(port, LOOPBACK) },
  };
  const provider = new Provider(options);
  const { authorization: _, ...rest } = headers;
  const send = async (id: string): Promise<void> => {
    const all = { ...rest, 'apns-id': id };
    const note = Object.assign(new Notification(), { headers: () => all, compile: () => body });
    const { failed } = await provider.send(note, token);
    if (failed[0]) throw new Error(`not accepted: ${failed[0].error?.message ?? failed[0].status}`);
  };
  return { send, close: () => void provider.shutdown() };
};

/** Nothing but what the protocol asks for. */
const bare = (port: number): Sender => {
  const session = connectHttp2(`http://${LOOPBACK}:${port}`);
  const send = (id: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const path: OutgoingHttpHeaders = { ':method': 'POST', ':path': `/3/device/${token}` };
      const stream = session.request({ ...path, ...headers, 'apns-id': id });
      let status: number | undefined;
      stream.on('response', (answer) => {
        status = answer[':status'];
      });
      stream.on('error', reject);
      stream.on('close', () => (status === 200 ? resolve() : reject(new Error(`not accepted: ${status}`))));
      stream.resume();
      stream.end(body);
    });
  return { send, close: () => session.destroy() };
};

const forkServer = async (): Promise<{ port: number; end: () => void }> => {
  const child = fork(join(import.meta.dirname, 'push-server.ts'));
  const [port] = await once(child, 'message');
  return { port: Number(port), end: () => child.disconnect() };
};

/** Always so many in flight. @returns notifications a second */
const rate = async ({ send }: Sender, total: number): Promise<number> => {
  let sent = 0;
  const one = async (): Promise<void> => {
    while (sent < total) {
      sent += 1;
      await send(randomUUID());
    }
  };
  const started = performance.now();
  await Promise.all(Array.from({ length: IN_FLIGHT }, one));
  return total / ((performance.now() - started) / 1000);
};

/** Medians, in the order of the senders. */
const rates = async (port: number): Promise<number[]> => {
  const senders = [ours, library, bare].map((open) => open(port));
  const found: number[][] = senders.map(() => []);
  for (const sender of senders) {
    await sender.send(randomUUID());
    await rate(sender, WARM_UP_SENT);
  }
  for (let round = 0; round < ROUNDS; round++)
    for (const [i, sender] of senders.entries()) found[i]?.push(await rate(sender, SENT_PER_ROUND));
  for (const sender of senders) sender.close();
  return found.map((each) => percentile(each, 50));
};

/** A wire to the server that can die without a word: nothing goes either way any more, and nobody is told. */
const createWire = async (port: number) => {
  const sockets: Socket[] = [];
  const server = createServer((near) => {
    const far = connect(port, LOOPBACK);
    for (const socket of [near, far]) sockets.push(socket.on('error', () => undefined));
    near.on('data', (chunk) => far.write(chunk));
    far.on('data', (chunk) => near.write(chunk));
  }).listen(0, LOOPBACK);
  await once(server, 'listening');
  const address = server.address();
  const die = (): void => {
    for (const socket of sockets) socket.removeAllListeners('data').resume();
  };
  const close = (): void => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  return { port: typeof address === 'object' && address ? address.port : 0, die, close };
};

const afterDeath = async (port: number): Promise<number> => {
  const wire = await createWire(port);
  const sender = ours(wire.port);
  await sender.send(randomUUID());
  wire.die();
  const started = performance.now();
  await sender.send(randomUUID());
  const took = performance.now() - started;
  sender.close();
  wire.close();
  return took;
};

export const pushRows = async (): Promise<Row[]> => {
  const { port, end } = await forkServer();
  const [our = 0, theirs = 0, limit = 0] = await rates(port);
  const deaths: number[] = [];
  for (let death = 0; death < DEATHS; death++) deaths.push(await afterDeath(port));
  end();
  const beside = (name: string, value: number): Row => ({
    ...{ name, value: round(value), unit: 'notifications/s', limit: round(limit), ratio: round(value / limit) },
  });
  return [
    beside('push-apns-per-s', our),
    beside('push-node-apn-per-s', theirs),
    { name: 'limit-http2-per-s', value: round(limit), unit: 'notifications/s' },
    { name: 'push-after-dead-connection', value: round(percentile(deaths, 50)), unit: 'ms' },
  ];
};
