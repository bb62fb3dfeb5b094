/**
 * How many App Store notifications a second are verified whole (the notification, the transaction and the renewal in it) on
 * one core: by us, by Apple's library as it comes, by the library that we do not trust to verify, and by nothing but the three
 * signatures (the limit). All of the same texts, in turn, in several rounds. A second is one of the processor's: who else
 * wants it makes no difference.
 */
import { createPublicKey, verify } from 'node:crypto';
import { Environment, SignedDataVerifier } from '@apple/app-store-server-library';
import { decodeNotificationPayload, decodeRenewalInfo, decodeTransaction } from 'app-store-server-api';
import { type Trust, verifyNotification } from '../functions/purchases/verify.ts';
import { createPki, type Pki } from '../local/providers/appstore-pki.ts';
import type { Row } from './bench.ts';
import { percentile, round } from './stats.ts';

const ROUNDS = 9;
/** In a round, of each. */
const ROUND_MS = 400;
const WARM_UP_MS = 1000;
/** Different ones, as from different customers; of one signing certificate, as Apple's are. */
const NOTIFICATIONS = 50;

const bundleId = 'example.chorus.demo';
const appAppleId = 1234567890;

type Texts = { whole: string; transaction: string; renewal: string };

const signOne = (pki: Pki, n: number, signedDate: number): Texts => {
  const shared = {
    originalTransactionId: `20000${n}`,
    productId: 'pro.monthly',
    environment: 'Production',
    signedDate,
  };
  const transaction = pki.sign({
    ...{ ...shared, transactionId: `20001${n}`, webOrderLineItemId: '2000000001', bundleId, quantity: 1 },
    ...{
      subscriptionGroupIdentifier: '21000001',
      type: 'Auto-Renewable Subscription',
      inAppOwnershipType: 'PURCHASED',
    },
    ...{ purchaseDate: signedDate, originalPurchaseDate: signedDate, expiresDate: signedDate + 2_592_000_000 },
    ...{ storefront: 'DEU', storefrontId: '143443', transactionReason: 'RENEWAL', price: 9990, currency: 'EUR' },
    ...{ appAccountToken: '7e3fb204-2f39-4b6c-b0d4-7b1b9d6c1a11', appTransactionId: '704012345678901234' },
  });
  const renewal = pki.sign({
    ...{ ...shared, autoRenewProductId: 'pro.monthly', autoRenewStatus: 1, recentSubscriptionStartDate: signedDate },
    ...{ renewalDate: signedDate + 2_592_000_000, renewalPrice: 9990, currency: 'EUR' },
  });
  const inside = { signedTransactionInfo: transaction, signedRenewalInfo: renewal };
  const whole = pki.sign({
    ...{ notificationType: 'DID_RENEW', notificationUUID: `3838df56-31ab-4e2e-9535-${n}`, version: '2.0', signedDate },
    data: { appAppleId, bundleId, bundleVersion: '42', environment: 'Production', status: 1, ...inside },
  });
  return { whole, transaction, renewal };
};

/** @throws when it does not take what is genuine */
type Verifier = (texts: Texts) => Promise<unknown>;

const ours = (pki: Pki): Verifier => {
  const trust: Trust = { bundleId, appAppleId, environments: ['Production', 'Sandbox'], roots: pki.roots };
  return async ({ whole }) => {
    const verified = await verifyNotification(trust, whole, new Date());
    if ('refused' in verified) throw new Error(`refused: ${verified.refused}`);
  };
};

const apple = (pki: Pki): Verifier => {
  const verifier = new SignedDataVerifier(pki.roots, false, Environment.PRODUCTION, bundleId, appAppleId);
  return async ({ whole, transaction, renewal }) => {
    await verifier.verifyAndDecodeNotification(whole);
    await verifier.verifyAndDecodeTransaction(transaction);
    await verifier.verifyAndDecodeRenewalInfo(renewal);
  };
};

/** Takes forgeries; here for what it costs. */
const unsafe = (fingerprint: string): Verifier => {
  return async ({ whole, transaction, renewal }) => {
    await decodeNotificationPayload(whole, fingerprint);
    await decodeTransaction(transaction, fingerprint);
    await decodeRenewalInfo(renewal, fingerprint);
  };
};

const limit = (pki: Pki): Verifier => {
  const key = createPublicKey(pki.chain.leaf.key);
  const check = (jws: string): void => {
    const end = jws.lastIndexOf('.');
    const signature = Buffer.from(jws.slice(end + 1), 'base64url');
    const text = Buffer.from(jws.slice(0, end));
    if (!verify('sha256', text, { key, dsaEncoding: 'ieee-p1363' }, signature)) throw new Error('a bad signature');
  };
  return async ({ whole, transaction, renewal }) => [whole, transaction, renewal].forEach(check);
};

/** Milliseconds that this process has had of the processor. */
const processorMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

/** @returns notifications a second */
const rate = async (verifier: Verifier, all: Texts[], ms: number): Promise<number> => {
  const started = processorMs();
  for (let done = 1; ; done++) {
    const texts = all[done % all.length];
    if (texts) await verifier(texts);
    const took = processorMs() - started;
    if (took >= ms) return done / (took / 1000);
  }
};

export const purchaseRows = async (): Promise<Row[]> => {
  const pki = createPki();
  const all = Array.from({ length: NOTIFICATIONS }, (_, n) => signOne(pki, n, Date.now()));
  const verifiers = [ours(pki), apple(pki), unsafe(pki.fingerprint), limit(pki)];
  const found: number[][] = verifiers.map(() => []);
  for (const verifier of verifiers) await rate(verifier, all, WARM_UP_MS);
  for (let n = 0; n < ROUNDS; n++)
    for (const [i, verifier] of verifiers.entries()) found[i]?.push(await rate(verifier, all, ROUND_MS));
  const [our = 0, theirs = 0, other = 0, most = 0] = found.map((each) => percentile(each, 50));
  // Round by round: what a round was like was so for both.
  const times = (found[0] ?? []).map((each, n) => each / (found[1]?.[n] ?? Number.NaN));
  const beside = (name: string, value: number): Row => ({
    ...{ name, value: round(value), unit: 'notifications/s', limit: round(most), ratio: round(value / most) },
  });
  return [
    beside('verify-notification-per-s', our),
    beside('peer-apple-library-per-s', theirs),
    beside('peer-app-store-server-api-per-s', other),
    { name: 'limit-three-p256-per-s', value: round(most), unit: 'notifications/s' },
    { name: 'verify-notification-over-apple-library', value: round(percentile(times, 50)), unit: 'times' },
  ];
};
