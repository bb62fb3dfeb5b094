/** People who use the system over its public API, as the benchmarks and the crash test need them. */
import { WebSocket } from 'ws';
import { z } from 'zod';
import { type Answer, call } from './http.ts';

export type Origins = { http: string; ws: string };
export type Person = { user: string; token: string };

const tokenSeconds = 12 * 3600;

/** @throws Error that quotes the answer, unless it has the expected status */
const expectStatus = ({ status, body }: Answer, expected: number, what: string): unknown => {
  if (status !== expected) throw new Error(`${what}: ${status} ${JSON.stringify(body)}`);
  return body;
};

const Token = z.object({ token: z.string() });
export const signIn = async ({ http }: Pick<Origins, 'http'>, user: string): Promise<Person> => {
  const answer = await call(http, 'POST', '/dev/token', { body: { user, ttlSeconds: tokenSeconds } });
  return { user, token: Token.parse(expectStatus(answer, 200, 'token')).token };
};

/** The HTTP API, as one person. */
export const ask = (
  { http }: Pick<Origins, 'http'>,
  { token }: Person,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> => call(http, method, path, { token, body, headers });

export const Reaction = z.object({ matched: z.boolean(), conversationId: z.string().optional() });
export const like = async (at: Pick<Origins, 'http'>, who: Person, whom: Person): Promise<z.infer<typeof Reaction>> => {
  const answer = await ask(at, who, 'PUT', `/v1/reactions/${whom.user}`, { type: 'like' });
  return Reaction.parse(expectStatus(answer, 200, 'like'));
};

/** Both like; @returns their conversation */
export const matchPair = async (at: Pick<Origins, 'http'>, a: Person, b: Person): Promise<string> => {
  await like(at, a, b);
  const { conversationId } = await like(at, b, a);
  if (!conversationId) throw new Error(`${a.user} and ${b.user} did not match`);
  return conversationId;
};

export const Message = z.object({ id: z.string(), version: z.int(), number: z.int(), text: z.string() });
export type Message = z.infer<typeof Message>;
export type Draft = { conversationId: string; text: string; after: number; key: string };

export const post = (at: Pick<Origins, 'http'>, who: Person, { conversationId, text, after, key }: Draft) =>
  ask(at, who, 'POST', `/v1/conversations/${conversationId}/messages`, { text, after }, { 'idempotency-key': key });

export const send = async (at: Pick<Origins, 'http'>, who: Person, draft: Draft): Promise<Message> =>
  Message.parse(expectStatus(await post(at, who, draft), 201, 'send'));

/** An iOS push token of 64 hex digits, the same for the same person and device. */
export const pushToken = ({ user }: Person, device: string): string =>
  Buffer.from(`${user}/${device}`).toString('hex').padEnd(64, 'a').slice(0, 200);

export const putDevice = (at: Pick<Origins, 'http'>, who: Person, device: string): Promise<Answer> =>
  ask(at, who, 'PUT', `/v1/devices/${device}`, {
    platform: 'ios',
    push: { kind: 'apns', value: pushToken(who, device), app: 'example.chorus.demo', environment: 'sandbox' },
    locale: 'en',
    appVersion: '1.0.0',
  });

/** A device with a push address. */
export const register = async (at: Pick<Origins, 'http'>, who: Person, device: string): Promise<void> => {
  expectStatus(await putDevice(at, who, device), 200, 'register');
};

export const expectOk = (answer: Answer, what: string): unknown => expectStatus(answer, 200, what);

export const Frame = z.looseObject({
  type: z.string(),
  stream: z.string().optional(),
  events: z.array(z.looseObject({ v: z.int(), type: z.string(), text: z.string().optional() })).optional(),
});
export type Frame = z.infer<typeof Frame>;
export type Socket = { send: (frame: object) => void; closed: Promise<void>; close: () => Promise<void> };
const Ticket = z.object({ ticket: z.string() });

/** Opens a device's socket. @throws Error when the handshake is refused */
export const connect = async (
  at: Origins,
  who: Person,
  device: string,
  onFrame: (frame: Frame, socket: Socket) => void,
): Promise<Socket> => {
  const bought = expectStatus(await ask(at, who, 'POST', '/v1/socket-tickets', {}), 201, 'ticket');
  const opened = new WebSocket(`${at.ws}/?ticket=${Ticket.parse(bought).ticket}&device=${device}`, {
    perMessageDeflate: false,
  });
  const closed = new Promise<void>((resolve) => opened.once('close', () => resolve()));
  const socket: Socket = {
    send: (frame) => opened.send(JSON.stringify(frame)),
    closed,
    close: () => {
      opened.close();
      return closed;
    },
  };
  opened.on('message', (data) => onFrame(Frame.parse(JSON.parse(String(data))), socket));
  await new Promise<void>((resolve, reject) => {
    opened.once('open', resolve);
    opened.once('error', reject);
  });
  opened.on('error', () => opened.terminate());
  return socket;
};

/** Acknowledges the newest version of an `events` frame, as a device does that has shown it. */
export const acknowledge = ({ stream, events }: Frame, socket: Socket): void => {
  const v = events?.at(-1)?.v;
  if (stream && v) socket.send({ type: 'ack', stream, v });
};
