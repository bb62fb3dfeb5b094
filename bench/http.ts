/** A bare HTTP client with kept-alive connections: a load generator must cost less than what it measures. */
import { Agent, request } from 'node:http';

export type Answer = { status: number; body: unknown };
export type Call = { token?: string; body?: unknown; headers?: Record<string, string> };

const agent = new Agent({ keepAlive: true, maxSockets: 512 });
const answerMilliseconds = 30_000;

const decode = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
};

/**
 * One request with a JSON body.
 * @param origin such as http://127.0.0.1:4000
 * @throws Error when no answer arrives, so the outcome is unknown
 */
export const call = (
  origin: string,
  method: string,
  path: string,
  { token, body, headers }: Call = {},
): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const text = body === undefined ? '' : JSON.stringify(body);
    const sent = request(
      origin + path,
      {
        agent,
        method,
        timeout: answerMilliseconds,
        headers: {
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
          ...(text && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
          ...headers,
        },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('aborted', () => reject(new Error('the answer was cut off')));
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, body: decode(Buffer.concat(chunks).toString()) }),
        );
      },
    );
    sent.on('timeout', () => sent.destroy(new Error(`${method} ${path}: no answer`)));
    sent.on('error', reject);
    sent.end(text);
  });
