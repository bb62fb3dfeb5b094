/** What APNs says to one request, or how a request ended without a word from it. */
import type { ClientHttp2Stream } from 'node:http2';

export type Answered = { status: number; reason?: string; timestamp?: number; id?: string; retryAfter?: string };
export type Failed = {
  failed: 'timeout' | 'goaway' | 'refused' | 'reset' | 'closed' | 'connect' | 'our queue is full';
  /** `no`: it surely did not. */
  arrived: 'no' | 'unknown';
};
export type Answer = Answered | Failed;

const REASON_CHARACTERS = 1000;

export const ignore = (): void => undefined;

type Headers = Record<string, string | string[] | number | undefined>;

const parse = (body: string): Pick<Answered, 'reason' | 'timestamp'> => {
  try {
    const { reason, timestamp } = JSON.parse(body);
    return { ...(typeof reason === 'string' && { reason }), ...(typeof timestamp === 'number' && { timestamp }) };
  } catch {
    return {};
  }
};

const answerOf = (status: number, headers: Headers, body: string): Answered => {
  const id = headers['apns-id'];
  const named = typeof id === 'string' ? { status, id } : { status };
  if (status === 200) return named;
  const retryAfter = headers['retry-after'];
  return { ...named, ...parse(body), ...(typeof retryAfter === 'string' && { retryAfter }) };
};

/** Hands on what comes back on a stream. An error's words count only when they came in full. */
export const listen = (stream: ClientHttp2Stream, answered: (answer: Answered) => void): void => {
  stream.on('error', ignore);
  stream.on('response', (headers) => {
    const status = headers[':status'] ?? 0;
    if (status === 200) {
      answered(answerOf(status, headers, ''));
      stream.resume();
      return;
    }
    let body = '';
    stream.setEncoding('utf8');
    stream.on('data', (chunk: string) => {
      if (body.length < REASON_CHARACTERS) body += chunk;
    });
    stream.on('end', () => {
      if (!stream.aborted) answered(answerOf(status, headers, body));
    });
  });
};
