/**
 * Is this from the App Store, and about this app? Our own strictness first (appstore-jws.ts), then Apple's verifier decides
 * what is genuine (appstore-verifier.ts), then what it says has to make sense together. Each refusal names its rule. What
 * stands inside is signed by itself, and is verified by itself.
 */
import type { z } from 'zod';
import { type Opened, openJws } from './appstore-jws.ts';
import { NotificationPayload, RenewalPayload, TransactionPayload } from './appstore-payload.ts';
import { misunderstood, type Refusal, Refused } from './appstore-rules.ts';
import type { Trust } from './appstore-trust.ts';
import {
  claimedEnvironment,
  ofNotification,
  ofStatus,
  ofTransaction,
  SignedStatus,
  type Verified,
  type VerifiedEnvironment,
} from './appstore-verified.ts';
import type { ChainVerifier } from './appstore-verifier.ts';

export { JWS_BYTES } from './appstore-jws.ts';
export { isRefusal, type Refusal, type RuleName, rules } from './appstore-rules.ts';
export { type Trust, trustOf } from './appstore-trust.ts';
export { rawOfStatus, readStored, SignedStatus, type Verified } from './appstore-verified.ts';

export type Demands = {
  /** Must the certificates be valid now, and not only when it was signed? As what is delivered just now must be. */
  live?: boolean;
  /** Is this certificate (SHA-256, hex), of those that sign, known to be revoked? revocation.ts knows. */
  revoked?: (certificate: string) => boolean | Promise<boolean>;
};

/** Clocks differ. */
const FUTURE_MS = 5 * 60_000;

/** What a notification of a type is about, without which it says nothing. Types that are not listed pass as they are. */
const purchase = ['transaction'] as const;
const subscription = ['transaction', 'renewal'] as const;
const needs = new Map<string, readonly ('transaction' | 'renewal')[]>([
  ['SUBSCRIBED', purchase],
  ['DID_CHANGE_RENEWAL_PREF', subscription],
  ['DID_CHANGE_RENEWAL_STATUS', subscription],
  ['OFFER_REDEEMED', purchase],
  ['DID_RENEW', purchase],
  ['EXPIRED', purchase],
  ['DID_FAIL_TO_RENEW', subscription],
  ['GRACE_PERIOD_EXPIRED', subscription],
  ['PRICE_INCREASE', subscription],
  ['REFUND', purchase],
  ['REFUND_DECLINED', purchase],
  ['REFUND_REVERSED', purchase],
  ['CONSUMPTION_REQUEST', purchase],
  ['RENEWAL_EXTENDED', purchase],
  ['REVOKE', purchase],
  ['ONE_TIME_CHARGE', purchase],
]);

const detailOf = (error: z.ZodError | undefined, name: string): string => {
  const issue = error?.issues[0];
  return [name, ...(issue?.path ?? [])].map(String).join('.') + (issue ? `: ${issue.message}` : '');
};

/** Nobody has signed what holds the two. */
const readStatus = (status: unknown): SignedStatus => {
  const { data } = SignedStatus.safeParse(status);
  if (!data) throw new Refused('payload');
  return data;
};

/** What one verification goes by. */
type Check = { environment: VerifiedEnvironment; verifier: ChainVerifier; now: Date; demands: Demands };

/** The environment is a claim, if one that the tenant takes: Apple's verifier holds everything to it. */
const begin = async (trust: Trust, { payload }: Opened, now: Date, demands: Demands): Promise<Check> => {
  // Large, and of use to nobody who only reads what was stored.
  const { verifierOf } = await import('./appstore-verifier.ts');
  const claimed = claimedEnvironment(payload);
  const environment = trust.environments.find((each) => each === claimed);
  if (!environment) throw new Refused('environment');
  return { environment, verifier: verifierOf(trust, environment), now, demands };
};

type Kind<T> = { name: string; schema: z.ZodType<T>; ask: (verifier: ChainVerifier, jws: string) => Promise<unknown> };

const aNotification: Kind<NotificationPayload> = {
  name: 'notification',
  schema: NotificationPayload,
  ask: (verifier, jws) => verifier.verifyAndDecodeNotification(jws),
};
const aTransaction: Kind<TransactionPayload> = {
  name: 'transaction',
  schema: TransactionPayload,
  ask: (verifier, jws) => verifier.verifyAndDecodeTransaction(jws),
};
/** Names no app: it is trusted only beside its transaction. */
const aRenewal: Kind<RenewalPayload> = {
  name: 'renewal',
  schema: RenewalPayload,
  ask: (verifier, jws) => verifier.verifyAndDecodeRenewalInfo(jws),
};

/** One JWS: genuine, of its shape, not of the future; its certificate not revoked. */
const verifyOne = async <T extends { signedDate: number }>(
  { verifier, now, demands }: Check,
  { name, schema, ask }: Kind<T>,
  jws: string,
  { header, payload }: Opened = openJws(jws),
): Promise<T> => {
  const { data: parsed, error } = schema.safeParse(payload);
  const answer = await verifier.explained(ask(verifier, jws)).catch((refused: unknown) => {
    if (refused instanceof Refused) return refused;
    throw refused;
  });
  // Its fields are not those of its kind, as we or Apple's verifier know them: whose fault that is depends on who signed it.
  if (!parsed || (answer instanceof Refused && answer.refusal.refused === 'payload')) {
    const at = new Date(Number(payload.signedDate));
    const genuine = await verifier.hasSigned(header, jws, Number.isNaN(at.getTime()) ? now : at);
    throw genuine ? misunderstood('payload', detailOf(error, name)) : new Refused('payload', detailOf(error, name));
  }
  if (answer instanceof Refused) throw answer;
  if (parsed.signedDate > now.getTime() + FUTURE_MS) throw new Refused('future');
  for (const each of header.fingerprints) if (await demands.revoked?.(each)) throw new Refused('revoked');
  return parsed;
};

/** What is within may have been signed before, by another certificate: only the outer signature is made now. */
const checkLive = ({ verifier, now, demands }: Check, { header }: Opened): void => {
  if (demands.live && !verifier.isValidAt(header.leaf, header.intermediate, now)) throw new Refused('not-valid-now');
};

type Signed = { signedTransactionInfo?: string | undefined; signedRenewalInfo?: string | undefined };

const verifyInner = async (check: Check, { signedTransactionInfo, signedRenewalInfo }: Signed) => {
  const transaction = signedTransactionInfo && (await verifyOne(check, aTransaction, signedTransactionInfo));
  const renewal = signedRenewalInfo && (await verifyOne(check, aRenewal, signedRenewalInfo));
  if (renewal && !transaction) throw misunderstood('incomplete', 'a renewal without its transaction');
  if (transaction && renewal && renewal.originalTransactionId !== transaction.originalTransactionId)
    throw misunderstood('inconsistent', 'the renewal is of another purchase than the transaction');
  return { transaction: transaction || undefined, renewal: renewal || undefined };
};

const refusalOf = async (verifying: () => Promise<Verified>): Promise<Verified | Refusal> => {
  try {
    return await verifying();
  } catch (error) {
    if (error instanceof Refused) return error.refusal;
    throw error;
  }
};

/** A notification, as the App Store delivers it (`live`) or as its history has it. */
export const verifyNotification = (trust: Trust, signedPayload: string, now: Date, demands: Demands = { live: true }) =>
  refusalOf(async () => {
    const opened = openJws(signedPayload);
    const check = await begin(trust, opened, now, demands);
    const payload = await verifyOne(check, aNotification, signedPayload, opened);
    checkLive(check, opened);
    const inner = await verifyInner(check, payload.data ?? {});
    const missing = needs.get(payload.notificationType)?.find((need) => !inner[need]);
    if (missing) throw misunderstood('incomplete', `${payload.notificationType} without its ${missing}`);
    return ofNotification(payload, check.environment, inner);
  });

/** A transaction, as a device or the App Store's history has it. */
export const verifyTransaction = (trust: Trust, signedTransaction: string, now: Date, demands: Demands = {}) =>
  refusalOf(async () => {
    const opened = openJws(signedTransaction);
    const check = await begin(trust, opened, now, demands);
    const transaction = await verifyOne(check, aTransaction, signedTransaction, opened);
    checkLive(check, opened);
    return ofTransaction(transaction, check.environment, signedTransaction);
  });

/** One answer to what state a customer's subscriptions are in. */
export const verifyStatus = (trust: Trust, status: unknown, now: Date, demands: Demands = {}) =>
  refusalOf(async () => {
    const parsed = readStatus(status);
    const check = await begin(trust, openJws(parsed.signedTransactionInfo), now, demands);
    return ofStatus(parsed, check.environment, await verifyInner(check, parsed));
  });
