/**
 * DER (X.690), as much of it as certificates and what is said about them need: writing, and strict reading. Pure.
 */

const CONSTRUCTED = 0x20;
const CONTEXT = 0x80;
export const tags = {
  ...{ boolean: 1, integer: 2, bits: 3, octets: 4, null: 5, oid: 6, enumerated: 10, utf8: 12, utcTime: 23, time: 24 },
  ...{ sequence: 0x30, set: 0x31 },
} as const;
/** `[n]`, with other values inside, or as it is. */
export const context = (n: number, kind: 'constructed' | 'primitive' = 'constructed'): number =>
  CONTEXT | (kind === 'constructed' ? CONSTRUCTED : 0) | n;

const lengthOf = (length: number): Buffer => {
  if (length < 0x80) return Buffer.from([length]);
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(length);
  const short = bytes.subarray(bytes.findIndex((byte) => byte !== 0));
  return Buffer.from([0x80 | short.length, ...short]);
};

/** One value: its tag, and what is in it. */
export const der = (tag: number, ...contents: Buffer[]): Buffer => {
  const value = Buffer.concat(contents);
  return Buffer.concat([Buffer.from([tag]), lengthOf(value.length), value]);
};

export const sequence = (...contents: Buffer[]): Buffer => der(tags.sequence, ...contents);
export const octets = (value: Buffer): Buffer => der(tags.octets, value);
export const bits = (value: Buffer): Buffer => der(tags.bits, Buffer.from([0]), value);
export const utf8 = (text: string): Buffer => der(tags.utf8, Buffer.from(text));
export const boolean = (value: boolean): Buffer => der(tags.boolean, Buffer.from([value ? 0xff : 0]));
export const nothing = der(tags.null);

/** A number that is not negative, as bytes, the greatest first. */
export const integer = (value: Buffer): Buffer => {
  const from = value.findIndex((byte) => byte !== 0);
  const short = from < 0 ? Buffer.from([0]) : value.subarray(from);
  return der(tags.integer, (short[0] ?? 0) & 0x80 ? Buffer.from([0]) : Buffer.alloc(0), short);
};

const base128 = (n: number): number[] => {
  const digits = [n & 0x7f];
  for (let rest = Math.floor(n / 128); rest > 0; rest = Math.floor(rest / 128)) digits.unshift((rest & 0x7f) | 0x80);
  return digits;
};

/** @param text in numbers and points */
export const oid = (text: string): Buffer => {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number);
  return der(tags.oid, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
};

/** As certificates write times: in two digits until 2049. */
export const time = (date: Date): Buffer => {
  const digits = `${date.toISOString().replaceAll(/\D/g, '').slice(0, 14)}Z`;
  const { [date.getUTCFullYear() < 2050 ? 'utcTime' : 'time']: tag } = tags;
  return der(tag, Buffer.from(tag === tags.utcTime ? digits.slice(2) : digits));
};
export const generalizedTime = (date: Date): Buffer =>
  der(tags.time, Buffer.from(`${date.toISOString().replaceAll(/\D/g, '').slice(0, 14)}Z`));

export type Der = { tag: number; value: Buffer /** Tag and length too. */; whole: Buffer };

const fail = (what: string): never => {
  throw new Error(`not DER: ${what}`);
};

/** The first value, and what comes after it. */
const readFirst = (bytes: Buffer): { first: Der; rest: Buffer } => {
  const [tag, short] = bytes;
  if (tag === undefined || short === undefined) return fail('it ends too early');
  if ((tag & 0x1f) === 0x1f) return fail('a long tag');
  const more = short < 0x80 ? 0 : short & 0x7f;
  if (short === 0x80 || more > 4 || bytes.length < 2 + more) return fail('its length');
  const length = more === 0 ? short : bytes.readUIntBE(2, more);
  const end = 2 + more + length;
  const isShortest = lengthOf(length).length === 1 + more;
  if (!isShortest || end > bytes.length) return fail('its length');
  return {
    first: { tag, value: bytes.subarray(2 + more, end), whole: bytes.subarray(0, end) },
    rest: bytes.subarray(end),
  };
};

/** One value and nothing else. @throws when it is not DER */
export const readDer = (bytes: Buffer): Der => {
  const { first, rest } = readFirst(bytes);
  return rest.length === 0 ? first : fail('something comes after it');
};

/** What is in a constructed value. @throws when it is not DER */
export const childrenOf = ({ tag, value }: Der): Der[] => {
  if ((tag & CONSTRUCTED) === 0) return fail('nothing can be in it');
  const children: Der[] = [];
  for (let rest = value; rest.length > 0; ) {
    const read = readFirst(rest);
    children.push(read.first);
    rest = read.rest;
  }
  return children;
};

/** The values at these places, one within the other. @throws when one is not there */
export const within = (value: Der, ...path: number[]): Der =>
  path.reduce((at, i) => childrenOf(at)[i] ?? fail(`nothing at ${path.join('.')}`), value);

/** @throws when it is no GeneralizedTime in UTC */
export const readTime = ({ tag, value }: Der): Date => {
  const text = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(value.toString('latin1'));
  if (tag !== tags.time || !text) return fail('a time');
  const [, year, month, day, hour, minute, second] = text;
  const date = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(date.getTime()) ? fail('a time') : date;
};

/** The bytes of a bit string that ends with a whole byte. */
export const readBits = ({ tag, value }: Der): Buffer =>
  tag === tags.bits && value[0] === 0 ? value.subarray(1) : fail('a bit string');
