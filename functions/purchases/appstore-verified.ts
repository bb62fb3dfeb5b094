/** What was verified, in the App Store's words; and what we stored when it was, read again. Nothing here decides what to trust. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { assert } from '../../core/assert.ts';
import { canonicalJson, parseJson } from '../../core/json.ts';
import { payloadOf } from './appstore-jws.ts';
import { NotificationPayload, RenewalPayload, TransactionPayload } from './appstore-payload.ts';

export type Source = 'notification' | 'transaction' | 'status';
export type VerifiedEnvironment = 'Production' | 'Sandbox';

/** One subscription, as Get All Subscription Statuses has it. */
export const SignedStatus = z.object({
  signedTransactionInfo: z.string().min(1),
  signedRenewalInfo: z.string().min(1),
  status: z.int().min(1).max(5),
});
export type SignedStatus = z.infer<typeof SignedStatus>;

export type Inner = { transaction?: TransactionPayload | undefined; renewal?: RenewalPayload | undefined };

export type Verified = Inner & {
  source: Source;
  /** What comes twice has it twice: the notification's UUID, or SHA-256 (hex) of what was received. */
  id: string;
  /** When it was signed, milliseconds. */
  signed: number;
  environment: VerifiedEnvironment;
  type: string;
  subtype?: string | undefined;
  uuid?: string | undefined;
  /** The App Store's own: 1 active, 2 expired, 3 billing retry, 4 grace, 5 revoked. */
  verdict?: number | undefined;
  payload: NotificationPayload | TransactionPayload | SignedStatus;
};

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** What the audit keeps of a status: both texts as they were signed. */
export const rawOfStatus = ({ signedTransactionInfo, signedRenewalInfo, status }: SignedStatus): string =>
  canonicalJson({ signedTransactionInfo, signedRenewalInfo, status });

export const ofNotification = (
  payload: NotificationPayload,
  environment: VerifiedEnvironment,
  inner: Inner,
): Verified => {
  const { notificationUUID: id, notificationType: type, subtype, signedDate: signed, data } = payload;
  return {
    ...{ source: 'notification', id, uuid: id, signed, environment, type, payload },
    ...(subtype !== undefined && { subtype }),
    ...(data?.status !== undefined && { verdict: data.status }),
    ...(inner.transaction && { transaction: inner.transaction }),
    ...(inner.renewal && { renewal: inner.renewal }),
  };
};

export const ofTransaction = (
  payload: TransactionPayload,
  environment: VerifiedEnvironment,
  raw: string,
): Verified => ({
  ...{ source: 'transaction', id: sha256(raw), signed: payload.signedDate, environment, type: 'TRANSACTION' },
  ...{ payload, transaction: payload },
});

export const ofStatus = (
  payload: SignedStatus,
  environment: VerifiedEnvironment,
  { transaction, renewal }: Required<Inner>,
): Verified => ({
  ...{ source: 'status', id: sha256(rawOfStatus(payload)), environment, type: 'STATUS', verdict: payload.status },
  ...{ signed: Math.max(transaction?.signedDate ?? 0, renewal?.signedDate ?? 0), payload, transaction, renewal },
});

const Claims = z.object({ environment: z.string().optional(), externalPurchaseId: z.string().optional() });
const bodies = ['data', 'summary', 'externalPurchaseToken', 'appData'] as const;

/** Which environment it claims to be of: itself, or the first thing that it holds. A token says it by how it begins. */
export const claimedEnvironment = (payload: Record<string, unknown>): string | undefined => {
  const body = bodies.find((each) => payload[each] !== undefined);
  const { environment, externalPurchaseId } = Claims.safeParse(body ? payload[body] : payload).data ?? {};
  if (body !== 'externalPurchaseToken') return environment;
  return externalPurchaseId?.startsWith('SANDBOX') ? 'Sandbox' : 'Production';
};

const environmentOf = (payload: Record<string, unknown>): VerifiedEnvironment => {
  const claimed = claimedEnvironment(payload);
  assert(claimed === 'Production' || claimed === 'Sandbox', 'stored, but of no environment that is ever taken');
  return claimed;
};

const innerOf = (signed: { signedTransactionInfo?: string | undefined; signedRenewalInfo?: string | undefined }) => {
  const { signedTransactionInfo, signedRenewalInfo } = signed;
  return {
    transaction: signedTransactionInfo ? TransactionPayload.parse(payloadOf(signedTransactionInfo)) : undefined,
    renewal: signedRenewalInfo ? RenewalPayload.parse(payloadOf(signedRenewalInfo)) : undefined,
  };
};

/**
 * Reads what we stored: it was verified then, and is not again.
 * @throws when it is nothing that this program can have stored
 */
export const readStored = (source: Source, raw: string): Verified => {
  if (source === 'status') {
    const status = SignedStatus.parse(parseJson(raw));
    return ofStatus(status, environmentOf(payloadOf(status.signedTransactionInfo)), innerOf(status));
  }
  const claimed = payloadOf(raw);
  if (source === 'transaction') return ofTransaction(TransactionPayload.parse(claimed), environmentOf(claimed), raw);
  const payload = NotificationPayload.parse(claimed);
  return ofNotification(payload, environmentOf(claimed), innerOf(payload.data ?? {}));
};
