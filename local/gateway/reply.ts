/** What the emulated AWS endpoints share: a call, its reply, and a refusal as the SDK reads it. */
import type { IncomingMessage } from 'node:http';

export type Reply = { status: number; headers?: Record<string, string>; body?: unknown };
export type Call = {
  method: string;
  path: string;
  query: string;
  headers: IncomingMessage['headers'];
  body: Buffer;
};

export const fault = (status: number, type: string, message: string): Reply => ({
  status,
  headers: { 'x-amzn-errortype': type },
  body: { __type: type, message },
});

/** The body's JSON, boxed: undefined when it is none. An empty body is an empty object. */
export const parseJsonBody = (body: Buffer): { json: unknown } | undefined => {
  try {
    return { json: body.length === 0 ? {} : JSON.parse(body.toString('utf8')) };
  } catch {
    return undefined;
  }
};

export const AWS_JSON = { 'content-type': 'application/x-amz-json-1.1' };
