/**
 * A PKI of one's own in the shape of Apple's: root and intermediate P-384, leaf P-256, both marked with the App Store's
 * object identifiers. It signs what the App Store would sign. Who wants to see forgeries refused issues other certificates.
 */
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import {
  bits,
  boolean,
  context,
  der,
  integer,
  nothing,
  octets,
  oid,
  sequence,
  tags,
  time,
  utf8,
} from '../../core/der.ts';
import { replaceFile } from '../files.ts';

/** Apple's marks: a leaf that signs for the App Store, and the authority that issues such leaves. */
export const LEAF_MARK = '1.2.840.113635.100.6.11.1';
export const INTERMEDIATE_MARK = '1.2.840.113635.100.6.2.1';

const FROM = new Date('2015-01-01T00:00:00Z');
const UNTIL = new Date('2049-12-31T00:00:00Z');

/** A certificate, and what signs in its name. */
export type Link = { certificate: Buffer; key: KeyObject; name: string };

export type Wanted = {
  name: string;
  /** Who issues it; itself if nobody is named. */
  issuer?: Link;
  /** Signs in place of the issuer, under its name. */
  signedBy?: Link;
  curve?: 'P-256' | 'P-384' | 'P-521';
  /** Basic constraints; none at all when undefined. */
  ca?: boolean | undefined;
  marks?: string[];
  from?: Date;
  until?: Date;
  /** Where its revocation can be asked for. */
  ocsp?: string;
  /** May it sign what is said about revocation? */
  responder?: boolean;
  /** Does it say nothing of what its key is for? */
  anyUse?: boolean;
  /** Bytes that say nothing. */
  ballast?: number;
  key?: KeyObject;
};

const ids = {
  ...{ commonName: '2.5.4.3', keyUsage: '2.5.29.15', basicConstraints: '2.5.29.19', extendedKeyUsage: '2.5.29.37' },
  ...{ authorityInfo: '1.3.6.1.5.5.7.1.1', ocsp: '1.3.6.1.5.5.7.48.1', ocspSigning: '1.3.6.1.5.5.7.3.9' },
  ...{ ballast: '1.3.6.1.4.1.55555.1', sha256: '1.2.840.10045.4.3.2', sha384: '1.2.840.10045.4.3.3' },
};

export const nameOf = (text: string): Buffer => sequence(der(tags.set, sequence(oid(ids.commonName), utf8(text))));

const extension = (id: string, value: Buffer, critical = false): Buffer =>
  sequence(oid(id), ...(critical ? [boolean(true)] : []), octets(value));

const extensionsOf = ({ ca, marks = [], ocsp, responder, anyUse, ballast }: Wanted): Buffer[] => [
  ...(ca === undefined ? [] : [extension(ids.basicConstraints, sequence(...(ca ? [boolean(true)] : [])), true)]),
  // Signing certificates and lists of revoked ones; or signing.
  ...(anyUse
    ? []
    : [extension(ids.keyUsage, der(tags.bits, Buffer.from(ca ? [1, 0b0000_0110] : [7, 0b1000_0000])), true)]),
  ...(responder ? [extension(ids.extendedKeyUsage, sequence(oid(ids.ocspSigning)))] : []),
  ...(ocsp === undefined
    ? []
    : [
        extension(
          ids.authorityInfo,
          sequence(sequence(oid(ids.ocsp), der(context(6, 'primitive'), Buffer.from(ocsp)))),
        ),
      ]),
  ...marks.map((mark) => extension(mark, nothing)),
  ...(ballast === undefined ? [] : [extension(ids.ballast, octets(Buffer.alloc(ballast)))]),
];

/** The algorithm, and the signature: what stands at the end of everything that is signed in X.509. */
export const signed = (body: Buffer, key: KeyObject, ...more: Buffer[]): Buffer => {
  const hash = hashOf(key);
  return sequence(body, sequence(oid(ids[hash])), bits(sign(hash, body, key)), ...more);
};
const hashOf = (key: KeyObject): 'sha256' | 'sha384' =>
  key.asymmetricKeyDetails?.namedCurve === 'prime256v1' ? 'sha256' : 'sha384';

/** A new certificate. It is as good or as bad as it is asked to be. */
export const issue = (wanted: Wanted): Link => {
  const { name, issuer, signedBy = issuer, curve = 'P-256', from = FROM, until = UNTIL } = wanted;
  const key = wanted.key ?? generateKeyPairSync('ec', { namedCurve: curve }).privateKey;
  const signer = signedBy?.key ?? key;
  const body = sequence(
    der(context(0), integer(Buffer.from([2]))),
    integer(Buffer.concat([Buffer.from([1]), randomBytes(15)])),
    sequence(oid(ids[hashOf(signer)])),
    nameOf(issuer?.name ?? name),
    sequence(time(from), time(until)),
    nameOf(name),
    createPublicKey(key).export({ type: 'spki', format: 'der' }),
    der(context(3), sequence(...extensionsOf(wanted))),
  );
  return { certificate: signed(body, signer), key, name };
};

export const encode = (value: object | string): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

/** Signs two segments as they are, however bad. */
export const signSegments = (header: string, payload: string, key: KeyObject): string => {
  const text = `${header}.${payload}`;
  return `${text}.${sign(hashOf(key), Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
};

export const x5cOf = (chain: readonly Link[]): string[] =>
  chain.map(({ certificate }) => certificate.toString('base64'));

export type Signing = {
  /** Leaf first; the PKI's own if none is given. */
  chain?: readonly Link[];
  /** More of the header, or other. */
  header?: Record<string, unknown>;
  /** In place of the leaf's. */
  key?: KeyObject;
};

export type Pki = {
  /** DER: what a tenant trusts. */
  roots: Buffer[];
  /** SHA-256 of the root, `AA:BB:…`. */
  fingerprint: string;
  chain: { leaf: Link; intermediate: Link; root: Link };
  /** A JWS as the App Store's. @param payload a value, or JSON text as it is */
  sign: (payload: object | string, signing?: Signing) => string;
};

const pkiOf = (chain: Pki['chain']): Pki => {
  const own = [chain.leaf, chain.intermediate, chain.root];
  return {
    ...{ roots: [chain.root.certificate], chain },
    fingerprint: new X509Certificate(chain.root.certificate).fingerprint256,
    sign: (payload, { chain: links = own, header = {}, key = links[0]?.key ?? chain.leaf.key } = {}) =>
      signSegments(encode({ alg: 'ES256', x5c: x5cOf(links), ...header }), encode(payload), key),
  };
};

/** @param parts what is to be different from a good chain */
export const createPki = (parts: Partial<Record<keyof Pki['chain'], Partial<Wanted>>> = {}): Pki => {
  const root = issue({ name: 'Local Root CA - G3', curve: 'P-384', ca: true, ...parts.root });
  const authority: Wanted = { name: 'Local Developer Relations CA', issuer: root, curve: 'P-384', ca: true };
  const intermediate = issue({ ...authority, marks: [INTERMEDIATE_MARK], ...parts.intermediate });
  const leaf = issue({ name: 'Local App Store', issuer: intermediate, ca: false, marks: [LEAF_MARK], ...parts.leaf });
  return pkiOf({ leaf, intermediate, root });
};

const Kept = z
  .strictObject({ name: z.string(), certificate: z.base64(), key: z.string() })
  .transform(({ name, certificate, key }): Link => {
    return { name, certificate: Buffer.from(certificate, 'base64'), key: createPrivateKey(key) };
  });

const keep = ({ name, certificate, key }: Link): z.input<typeof Kept> => ({
  ...{ name, certificate: certificate.toString('base64') },
  key: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
});

/** The PKI of a data folder, the same after a restart: what was signed stays good. */
export const openPki = (data: string): Pki => {
  const folder = join(data, 'keys');
  const file = join(folder, 'appstore.json');
  try {
    const kept = z.strictObject({ leaf: Kept, intermediate: Kept, root: Kept });
    return pkiOf(kept.parse(JSON.parse(readFileSync(file, 'utf8'))));
  } catch {
    const made = createPki();
    const { leaf, intermediate, root } = made.chain;
    const kept = { leaf: keep(leaf), intermediate: keep(intermediate), root: keep(root) };
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    replaceFile(file, `${JSON.stringify(kept)}\n`, 0o600);
    return made;
  }
};
