import fc from 'fast-check';
import { expect, test } from 'vitest';
import { watchFrames } from '../../local/gateway/socket-frames.ts';

/** A frame with a payload of zeros, as RFC 6455 writes it. */
const frame = (bytes: number, masked: boolean): Buffer => {
  const mask = masked ? 0x80 : 0;
  const payload = Buffer.alloc((masked ? 4 : 0) + bytes);
  if (bytes < 126) return Buffer.concat([Buffer.from([0x81, mask | bytes]), payload]);
  const long = bytes > 0xffff;
  const head = Buffer.alloc(long ? 10 : 4);
  head.set([0x81, mask | (long ? 127 : 126)]);
  if (long) head.writeBigUInt64BE(BigInt(bytes), 2);
  else head.writeUInt16BE(bytes, 2);
  return Buffer.concat([head, payload]);
};

const size = fc.oneof(fc.constantFrom(0, 1, 125, 126, 127, 0xffff, 0x10000, 0x10001), fc.nat(70_000));

test('the sizes of frames are read however the bytes were cut', () => {
  const frames = fc.array(fc.tuple(size, fc.boolean()), { maxLength: 8 });
  fc.assert(
    fc.property(frames, fc.array(fc.integer({ min: 1, max: 100_000 }), { minLength: 1 }), (wanted, cuts) => {
      const seen: number[] = [];
      const watch = watchFrames((bytes) => seen.push(bytes));
      const all = Buffer.concat(wanted.map(([bytes, masked]) => frame(bytes, masked)));
      for (let at = 0, turn = 0; at < all.length; turn++) {
        const step = cuts[turn % cuts.length] ?? 1;
        watch(all.subarray(at, at + step));
        at += step;
      }
      expect(seen).toEqual(wanted.map(([bytes]) => bytes));
    }),
    { numRuns: 100 },
  );
});

test('a frame is known by its header, before its payload is there', () => {
  const seen: number[] = [];
  const watch = watchFrames((bytes) => seen.push(bytes));
  for (const byte of frame(0x10000, true).subarray(0, 14)) watch(Buffer.from([byte]));
  expect(seen).toEqual([0x10000]);
});
