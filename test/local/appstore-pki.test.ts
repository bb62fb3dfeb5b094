/** The local App Store's certificates: in the shape of Apple's, and the same after a restart. */
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { createPki, issue, openPki, signSegments } from '../../local/providers/appstore-pki.ts';

const folders: string[] = [];
const folder = (): string => {
  const made = mkdtempSync(join(tmpdir(), 'chorus-pki-'));
  folders.push(made);
  return made;
};
afterEach(() => {
  for (const each of folders.splice(0)) rmSync(each, { recursive: true });
});

describe('a PKI', () => {
  test('is a leaf on P-256 under an authority under a root, both on P-384', () => {
    const { chain, roots, fingerprint } = createPki();
    const [leaf, intermediate, root] = [chain.leaf, chain.intermediate, chain.root].map(
      ({ certificate }) => new X509Certificate(certificate),
    );
    if (!leaf || !intermediate || !root) throw new Error('three certificates');
    expect([leaf, intermediate, root].map(({ ca }) => ca)).toEqual([false, true, true]);
    expect(leaf.checkIssued(intermediate) && leaf.verify(intermediate.publicKey)).toBe(true);
    expect(intermediate.checkIssued(root) && intermediate.verify(root.publicKey)).toBe(true);
    expect(root.checkIssued(root) && root.verify(root.publicKey)).toBe(true);
    const curves = [leaf, intermediate, root].map(({ publicKey }) => publicKey.asymmetricKeyDetails?.namedCurve);
    expect(curves).toEqual(['prime256v1', 'secp384r1', 'secp384r1']);
    expect(roots).toEqual([root.raw]);
    expect(fingerprint).toBe(root.fingerprint256);
    expect(new Date(leaf.validTo).getUTCFullYear()).toBe(2049);
  });
  test('says when a certificate ends, also after 2049', () => {
    const until = new Date('2061-02-03T04:05:06Z');
    expect(new Date(new X509Certificate(issue({ name: 'Late', until }).certificate).validTo)).toEqual(until);
  });
  test('of a data folder is the same after a restart, and its keys are for nobody else', () => {
    const data = folder();
    const first = openPki(data);
    const again = openPki(data);
    expect(again.roots).toEqual(first.roots);
    const jws = again.sign({ a: 1 });
    expect(jws.split('.').slice(0, 2)).toEqual(first.sign({ a: 1 }).split('.').slice(0, 2));
    const leaf = new X509Certificate(first.chain.leaf.certificate);
    expect(again.chain.leaf.key.equals(first.chain.leaf.key) && leaf.checkPrivateKey(again.chain.leaf.key)).toBe(true);
    expect(statSync(join(data, 'keys', 'appstore.json')).mode & 0o777).toBe(0o600);
    expect(openPki(folder()).fingerprint).not.toBe(first.fingerprint);
  });
  test('that can not be read is made anew', () => {
    const data = folder();
    const { fingerprint } = openPki(data);
    const file = join(data, 'keys', 'appstore.json');
    writeFileSync(file, readFileSync(file, 'utf8').slice(0, 100));
    const anew = openPki(data);
    expect(anew.fingerprint).not.toBe(fingerprint);
    expect(openPki(data).fingerprint).toBe(anew.fingerprint);
  });
  test('signs what it is given, to the letter', () => {
    const { sign, chain } = createPki();
    const [header = '', payload = ''] = sign('{"a":1,"a":2}').split('.');
    expect(Buffer.from(payload, 'base64url').toString()).toBe('{"a":1,"a":2}');
    expect(signSegments(header, payload, chain.leaf.key).split('.')).toHaveLength(3);
  });
});
