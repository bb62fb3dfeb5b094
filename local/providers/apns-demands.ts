/** What APNs demands of a request's headers and payload. Pure. */
import { z } from 'zod';
import type { ApnsHeaders, Refusal } from './apns-rules.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Behind the bundle id, a topic has the suffix of its push type. */
const suffixes = new Map([
  ['alert', ''],
  ['background', ''],
  ['complication', '.complication'],
  ['controls', '.push-type.controls'],
  ['fileprovider', '.pushkit.fileprovider'],
  ['liveactivity', '.push-type.liveactivity'],
  ['location', '.location-query'],
  ['mdm', ''],
  ['pushtotalk', '.voip-ptt'],
  ['voip', '.voip'],
  ['widgets', '.push-type.widgets'],
]);

const one = (headers: ApnsHeaders, name: string): string | undefined => {
  const value = headers[name];
  return Array.isArray(value) ? value.join(',') : value;
};

const bad = (reason: string): Refusal => ({ status: 400, reason });

/** @returns what is wrong with the headers; stricter than Apple in one thing: apns-push-type must be there */
export const checkHeaders = (headers: ApnsHeaders, topics: string[]): Refusal | undefined => {
  const id = one(headers, 'apns-id');
  if (id !== undefined && !UUID.test(id)) return bad('BadMessageId');
  if (!/^(0|[1-9]\d{0,10})$/.test(one(headers, 'apns-expiration') ?? '0')) return bad('BadExpirationDate');
  if (Buffer.byteLength(one(headers, 'apns-collapse-id') ?? '') > 64) return bad('BadCollapseId');
  const pushType = one(headers, 'apns-push-type') ?? '';
  const suffix = suffixes.get(pushType);
  if (suffix === undefined) return bad('InvalidPushType');
  const priority = one(headers, 'apns-priority') ?? '10';
  if (!/^(10|5|1)$/.test(priority) || (pushType === 'background' && priority !== '5')) return bad('BadPriority');
  const topic = one(headers, 'apns-topic');
  if (!topic) return bad('MissingTopic');
  return topics.some((bundle) => topic === `${bundle}${suffix}`) ? undefined : bad('DeviceTokenNotForTopic');
};

/** 4 KB; 5 KB for VoIP. */
export const payloadLimit = (headers: ApnsHeaders): number => (one(headers, 'apns-push-type') === 'voip' ? 5120 : 4096);

const Background = z.object({ aps: z.object({ 'content-available': z.literal(1), alert: z.undefined().optional() }) });

/** A phone would drop it without a word; here it is refused with a reason, so that somebody notices. */
const isMistyped = (headers: ApnsHeaders, payload: object): boolean =>
  one(headers, 'apns-push-type') === 'background' && !Background.safeParse(payload).success;

const parseObject = (body: Buffer): Record<string, unknown> | undefined => {
  try {
    const payload: unknown = JSON.parse(body.toString('utf8'));
    return typeof payload === 'object' && payload !== null && !Array.isArray(payload) ? { ...payload } : undefined;
  } catch {
    return undefined;
  }
};

/**
 * The payload's object. What is none is PayloadEmpty, as with Apple; stricter than Apple in one thing: a background
 * push without content-available, or with an alert, is InvalidPushType.
 */
export const parsePayload = (
  headers: ApnsHeaders,
  body: Buffer,
): { payload: Record<string, unknown> } | { refusal: Refusal } => {
  const payload = parseObject(body);
  if (!payload) return { refusal: bad('PayloadEmpty') };
  return isMistyped(headers, payload) ? { refusal: bad('InvalidPushType') } : { payload };
};
