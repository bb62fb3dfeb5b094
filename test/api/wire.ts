/** Requests that no well-behaved client sends, byte by byte, and what every refusal has in common. */
import { request as send } from 'node:http';
import { expect } from 'vitest';
import type { Json, Person, World } from '../world.ts';

export type Raw = { status: number; headers: Record<string, string | string[] | undefined>; text: string; body: Json };
type Odd = { headers?: Record<string, string | string[]>; body?: string | Uint8Array };

const parse = (text: string): Json => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** Sends path, headers and body as they are, also a body with GET. */
export const wire = (origin: string, method: string, path: string, { headers = {}, body }: Odd = {}): Promise<Raw> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(origin);
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const outgoing = send({ hostname, port, method, path, headers: { ...length, ...headers }, agent: false });
    outgoing.once('error', reject);
    outgoing.once('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('error', reject);
      response.once('end', () => {
        const text = Buffer.concat(chunks).toString();
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, body: parse(text) });
      });
    });
    outgoing.end(body);
  });

/** The same as a person, with a JSON body as text. */
export const wireAs = (world: World, { token }: Person, method: string, path: string, odd: Odd = {}): Promise<Raw> => {
  const json = odd.body === undefined ? {} : { 'content-type': 'application/json' };
  return wire(world.http, method, path, {
    ...odd,
    headers: { authorization: `Bearer ${token}`, ...json, ...odd.headers },
  });
};

const INTERNALS =
  /zod|dynamo|\bstack\b|\.ts\b|\.js\b|node_modules|file:|\/work\/|\/tmp\/|\bat \w+ \(|#person#|arn:aws/i;

/** Nothing of the inside stands in what a client is told. */
export const expectNoInternals = ({ env }: World, answer: string): void => {
  // A random id may spell anything.
  const text = answer.replaceAll(/"(request|connection)Id":"[^"]*"/g, '');
  expect(text).not.toMatch(INTERNALS);
  for (const name of [
    'EVENTS_TABLE',
    'INBOX_TABLE',
    'VIEWS_TABLE',
    'DEVICES_TABLE',
    'TRAIL_TABLE',
    'PARKED_BUCKET',
    'PUSH_QUEUE_URL',
  ])
    expect(text).not.toContain(env[name]);
};

/** RFC 9457, with a code, a sentence, and the field that is wrong, if it is one. */
export const expectProblem = (world: World, answer: Raw, status: number, code: string, field?: string): void => {
  expect([answer.status, answer.body?.code, answer.body?.errors?.[0]?.field]).toEqual([status, code, field]);
  expect(answer.headers['content-type']).toBe('application/problem+json');
  expect(answer.body).toMatchObject({ type: `urn:chorus:problem:${code}`, status, requestId: expect.any(String) });
  expect(answer.body.detail).toMatch(/^\S.*[.…]$/);
  if (field) expect(answer.body.errors[0].rule).toMatch(/\S/);
  expectNoInternals(world, answer.text);
};

/** After whatever it was sent, it serves. */
export const expectAlive = async (person: Person): Promise<void> =>
  expect((await person.call('GET', '/v1/sync?limit=1')).status).toBe(200);
