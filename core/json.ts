/**
 * JSON from outside, strictly: bytes, depth, keys and duplicates are bounded before JSON.parse sees the text
 * (which would take all of them).
 */
import { Problem } from './problem.ts';

export const BODY_BYTES = 64 * 1024;
const DEPTH = 16;
const KEYS = 200;

const refuse = (status: number, code: string, detail: string, field = 'body'): never => {
  throw new Problem({ status, code, detail, errors: [{ field, rule: detail }] });
};

/**
 * Strings, punctuation, and runs of anything else: enough to find keys and depth; the grammar is JSON.parse's. A string that never
 * ends runs to the end at once: looked for again from each of its quotes, it would take quadratic time.
 */
const TOKEN = /"(?:[^"\\]|\\.)*(?:"|\\?$)|[{}[\],:]|[^\s"{}[\],:]+/gs;

type Open = { keys: Set<string> | undefined; expectsKey: boolean };

const checkKey = (open: Open, token: string, count: number, keyLimit: number): void => {
  const name = String(JSON.parse(token));
  if (open.keys?.has(name)) refuse(400, 'duplicate-key', `The key ${JSON.stringify(name)} stands twice in one object.`);
  if (name === '__proto__') refuse(400, 'invalid', 'The key "__proto__" is not allowed.');
  if (count > keyLimit) refuse(400, 'too-many-keys', `The body may have at most ${keyLimit} keys.`);
  open.keys?.add(name);
};

const scan = (text: string, keyLimit: number): void => {
  const stack: Open[] = [];
  let keys = 0;
  for (const [token] of text.matchAll(TOKEN)) {
    const open = stack.at(-1);
    if (token === '{' || token === '[') {
      if (stack.length === DEPTH) refuse(400, 'too-deep', `The body may be nested at most ${DEPTH} deep.`);
      stack.push({ keys: token === '{' ? new Set() : undefined, expectsKey: token === '{' });
    } else if (token === '}' || token === ']') stack.pop();
    else if (token === ',' && open) open.expectsKey = open.keys !== undefined;
    else if (open?.expectsKey && token.startsWith('"')) {
      open.expectsKey = false;
      checkKey(open, token, ++keys, keyLimit);
    }
  }
};

/** @throws Problem `malformed-json`, `too-deep`, `too-many-keys`, `duplicate-key` */
export const parseJson = (text: string, keyLimit = KEYS): unknown => {
  try {
    scan(text, keyLimit);
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof Problem) throw error;
    return refuse(400, 'malformed-json', 'The body is not valid JSON.');
  }
};

type Body = { body?: string | undefined; isBase64Encoded: boolean; headers: Record<string, string | undefined> };

const checkEncoding = (headers: Body['headers']): void => {
  if (headers['content-encoding'] && headers['content-encoding'] !== 'identity')
    refuse(415, 'unsupported-media-type', 'Send the body without content-encoding.', 'headers.content-encoding');
};

const checkType = (headers: Body['headers']): void => {
  const [type, ...parameters] = (headers['content-type'] ?? '')
    .toLowerCase()
    .split(';')
    .map((part) => part.trim());
  const charset = parameters
    .find((parameter) => parameter.startsWith('charset='))
    ?.slice(8)
    .replaceAll('"', '');
  if (type !== 'application/json' || (charset && charset !== 'utf-8'))
    refuse(415, 'unsupported-media-type', 'Send application/json in UTF-8.', 'headers.content-type');
  checkEncoding(headers);
};

const decode = ({ body = '', isBase64Encoded }: Body, limit: number): string => {
  const bytes = Buffer.byteLength(body, isBase64Encoded ? 'base64' : 'utf8');
  if (bytes > limit) refuse(413, 'too-large', `The body may have at most ${limit} bytes.`);
  if (!isBase64Encoded) return body;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(body, 'base64'));
  } catch {
    return refuse(400, 'malformed-json', 'The body is not valid UTF-8.');
  }
};

/** The JSON body of a request; undefined when there is none. @throws Problem `too-large`, `unsupported-media-type` and those of `parseJson` */
export const readBody = (event: Body): unknown => {
  const text = decode(event, BODY_BYTES);
  if (text.trim() === '') return undefined;
  checkType(event.headers);
  return parseJson(text);
};

/** The JSON body that a machine sends, whatever it calls its type. @throws as `readBody` */
export const readPosted = (event: Body, limit: number): unknown => {
  checkEncoding(event.headers);
  return parseJson(decode(event, limit));
};

/** Equal text for equal values, whatever order their fields are in. */
export const canonicalJson = (value: unknown): string =>
  JSON.stringify(value, (_key, each: unknown) =>
    typeof each === 'object' && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  );
