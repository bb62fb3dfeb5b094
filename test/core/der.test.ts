import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  childrenOf,
  der,
  generalizedTime,
  integer,
  octets,
  oid,
  readBits,
  readDer,
  readTime,
  sequence,
  tags,
  within,
} from '../../core/der.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

describe('DER', () => {
  test.each([
    ['1.2.840.113635.100.6.2.1', '06 0a 2a 86 48 86 f7 63 64 06 02 01'],
    ['2.5.29.15', '06 03 55 1d 0f'],
  ])('writes the object identifier %s', (id, bytes) => expect(oid(id)).toEqual(hex(bytes)));
  test.each([
    ['00', '02 01 00'],
    ['0001', '02 01 01'],
    ['80', '02 02 00 80'],
  ])('writes the number %s in the fewest bytes', (value, bytes) => expect(integer(hex(value))).toEqual(hex(bytes)));
  test('reads what it wrote, of any length', () =>
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 70_000 }), { maxLength: 5 }), (all) => {
        const read = childrenOf(readDer(sequence(...all.map((each) => octets(Buffer.from(each))))));
        expect(read.map(({ value }) => new Uint8Array(value))).toEqual(all);
      }),
      { numRuns: 50 },
    ));
  test('finds the key in a certificate', () => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
    const spki = readDer(publicKey.export({ type: 'spki', format: 'der' }));
    expect(readBits(within(spki, 1)).subarray(1)).toEqual(
      Buffer.concat([Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]),
    );
  });
  test('keeps a time', () => {
    const at = new Date('2026-11-20T12:34:56.000Z');
    expect(readTime(readDer(generalizedTime(at)))).toEqual(at);
  });
  test.each([
    ['nothing', ''],
    ['a tag alone', '30'],
    ['less than its length', '30 02 05'],
    ['more than its length', '05 00 00'],
    ['a length without end', '30 80 00 00'],
    ['a length that is longer than needed', '04 81 01 00'],
    ['a length of five bytes', '04 85 00 00 00 00 01 00'],
    ['a length in bytes that are not there', '04 84 01'],
    ['a tag of two bytes', '1f 81 00 00'],
  ])('refuses %s', (_, bytes) => expect(() => readDer(hex(bytes))).toThrow('not DER'));
  test('refuses what is within, if that is none', () => {
    expect(() => childrenOf(readDer(hex('30 02 04 05')))).toThrow('not DER');
    expect(() => childrenOf(readDer(octets(Buffer.alloc(2))))).toThrow('not DER');
    expect(() => within(readDer(sequence()), 0)).toThrow('not DER');
  });
  test.each(['20261301000000Z', '20261120123456', '261120123456Z'])('refuses the time %s', (text) =>
    expect(() => readTime(readDer(der(tags.time, Buffer.from(text))))).toThrow('not DER'),
  );
  test('takes any bytes without a fault of its own', () =>
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          childrenOf(readDer(Buffer.from(bytes)));
        } catch (error) {
          expect(String(error)).toContain('not DER');
        }
      }),
    ));
});
