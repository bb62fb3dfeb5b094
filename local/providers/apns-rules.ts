/**
 * What APNs demands of a notification, and the reasons that it gives. Pure; apns.ts speaks the protocol.
 *
 * Device tokens of 64 to 200 hexadecimal characters are accepted. A token that begins with one of these is answered with
 * an error; for tokens of real phones that is next to impossible:
 *
 * | token begins with | answer |
 * | --- | --- |
 * | dead400a | 400 DeviceTokenNotForTopic |
 * | dead400 | 400 BadDeviceToken |
 * | dead403e | 403 ExpiredProviderToken |
 * | dead403 | 403 Forbidden |
 * | dead410a | 410 Unregistered, since 2020: before any registration that is made today |
 * | dead410e | 410 ExpiredToken, since now |
 * | dead410 | 410 Unregistered, since now |
 * | dead413 | 413 PayloadTooLarge |
 * | dead429a | 429 TooManyProviderTokenUpdates |
 * | dead429 | 429 TooManyRequests, retry-after: 2 |
 * | dead500 | 500 InternalServerError |
 * | dead503a | 503 Shutdown |
 * | dead503 | 503 ServiceUnavailable, retry-after: 2 |
 * | deadb1ac | (black hole) never an answer |
 * | deadc105 | (closes) GOAWAY, the connection ends without an answer |
 * | deadf00d | (refused food) RST_STREAM with REFUSED_STREAM |
 */
export type Refusal = { status: number; reason: string; retryAfter?: number; timestamp?: number };
export type Planned = Refusal | 'silence' | 'goaway' | 'reset';
export type ApnsHeaders = Record<string, string | string[] | undefined>;

const YEAR_2020 = 1_577_836_800_000;

/** Longer beginnings first. */
const planned: [string, (now: number) => Planned][] = [
  ['dead400a', () => ({ status: 400, reason: 'DeviceTokenNotForTopic' })],
  ['dead400', () => ({ status: 400, reason: 'BadDeviceToken' })],
  ['dead403e', () => ({ status: 403, reason: 'ExpiredProviderToken' })],
  ['dead403', () => ({ status: 403, reason: 'Forbidden' })],
  ['dead410a', () => ({ status: 410, reason: 'Unregistered', timestamp: YEAR_2020 })],
  ['dead410e', (now) => ({ status: 410, reason: 'ExpiredToken', timestamp: now })],
  ['dead410', (now) => ({ status: 410, reason: 'Unregistered', timestamp: now })],
  ['dead413', () => ({ status: 413, reason: 'PayloadTooLarge' })],
  ['dead429a', () => ({ status: 429, reason: 'TooManyProviderTokenUpdates' })],
  ['dead429', () => ({ status: 429, reason: 'TooManyRequests', retryAfter: 2 })],
  ['dead500', () => ({ status: 500, reason: 'InternalServerError' })],
  ['dead503a', () => ({ status: 503, reason: 'Shutdown' })],
  ['dead503', () => ({ status: 503, reason: 'ServiceUnavailable', retryAfter: 2 })],
  ['deadb1ac', () => 'silence'],
  ['deadc105', () => 'goaway'],
  ['deadf00d', () => 'reset'],
];

/** The documented error of a token, if it has one. */
export const plannedFor = (token: string, now: number): Planned | undefined =>
  planned.find(([start]) => token.startsWith(start))?.[1](now);

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const PUSH_TYPES =
  /^(alert|background|location|voip|complication|fileprovider|mdm|liveactivity|pushtotalk|widgets|controls)$/;

const one = (headers: ApnsHeaders, name: string): string | undefined => {
  const value = headers[name];
  return Array.isArray(value) ? value.join(',') : value;
};

const bad = (reason: string): Refusal => ({ status: 400, reason });

/** Bundle id of a topic: voip and others put a suffix behind it. */
const bundleOf = (topic: string, pushType: string): string => {
  const suffix = pushType === 'liveactivity' ? '.push-type.liveactivity' : `.${pushType}`;
  return topic.endsWith(suffix) ? topic.slice(0, -suffix.length) : topic;
};

/** @returns what is wrong with the headers; stricter than Apple in one thing: apns-push-type must be there */
export const checkHeaders = (headers: ApnsHeaders, topics: string[]): Refusal | undefined => {
  const id = one(headers, 'apns-id');
  if (id !== undefined && !UUID.test(id)) return bad('BadMessageId');
  if (!/^(0|[1-9]\d{0,10})$/.test(one(headers, 'apns-expiration') ?? '0')) return bad('BadExpirationDate');
  if (Buffer.byteLength(one(headers, 'apns-collapse-id') ?? '') > 64) return bad('BadCollapseId');
  const pushType = one(headers, 'apns-push-type') ?? '';
  if (!PUSH_TYPES.test(pushType)) return bad('InvalidPushType');
  const priority = one(headers, 'apns-priority') ?? '10';
  if (!/^(10|5|1)$/.test(priority) || (pushType === 'background' && priority !== '5')) return bad('BadPriority');
  const topic = one(headers, 'apns-topic');
  if (!topic) return bad('MissingTopic');
  return topics.includes(bundleOf(topic, pushType)) ? undefined : bad('DeviceTokenNotForTopic');
};

/** 4 KB; 5 KB for VoIP. */
export const payloadLimit = (headers: ApnsHeaders): number => (one(headers, 'apns-push-type') === 'voip' ? 5120 : 4096);

/** @returns the payload's object, or undefined for what is none: Apple calls that PayloadEmpty too */
export const parsePayload = (body: Buffer): Record<string, unknown> | undefined => {
  try {
    const payload: unknown = JSON.parse(body.toString('utf8'));
    return typeof payload === 'object' && payload !== null && !Array.isArray(payload) ? { ...payload } : undefined;
  } catch {
    return undefined;
  }
};
