/**
 * What FCM's HTTP v1 API demands of a message, and its error answers, shaped as Google's. Pure; fcm.ts speaks HTTP.
 *
 * A registration token (or installation id) that begins with one of these meets a fault; `POST /dev/push-faults` asks
 * for the same by name, for any token:
 *
 * | token begins with | fault | answer |
 * | --- | --- | --- |
 * | unregistered- | UNREGISTERED | 404 NOT_FOUND, FcmError UNREGISTERED |
 * | lostfid- | UNREGISTERED_FID | 404 NOT_FOUND, FcmError UNREGISTERED_FID |
 * | notfound- | wrong-project | 404 NOT_FOUND without an FcmError |
 * | invalid- | INVALID_ARGUMENT | 400, "The registration token is not a valid FCM registration token" |
 * | mismatch- | SENDER_ID_MISMATCH | 403 PERMISSION_DENIED, FcmError SENDER_ID_MISMATCH |
 * | denied- | denied | 403 PERMISSION_DENIED without an FcmError: what a service account without the right gets |
 * | thirdparty- | THIRD_PARTY_AUTH_ERROR | 401 UNAUTHENTICATED, FcmError THIRD_PARTY_AUTH_ERROR |
 * | quota- | QUOTA_EXCEEDED | 429 RESOURCE_EXHAUSTED, FcmError QUOTA_EXCEEDED, retry-after: 60 |
 * | internal- | INTERNAL | 500 INTERNAL, FcmError INTERNAL |
 * | unavailable- | UNAVAILABLE | 503, FcmError UNAVAILABLE, retry-after: 120 (firebase-admin retries only up to 60 s) |
 * | slow- | slow | delivered at once, the usual answer 2 s later |
 * | silent- | silence | never an answer |
 * | reset- | reset | the connection breaks without an answer |
 */
import { z } from 'zod';

export type Refusal = { status: number; retryAfter?: number; body: unknown };
export type Planned = Refusal | 'silence' | 'reset' | 'slow';

const FCM_ERROR = 'type.googleapis.com/google.firebase.fcm.v1.FcmError';

/** @param code FcmError's; without one the answer carries no FcmError */
export const googleError = (
  status: number,
  name: string,
  message: string,
  code?: string,
  more: unknown[] = [],
): Refusal => {
  const details = [...(code === undefined ? [] : [{ '@type': FCM_ERROR, errorCode: code }]), ...more];
  return { status, body: { error: { code: status, message, status: name, ...(details.length > 0 && { details }) } } };
};

const later = (refusal: Refusal, retryAfter: number): Refusal => ({ ...refusal, retryAfter });

const NO_TOKEN = 'The registration token is not a valid FCM registration token';
const NOT_FOUND = 'Requested entity was not found.';
const DENIED = "Permission 'cloudmessaging.messages.create' denied on this resource (or it may not exist).";
const THIRD_PARTY = 'Auth error from APNS or Web Push Service';
const UNAVAILABLE = 'The service is currently unavailable.';

const planned = new Map<string, Planned>([
  ['UNREGISTERED', googleError(404, 'NOT_FOUND', NOT_FOUND, 'UNREGISTERED')],
  ['UNREGISTERED_FID', googleError(404, 'NOT_FOUND', NOT_FOUND, 'UNREGISTERED_FID')],
  ['wrong-project', googleError(404, 'NOT_FOUND', NOT_FOUND)],
  ['INVALID_ARGUMENT', googleError(400, 'INVALID_ARGUMENT', NO_TOKEN, 'INVALID_ARGUMENT')],
  ['SENDER_ID_MISMATCH', googleError(403, 'PERMISSION_DENIED', 'SenderId mismatch', 'SENDER_ID_MISMATCH')],
  ['denied', googleError(403, 'PERMISSION_DENIED', DENIED)],
  ['THIRD_PARTY_AUTH_ERROR', googleError(401, 'UNAUTHENTICATED', THIRD_PARTY, 'THIRD_PARTY_AUTH_ERROR')],
  ['QUOTA_EXCEEDED', later(googleError(429, 'RESOURCE_EXHAUSTED', 'Message rate exceeded.', 'QUOTA_EXCEEDED'), 60)],
  ['INTERNAL', googleError(500, 'INTERNAL', 'Internal error encountered.', 'INTERNAL')],
  ['UNAVAILABLE', later(googleError(503, 'UNAVAILABLE', UNAVAILABLE, 'UNAVAILABLE'), 120)],
  ['silence', 'silence'],
  ['reset', 'reset'],
  ['slow', 'slow'],
]);
const beginnings: [start: string, fault: string][] = [
  ['unregistered-', 'UNREGISTERED'],
  ['lostfid-', 'UNREGISTERED_FID'],
  ['notfound-', 'wrong-project'],
  ['invalid-', 'INVALID_ARGUMENT'],
  ['mismatch-', 'SENDER_ID_MISMATCH'],
  ['denied-', 'denied'],
  ['thirdparty-', 'THIRD_PARTY_AUTH_ERROR'],
  ['quota-', 'QUOTA_EXCEEDED'],
  ['internal-', 'INTERNAL'],
  ['unavailable-', 'UNAVAILABLE'],
  ['slow-', 'slow'],
  ['silent-', 'silence'],
  ['reset-', 'reset'],
];

/** The names of all faults. */
export const fcmFaults: string[] = [...planned.keys()];

/** What a fault of this name means for the request. */
export const planOf = (fault: string): Planned | undefined => planned.get(fault);

/** The documented fault of a token, if it has one. */
export const plannedFor = (token: string): Planned | undefined =>
  planOf(beginnings.find(([start]) => token.startsWith(start))?.[1] ?? '');

const text = z.string().optional();
const strings = z.record(z.string(), z.string()).optional();
const args = z.array(z.string()).optional();

const AndroidNotification = z.looseObject({
  title: text,
  body: text,
  tag: text,
  channel_id: text,
  title_loc_key: text,
  title_loc_args: args,
  body_loc_key: text,
  body_loc_args: args,
  notification_count: z.int().min(0).optional(),
});

const Message = z.strictObject({
  token: text,
  fid: text,
  topic: text,
  condition: text,
  name: text,
  data: strings,
  notification: z.strictObject({ title: text, body: text, image: text }).optional(),
  android: z
    .strictObject({
      collapse_key: text,
      priority: z.enum(['NORMAL', 'HIGH', 'normal', 'high']).optional(),
      /** Seconds with up to nine decimals and an s; at most 28 days. */
      ttl: z
        .string()
        .regex(/^\d{1,7}(\.\d{1,9})?s$/)
        .refine((ttl) => Number.parseFloat(ttl) <= 2_419_200)
        .optional(),
      restricted_package_name: text,
      data: strings,
      notification: AndroidNotification.optional(),
      fcm_options: z.looseObject({}).optional(),
      direct_boot_ok: z.boolean().optional(),
    })
    .optional(),
  apns: z.looseObject({}).optional(),
  webpush: z.looseObject({}).optional(),
  fcm_options: z.looseObject({}).optional(),
});
export type Message = z.infer<typeof Message>;

const Send = z.strictObject({
  message: Message,
  validate_only: z.boolean().optional(),
  validateOnly: z.boolean().optional(),
});

const PAYLOAD_BYTES = 4096;

const bytes = (part: unknown): number => (part === undefined ? 0 : Buffer.byteLength(JSON.stringify(part)));

const wrong = (message: string): Refusal => googleError(400, 'INVALID_ARGUMENT', message, 'INVALID_ARGUMENT');

const invalid = (field: string, description: string): Refusal =>
  googleError(400, 'INVALID_ARGUMENT', `Invalid value at '${field}': ${description}`, 'INVALID_ARGUMENT', [
    { '@type': 'type.googleapis.com/google.rpc.BadRequest', fieldViolations: [{ field, description }] },
  ]);

/** @returns the message, or Google's answer to a request that is none */
export const parseMessage = (request: unknown): { message: Message; address: string; dry: boolean } | Refusal => {
  const parsed = Send.safeParse(request);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    return invalid(issue?.path.join('.') || 'message', issue?.message ?? 'is not a message');
  }
  const { message, validate_only, validateOnly } = parsed.data;
  const targets = [message.token, message.fid, message.topic, message.condition].filter((given) => given !== undefined);
  const [address] = targets;
  if (targets.length !== 1 || !address) return wrong('Recipient of the message is not set.');
  const { notification, data, android } = message;
  const size = [notification, data, android?.notification, android?.data].reduce<number>(
    (sum, part) => sum + bytes(part),
    0,
  );
  if (size > PAYLOAD_BYTES) return wrong('Android message is too big');
  const reserved = Object.keys({ ...data, ...android?.data }).find((key) =>
    /^(from|message_type|google.*|gcm.*)$/.test(key),
  );
  if (reserved !== undefined) return invalid('message.data', `Invalid data payload key: ${reserved}`);
  return { message, address, dry: validate_only ?? validateOnly ?? false };
};
