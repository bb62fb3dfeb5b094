/**
 * Apple's own verifier decides what is genuine. It is asked offline, so that no webhook waits for a network, and remembers
 * the chains that it found good: verifying one takes most of its time. Its own memory holds only what was asked online, and
 * fails at the 33rd chain.
 */
import { createHash, type KeyObject, verify, type X509Certificate } from 'node:crypto';
import {
  Environment,
  SignedDataVerifier,
  VerificationException,
  VerificationStatus,
} from '@apple/app-store-server-library';
import { createLru, type Lru } from '../../core/lru.ts';
import { Refused, type RuleName } from './appstore-rules.ts';
import type { Trust } from './appstore-trust.ts';

/** Good chains; there are as many as signing certificates, a few. And verifiers: two for each tenant. */
const CHAINS = 100;
const VERIFIERS = 100;
/** What clocks may differ, as Apple has it. */
const SKEW_MS = 60_000;

/** A chain that was verified: its leaf's key, and the certificates whose dates are still to be looked at, each time. */
type Chain = { key: KeyObject; certificates: X509Certificate[] };

const isValidAt = (certificate: X509Certificate, ms: number): boolean =>
  Date.parse(certificate.validFrom) <= ms + SKEW_MS && ms - SKEW_MS <= Date.parse(certificate.validTo);

/** What went wrong between the certificates; Apple's verifier says the same of a bad signature. */
class BadChain extends VerificationException {}

const ruleOf = (error: VerificationException): RuleName => {
  switch (error.status) {
    case VerificationStatus.INVALID_APP_IDENTIFIER:
      return 'app';
    case VerificationStatus.INVALID_ENVIRONMENT:
      return 'environment';
    case VerificationStatus.INVALID_CERTIFICATE:
      return error.cause ? 'certificate' : 'dates';
    default:
      if (error instanceof BadChain) return 'chain';
      // What else it stumbles over are fields that it can not read, and times at which a token ends.
      return error.cause?.name === 'JsonWebTokenError' ? 'signature' : 'payload';
  }
};

export class ChainVerifier extends SignedDataVerifier {
  readonly chains: Lru<Chain> = createLru(CHAINS);

  /** Dates are looked at each time; a failure is never remembered. */
  protected override async verifyCertificateChain(
    roots: X509Certificate[],
    leaf: X509Certificate,
    intermediate: X509Certificate,
    at: Date,
  ): Promise<KeyObject> {
    const name = nameOf(leaf, intermediate);
    const known = this.chains.get(name);
    if (!known) return this.#verifyChain(name, roots, leaf, intermediate, at);
    if (known.certificates.every((each) => isValidAt(each, at.getTime()))) return known.key;
    throw new VerificationException(VerificationStatus.INVALID_CERTIFICATE);
  }

  async #verifyChain(
    name: string,
    roots: X509Certificate[],
    leaf: X509Certificate,
    intermediate: X509Certificate,
    at: Date,
  ): Promise<KeyObject> {
    try {
      const key = await super.verifyCertificateChain(roots, leaf, intermediate, at);
      const named = roots.filter((each) => intermediate.issuer === each.subject);
      const root = named.length === 1 ? named[0] : named.findLast((each) => intermediate.verify(each.publicKey));
      if (!root) throw new BadChain(VerificationStatus.VERIFICATION_FAILURE);
      this.chains.set(name, { key, certificates: [leaf, intermediate, root] });
      return key;
    } catch (error) {
      const isDates = error instanceof VerificationException && error.status === VerificationStatus.INVALID_CERTIFICATE;
      throw isDates ? error : new BadChain(VerificationStatus.VERIFICATION_FAILURE);
    }
  }

  /** @throws Refused, by its rule, for what Apple's verifier does not take */
  async explained<T>(verifying: Promise<T>): Promise<T> {
    try {
      return await verifying;
    } catch (error) {
      throw error instanceof VerificationException ? new Refused(ruleOf(error)) : error;
    }
  }

  /**
   * Did a trusted chain sign it, whatever it says? Apple's verifier looks at the fields first. For who must know whether a
   * refusal is ours to mend; nothing is taken for it.
   */
  async hasSigned(
    { leaf, intermediate }: { leaf: X509Certificate; intermediate: X509Certificate },
    jws: string,
    at: Date,
  ) {
    const [text, signature = ''] = [jws.slice(0, jws.lastIndexOf('.')), jws.split('.')[2]];
    try {
      const key = await this.verifyCertificateChain(this.rootCertificates, leaf, intermediate, at);
      const how = { key, dsaEncoding: 'ieee-p1363' } as const;
      return verify('sha256', Buffer.from(text), how, Buffer.from(signature, 'base64url'));
    } catch (error) {
      if (error instanceof VerificationException) return false;
      throw error;
    }
  }

  /** Of a chain that was verified: is all of it valid at this time? */
  isValidAt(leaf: X509Certificate, intermediate: X509Certificate, at: Date): boolean {
    const known = this.chains.get(nameOf(leaf, intermediate))?.certificates ?? [leaf, intermediate];
    return known.every((each) => isValidAt(each, at.getTime()));
  }
}

/** The exact bytes of both, which are all that is verified: the third is one of those that are trusted, not the one sent. */
const nameOf = (leaf: X509Certificate, intermediate: X509Certificate): string =>
  createHash('sha256').update(leaf.raw).update(intermediate.raw).digest('base64');

const verifiers = createLru<ChainVerifier>(VERIFIERS);

export const verifierOf = (
  { bundleId, appAppleId, roots }: Trust,
  environment: 'Production' | 'Sandbox',
): ChainVerifier => {
  const hash = createHash('sha256');
  for (const root of roots) hash.update(root);
  const name = JSON.stringify([bundleId, appAppleId, environment, hash.digest('base64')]);
  const found = environment === 'Production' ? Environment.PRODUCTION : Environment.SANDBOX;
  return verifiers.get(name) ?? verifiers.set(name, new ChainVerifier(roots, false, found, bundleId, appAppleId));
};
