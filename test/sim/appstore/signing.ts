/**
 * Signs what the App Store would, the same text always in the same way: a signature of ECDSA holds a random number, and here
 * nothing may be left to chance. The certificates lie beside this file; nobody outside of tests trusts them.
 */
import { createECDH, createHash, createHmac, type KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { encode, openPki, type Pki, x5cOf } from '../../../local/providers/appstore-pki.ts';

/** Of P-256. */
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

const numberOf = (bytes: Buffer): bigint => BigInt(`0x${bytes.toString('hex')}`);
const bytesOf = (n: bigint): Buffer => Buffer.from(n.toString(16).padStart(64, '0'), 'hex');

const inverse = (of: bigint): bigint => {
  let [a, b, x, y] = [ORDER, of % ORDER, 0n, 1n];
  while (b > 0n) [a, b, x, y] = [b, a % b, y, x - (a / b) * y];
  return ((x % ORDER) + ORDER) % ORDER;
};

/** ES256, with a number that follows from key and text. */
const signatureOf = (secret: Buffer, text: string): string => {
  const hash = createHash('sha256').update(text).digest();
  const nonce = createHmac('sha256', secret).update(hash).digest();
  const point = createECDH('prime256v1');
  point.setPrivateKey(nonce);
  const r = numberOf(point.getPublicKey().subarray(1, 33)) % ORDER;
  const s = (inverse(numberOf(nonce)) * (numberOf(hash) + r * numberOf(secret))) % ORDER;
  return Buffer.concat([bytesOf(r), bytesOf(s)]).toString('base64url');
};

const secretOf = (key: KeyObject): Buffer => Buffer.from(key.export({ format: 'jwk' }).d ?? '', 'base64url');

export type Signer = { sign: (payload: object) => string; roots: Pki['roots'] };

export const createSigner = (): Signer => {
  const { chain, roots } = openPki(join(import.meta.dirname));
  const secret = secretOf(chain.leaf.key);
  const header = encode({ alg: 'ES256', x5c: x5cOf([chain.leaf, chain.intermediate, chain.root]) });
  return {
    roots,
    sign: (payload) => {
      const text = `${header}.${encode(payload)}`;
      return `${text}.${signatureOf(secret, text)}`;
    },
  };
};
