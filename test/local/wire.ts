/** A raw HTTP/2 client for the local APNs: what node-apn hides, a test of the protocol wants to see. */
import { createPrivateKey } from 'node:crypto';
import {
  type ClientHttp2Session,
  connect,
  type IncomingHttpHeaders,
  type SecureClientSessionOptions,
} from 'node:http2';
import { SignJWT } from 'jose';
import { onTestFinished } from 'vitest';
import { providers } from './stage.ts';

export const TOPIC = 'example.chorus.demo';
export const KEY = { keyId: 'DEMOKEY001', teamId: 'CHORUSDEMO' };

/** A device token that begins so. */
export const device = (begin: string): string => begin.padEnd(64, '0');

export type Answer = { status?: number; reason?: string; timestamp?: number; headers: IncomingHttpHeaders };
type Asked = { token?: string; headers?: Record<string, string | undefined>; payload?: unknown; json?: string };
/** `error` names the HTTP/2 code, or Node's error, that the stream ended with. */
export type Ending = Answer | { error: string };

export type Peer = {
  session: ClientHttp2Session;
  /** Resolves when the stream has ended, however. */
  post(asked?: Asked): Promise<Ending>;
  /** The server's limits, as they came. */
  limits: number[];
  goaways: { code: number; last: number; reason: string }[];
};

const ending = (session: ClientHttp2Session, headers: Record<string, string>, body: string): Promise<Ending> =>
  new Promise((resolve) => {
    const stream = session.request(headers);
    let answered: IncomingHttpHeaders | undefined;
    let text = '';
    let error = 'closed without an answer';
    stream.setEncoding('utf8');
    stream.on('response', (got) => {
      answered = got;
    });
    stream.on('data', (chunk: string) => {
      text += chunk;
    });
    stream.on('error', (thrown: Error & { code?: string }) => {
      error = `${thrown.code} ${thrown.message}`;
    });
    stream.on('close', () =>
      resolve(
        answered ? { status: Number(answered[':status']), ...JSON.parse(text || '{}'), headers: answered } : { error },
      ),
    );
    stream.end(body);
  });

/** One connection of a client that behaves as Apple wants it; `options` makes it misbehave. */
export const dial = async (
  origin: string,
  bearer: string,
  options: SecureClientSessionOptions = { peerMaxConcurrentStreams: 1 },
): Promise<Peer> => {
  const session = connect(origin, options);
  onTestFinished(() => session.destroy());
  session.on('error', () => undefined);
  const peer: Peer = {
    session,
    limits: [],
    goaways: [],
    post: ({ token = device('a1'), headers = {}, payload = { aps: { alert: 'Hello' } }, json } = {}) => {
      const all = {
        ':method': 'POST',
        ':path': `/3/device/${token}`,
        authorization: bearer,
        'apns-topic': TOPIC,
        'apns-push-type': 'alert',
        ...headers,
      };
      const given = Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined);
      return ending(session, Object.fromEntries(given), json ?? JSON.stringify(payload));
    },
  };
  session.on('remoteSettings', ({ maxConcurrentStreams }) => peer.limits.push(maxConcurrentStreams ?? -1));
  session.on('goaway', (code, last, data) =>
    peer.goaways.push({ code, last, reason: JSON.parse(String(data ?? '{}')).reason }),
  );
  return peer;
};

/** Local providers, and a way to sign tokens that they take. */
export const apple = async (changeSeconds = 0) => {
  const local = await providers(undefined, changeSeconds);
  const key = createPrivateKey((await local.secret('/chorus/demo/apns-key')) ?? '');
  const now = Math.floor(Date.now() / 1000);
  const sign = async (age = 0): Promise<string> =>
    `bearer ${await new SignJWT({ iss: KEY.teamId, iat: now - age })
      .setProtectedHeader({ alg: 'ES256', kid: KEY.keyId })
      .sign(key)}`;
  const bearer = await sign();
  return {
    ...local,
    sign,
    bearer,
    dial: (options?: SecureClientSessionOptions) => dial(local.apns, bearer, options),
    /** Asks for a fault as the route does. */
    fault: (fault: string, more: object = {}) => local.faults.add({ provider: 'apns', fault, ...more }),
  };
};
