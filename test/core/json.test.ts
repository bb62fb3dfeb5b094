import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BODY_BYTES, parseJson, readBody } from '../../core/json.ts';
import { Problem } from '../../core/problem.ts';

const codeOf = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    if (error instanceof Problem) return error.init.code;
    throw error;
  }
  return 'accepted';
};
const headers = { 'content-type': 'application/json' };

describe('JSON from outside', () => {
  test('is read as JSON.parse reads it', () => {
    const small = fc.jsonValue({ maxDepth: 6 }).filter((value) => !JSON.stringify(value).includes('__proto__'));
    fc.assert(
      fc.property(
        small,
        (value) => void expect(parseJson(JSON.stringify(value))).toEqual(JSON.parse(JSON.stringify(value))),
      ),
    );
  });
  test('is answered with a code or a value, whatever the text', () => {
    fc.assert(fc.property(fc.string(), (text) => void expect(codeOf(() => parseJson(text))).toMatch(/^[a-z-]+$/)));
  });
  test.each([
    ['{"a":1,"a":2}', 'duplicate-key'],
    ['{"a":1,"\\u0061":2}', 'duplicate-key'],
    ['{"a":{"b":1},"a":2}', 'duplicate-key'],
    ['{"__proto__":{}}', 'invalid'],
    ['['.repeat(100_000), 'too-deep'],
    ['{"a":'.repeat(100_000), 'too-deep'],
    ['{"a":', 'malformed-json'],
    ["{'a':1}", 'malformed-json'],
    ['{"a":"\\x"}', 'malformed-json'],
    ['{"\\x":1}', 'malformed-json'],
    ['', 'malformed-json'],
    [`{${Array.from({ length: 201 }, (_, i) => `"k${i}":1`)}}`, 'too-many-keys'],
  ])('refuses %.40s as %s', (text, code) => expect(codeOf(() => parseJson(text))).toBe(code));
  test('lets the same key stand in two objects, and strings look like syntax', () => {
    expect(parseJson('[{"a":1},{"a":2}]')).toEqual([{ a: 1 }, { a: 2 }]);
    expect(parseJson('{"a":"{\\"a\\":[","b":"a"}')).toEqual({ a: '{"a":[', b: 'a' });
  });
});

describe('a body', () => {
  const json = JSON.stringify({ text: 'é' });
  test('may come as base64', () => {
    expect(readBody({ body: Buffer.from(json).toString('base64'), isBase64Encoded: true, headers })).toEqual({
      text: 'é',
    });
  });
  test('is undefined when there is none, whatever its type', () => {
    expect(readBody({ isBase64Encoded: false, headers: {} })).toBeUndefined();
  });
  test.each([
    ['too many bytes', { body: `"${'x'.repeat(BODY_BYTES)}"`, isBase64Encoded: false, headers }, 'too-large'],
    [
      'bytes that are no UTF-8',
      { body: Buffer.from([0x22, 0xff, 0x22]).toString('base64'), isBase64Encoded: true, headers },
      'malformed-json',
    ],
    [
      'another type',
      { body: json, isBase64Encoded: false, headers: { 'content-type': 'text/plain' } },
      'unsupported-media-type',
    ],
    ['no type', { body: json, isBase64Encoded: false, headers: {} }, 'unsupported-media-type'],
    [
      'another charset',
      { body: json, isBase64Encoded: false, headers: { 'content-type': 'application/json; charset=latin1' } },
      'unsupported-media-type',
    ],
    [
      'a compressed body',
      { body: json, isBase64Encoded: false, headers: { ...headers, 'content-encoding': 'gzip' } },
      'unsupported-media-type',
    ],
  ])('with %s is refused', (_, event, code) => expect(codeOf(() => readBody(event))).toBe(code));
});
