/**
 * One request to the App Store Server API, ended within its deadline, and what its failures mean. Takes the place of the library's
 * own, which knows no deadline, reads Retry-After (Unix milliseconds) as seconds and calls half of the failures unknown.
 */
import { z } from 'zod';
import type { Deps } from '../../core/deps.ts';
import { StoreError } from './store-error.ts';

/** Each of 20 signed notifications is about 15 KB. */
const ANSWER_BYTES = 8 * 1024 * 1024;
const HOUR_MS = 3_600_000;
/** A rate limit whose end is not said. */
const FLOODED_MS = 60_000;
/** Smaller numbers can not be milliseconds since 1970; a proxy between us speaks in seconds, as HTTP does. */
const UNIX_MS = 1e11;

const FLOODED = 4_290_000;
/** Apple asks for another try. */
const RETRYABLE = new Set([4_040_002, 4_040_004, 4_040_006, 5_000_001]);

export type Method = 'GET' | 'POST' | 'PUT';
export type Transport = (method: Method, path: string, body?: unknown) => Promise<unknown>;
type Answer = { status: number; retryAfter: string | null; text: string };

type Options = {
  origin: string;
  /** For each request anew. */
  token: () => Promise<string>;
  /** Apple did not take it; the next may do. */
  dropToken: (token: string) => void;
  now: Deps['now'];
  deadlineMs: number;
};

const ErrorBody = z.object({ errorCode: z.int(), errorMessage: z.string().optional() });

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

const readText = async (response: Response): Promise<string> => {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES) throw new StoreError({ kind: 'bug' }, 'the answer has no end');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
};

const ask = async (url: string, method: Method, body: unknown, token: string, deadlineMs: number): Promise<Answer> => {
  try {
    const response = await fetch(url, {
      method,
      headers: { authorization: `Bearer ${token}`, accept: 'application/json', 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      // The token is for nobody else.
      redirect: 'manual',
      signal: AbortSignal.timeout(deadlineMs),
    });
    return { status: response.status, retryAfter: response.headers.get('retry-after'), text: await readText(response) };
  } catch (error) {
    if (error instanceof StoreError) throw error;
    throw new StoreError({ kind: 'later' }, `no answer: ${error instanceof Error ? error.name : 'unknown'}`);
  }
};

/** What Apple's Retry-After asks for, at most an hour: it counts by the hour. */
const waitOf = (retryAfter: string | null, now: Date): number => {
  const said = Number(retryAfter ?? Number.NaN);
  if (!Number.isFinite(said) || said <= 0) return FLOODED_MS;
  const ms = said > UNIX_MS ? said - now.getTime() : said * 1000;
  return Math.min(HOUR_MS, Math.max(0, ms));
};

const errorOf = ({ status, retryAfter, text }: Answer, now: Date): StoreError => {
  const { data } = ErrorBody.safeParse(parsed(text));
  const code = data?.errorCode;
  const said = `${status}${data ? ` ${code} ${data.errorMessage?.slice(0, 200) ?? ''}` : ', not as documented'}`;
  if (status === 429 || code === FLOODED)
    return new StoreError({ kind: 'later', afterMs: waitOf(retryAfter, now) }, said, code);
  if (status >= 500 || status === 408 || (code !== undefined && RETRYABLE.has(code)))
    return new StoreError({ kind: 'later' }, said, code);
  if (status === 401 || status === 403) return new StoreError({ kind: 'denied' }, said, code);
  return new StoreError({ kind: status === 404 && data ? 'notFound' : 'bug' }, said, code);
};

/** @throws StoreError for everything but 2xx with JSON, or with nothing */
export const createTransport = ({ origin, token, dropToken, now, deadlineMs }: Options): Transport => {
  const attempt = async (method: Method, path: string, body: unknown, mayRenew: boolean): Promise<unknown> => {
    const bearer = await token();
    const answer = await ask(`${origin.replace(/\/$/, '')}${path}`, method, body, bearer, deadlineMs);
    if (answer.status === 401) dropToken(bearer);
    if (answer.status === 401 && mayRenew) return attempt(method, path, body, false);
    if (answer.status < 200 || answer.status > 299) throw errorOf(answer, now());
    if (answer.text.trim() === '') return undefined;
    const json = parsed(answer.text);
    // Half of an answer, or somebody else's page: the whole of it may come next time.
    if (json === undefined) throw new StoreError({ kind: 'later' }, `${answer.status}, but no JSON`);
    return json;
  };
  return (method, path, body) => attempt(method, path, body, true);
};
