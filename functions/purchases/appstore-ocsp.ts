/**
 * Was a certificate revoked? OCSP (RFC 6960), asked and read here: Apple's library waits 30 s for an answer, takes an old
 * one for a new one, and says the same of a revoked certificate as of a responder that it does not understand.
 */
import { createHash, verify, X509Certificate } from 'node:crypto';
import {
  childrenOf,
  context,
  type Der,
  integer,
  nothing,
  octets,
  oid,
  readBits,
  readDer,
  readTime,
  sequence,
  tags,
  within,
} from '../../core/der.ts';

export type Revocation = 'good' | 'revoked' | 'unknown';

/** Real ones are about 1 KB. */
export const ANSWER_BYTES = 64 * 1024;
const SKEW_MS = 60_000;
/** Of an answer that does not say when the next one comes. */
const FRESH_MS = 24 * 3_600_000;
const CERTIFICATES = 5;

const BASIC = oid('1.3.6.1.5.5.7.48.1.1');
const SHA256 = oid('2.16.840.1.101.3.4.2.1');
const OCSP_SIGNING = '1.3.6.1.5.5.7.3.9';
const hashes = new Map([
  ['1.2.840.10045.4.3.2', 'sha256'],
  ['1.2.840.10045.4.3.3', 'sha384'],
  ['1.2.840.10045.4.3.4', 'sha512'],
  ['1.2.840.113549.1.1.11', 'sha256'],
  ['1.2.840.113549.1.1.12', 'sha384'],
  ['1.2.840.113549.1.1.13', 'sha512'],
]);

const sha256 = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest();

/** The responder that a certificate names. */
export const responderOf = ({ infoAccess }: X509Certificate): string | undefined =>
  /^OCSP - URI:(https?:\/\/\S+)$/m.exec(infoAccess ?? '')?.[1];

/** How a certificate is named to its responder: hashes of its issuer's name and key, and its number. */
type CertificateId = { name: Buffer; key: Buffer; serial: Buffer };

const idOf = (certificate: X509Certificate, issuer: X509Certificate): CertificateId => {
  // version, serial, algorithm, issuer, validity, subject, public key
  const [, serial, , name] = childrenOf(within(readDer(certificate.raw), 0));
  const key = within(readDer(issuer.raw), 0, 6, 1);
  if (!serial || !name) throw new Error('no certificate of version 3');
  return { name: sha256(name.whole), key: sha256(readBits(key)), serial: serial.value };
};

export const requestOf = (certificate: X509Certificate, issuer: X509Certificate): Buffer => {
  const { name, key, serial } = idOf(certificate, issuer);
  const id = sequence(sequence(SHA256, nothing), octets(name), octets(key), integer(serial));
  return sequence(sequence(sequence(sequence(id))));
};

/** May it speak for the issuer: is it the issuer itself, or one that the issuer made for this, valid now? */
const speaksFor = (issuer: X509Certificate, certificate: X509Certificate, now: Date): boolean =>
  certificate.raw.equals(issuer.raw) ||
  (certificate.checkIssued(issuer) &&
    certificate.verify(issuer.publicKey) &&
    (certificate.keyUsage ?? []).includes(OCSP_SIGNING) &&
    Date.parse(certificate.validFrom) <= now.getTime() + SKEW_MS &&
    now.getTime() - SKEW_MS <= Date.parse(certificate.validTo));

const hashOf = (algorithm: Der): string => {
  const name = within(algorithm, 0).whole;
  for (const [id, hash] of hashes) if (oid(id).equals(name)) return hash;
  throw new Error('signed in a way that nobody should');
};

/** What was signed. @throws when nobody who may has signed it */
const readSigned = (answer: Buffer, issuer: X509Certificate, now: Date): Der => {
  const [status, bytes] = childrenOf(readDer(answer));
  if (status?.tag !== tags.enumerated || status.value[0] !== 0 || !bytes) throw new Error('the responder can not say');
  const [type, basic] = childrenOf(within(bytes, 0));
  if (!type?.whole.equals(BASIC) || !basic) throw new Error('an answer of another kind');
  const [data, algorithm, signature, certificates] = childrenOf(readDer(basic.value));
  if (!data || !algorithm || !signature) throw new Error('an answer without a signature');
  const sent = certificates ? childrenOf(within(certificates, 0)).slice(0, CERTIFICATES) : [];
  const signers = [issuer, ...sent.map(({ whole }) => new X509Certificate(whole))];
  const [hash, by] = [hashOf(algorithm), readBits(signature)];
  const isSigned = signers.some((each) => speaksFor(issuer, each, now) && verify(hash, data.whole, each.publicKey, by));
  if (!isSigned) throw new Error('an answer that nobody signed who may');
  return data;
};

const isAbout = (id: CertificateId, named: Der): boolean => {
  const [algorithm, name, key, serial] = childrenOf(named);
  return (
    algorithm !== undefined &&
    within(algorithm, 0).whole.equals(SHA256) &&
    name?.value.equals(id.name) === true &&
    key?.value.equals(id.key) === true &&
    serial?.value.equals(id.serial) === true
  );
};

const isFresh = (thisUpdate: Der, next: Der | undefined, now: Date): boolean => {
  const [from, ms] = [readTime(thisUpdate).getTime(), now.getTime()];
  const until = next?.tag === context(0) ? readTime(within(next, 0)).getTime() : from + FRESH_MS;
  return from <= ms + SKEW_MS && ms - SKEW_MS <= until;
};

/** @throws when it is no answer to be believed; an old one is none */
export const readAnswer = (
  answer: Buffer,
  certificate: X509Certificate,
  issuer: X509Certificate,
  now: Date,
): Revocation => {
  const id = idOf(certificate, issuer);
  const data = childrenOf(readSigned(answer, issuer, now));
  const singles = data.find(({ tag }) => tag === tags.sequence);
  for (const single of singles ? childrenOf(singles) : []) {
    const [named, status, thisUpdate, next] = childrenOf(single);
    if (!named || !status || !thisUpdate || !isAbout(id, named)) continue;
    if (!isFresh(thisUpdate, next, now)) throw new Error('an answer that is not of now');
    if (status.tag === context(0, 'primitive')) return 'good';
    return status.tag === context(1) ? 'revoked' : 'unknown';
  }
  throw new Error('an answer to another question');
};
