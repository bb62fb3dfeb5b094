/**
 * A JWS as the App Store writes it, and no other: what is stricter here than in the libraries, asked before any of them
 * sees it. Whether it is genuine is Apple's verifier's to say; nothing here trusts anything.
 */
import { createHash, X509Certificate } from 'node:crypto';
import { z } from 'zod';
import { parseJson } from '../../core/json.ts';
import { createLru } from '../../core/lru.ts';
import { Problem } from '../../core/problem.ts';
import { Refused } from './appstore-rules.ts';

/** Apple's are about 10 KB, with all that is within. */
export const JWS_BYTES = 64 * 1024;
/** Apple's are about 1 KB. */
const CERTIFICATE_BYTES = 4096;
const CHAIN_LENGTH = 3;
/** A purchase of many items (Advanced Commerce) has some for each. */
const KEYS = 2000;
/** Two numbers of 32 bytes, in base64url. */
const SIGNATURE_LENGTH = 86;
/** Headers that were read: there are as many good ones as there are signing certificates, a few. */
const HEADERS = 100;

export type Header = {
  leaf: X509Certificate;
  intermediate: X509Certificate;
  /** SHA-256 of each of the two, hex. */
  fingerprints: string[];
};

/** Its payload is a claim until the signature was verified. */
export type Opened = { header: Header; payload: Record<string, unknown> };

/** `kid` and `typ` say nothing that anybody here listens to. */
const HeaderJson = z.strictObject({
  alg: z.string(),
  x5c: z.array(z.unknown()),
  kid: z.string().max(200).optional(),
  typ: z.string().max(20).optional(),
});

const isCanonical = (text: string, encoding: 'base64' | 'base64url'): boolean =>
  text !== '' && Buffer.from(text, encoding).toString(encoding) === text;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** @throws Refused by this rule when it is not a JSON object, or one that two parsers may read differently */
const readObject = (segment: string, rule: 'header' | 'json'): Record<string, unknown> => {
  try {
    const value = parseJson(utf8.decode(Buffer.from(segment, 'base64url')), KEYS);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Refused(rule);
    return { ...value };
  } catch (error) {
    if (error instanceof Refused) throw error;
    throw new Refused(rule, error instanceof Problem ? `${rule}: ${error.init.code}` : undefined);
  }
};

const readCertificate = (text: unknown): X509Certificate => {
  if (typeof text !== 'string' || text.length > (CERTIFICATE_BYTES * 4) / 3 || !isCanonical(text, 'base64'))
    throw new Refused('certificate');
  try {
    const bytes = Buffer.from(text, 'base64');
    const certificate = new X509Certificate(bytes);
    // What comes after a certificate would be read by nobody, and is signed by nobody.
    if (certificate.raw.equals(bytes)) return certificate;
  } catch {
    // Not a certificate.
  }
  throw new Refused('certificate');
};

const isP256 = (certificate: X509Certificate): boolean => {
  try {
    return certificate.publicKey.asymmetricKeyDetails?.namedCurve === 'prime256v1';
  } catch {
    return false;
  }
};

const readHeader = (segment: string): Header => {
  const parsed = HeaderJson.safeParse(readObject(segment, 'header'));
  if (!parsed.success) throw new Refused('header');
  const { alg, x5c } = parsed.data;
  if (alg !== 'ES256') throw new Refused('algorithm');
  if (x5c.length !== CHAIN_LENGTH) throw new Refused('chain-length');
  const [leaf, intermediate] = x5c.map(readCertificate);
  if (!leaf || !intermediate || !isP256(leaf)) throw new Refused('certificate');
  const fingerprints = [leaf, intermediate].map(({ raw }) => createHash('sha256').update(raw).digest('hex'));
  return { leaf, intermediate, fingerprints };
};

const headers = createLru<Header>(HEADERS);

/** The certificates of a JWS that was verified. @throws Refused when it has none */
export const headerOf = (jws: string): Header => {
  const header = jws.split('.', 1)[0] ?? '';
  return headers.get(header) ?? headers.set(header, readHeader(header));
};

/** @throws Refused */
export const openJws = (jws: string): Opened => {
  // In characters first: each has at least one byte.
  if (jws.length > JWS_BYTES || Buffer.byteLength(jws) > JWS_BYTES) throw new Refused('too-large');
  const segments = jws.split('.', CHAIN_LENGTH + 1);
  const [header, payload, signature] = segments;
  if (segments.length !== 3 || !header || !payload || !signature) throw new Refused('segments');
  if (!segments.every((segment) => isCanonical(segment, 'base64url'))) throw new Refused('base64url');
  const opened = { header: headerOf(jws), payload: readObject(payload, 'json') };
  if (signature.length !== SIGNATURE_LENGTH) throw new Refused('signature');
  return opened;
};

/** The payload of a JWS that we stored after it was verified. @throws Refused when it is not JSON */
export const payloadOf = (jws: string): Record<string, unknown> => readObject(jws.split('.', 3)[1] ?? '', 'json');
