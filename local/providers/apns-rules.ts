/**
 * What APNs demands of a notification, and the reasons that it gives. Pure; apns.ts speaks the protocol.
 *
 * Device tokens of 64 to 200 hexadecimal characters are accepted. A token that begins with one of these meets a fault;
 * for tokens of real phones that is next to impossible. `POST /dev/push-faults` asks for the same faults, and for every
 * other reason in `reasons`, by name and for any token.
 *
 * | token begins with | fault | answer |
 * | --- | --- | --- |
 * | dead5a | | a sandbox token: the production host answers 400 BadDeviceToken |
 * | dead9d | | a production token: the sandbox host answers 400 BadDeviceToken |
 * | dead400a | DeviceTokenNotForTopic | 400 |
 * | dead400 | BadDeviceToken | 400 |
 * | dead403e | ExpiredProviderToken | 403 |
 * | dead403 | Forbidden | 403 |
 * | dead410a | Unregistered | 410, since 2020: before any registration that is made today |
 * | dead410e | ExpiredToken | 410, since now |
 * | dead410 | Unregistered | 410, since now |
 * | dead413 | PayloadTooLarge | 413 |
 * | dead429a | TooManyProviderTokenUpdates | 429 |
 * | dead429 | TooManyRequests | 429, retry-after: 2 |
 * | dead500 | InternalServerError | 500 |
 * | dead503a | Shutdown | 503 |
 * | dead503 | ServiceUnavailable | 503, retry-after: 2 |
 * | dead510e | slow | delivered at once, the usual answer 2 s later |
 * | deadb1ac | silence | never an answer; the connection's other requests get theirs |
 * | deadb1ad | mute | from then on the connection reads and answers nothing at all, no ping either |
 * | deadc105 | goaway | GOAWAY: this stream and later ones are not processed, earlier ones may finish |
 * | deadc1de | idle-close | 200, then GOAWAY with IdleTimeout and the end of the connection |
 * | deadf00d | refused | RST_STREAM with REFUSED_STREAM |
 * | deadf00e | reset | the TCP connection is reset |
 */
export type Refusal = { status: number; reason: string; retryAfter?: number; timestamp?: number };
const wires = ['silence', 'mute', 'goaway', 'idle-close', 'refused', 'reset', 'slow'] as const;
export type Wire = (typeof wires)[number];
export type Planned = Refusal | Wire;
export type ApnsHeaders = Record<string, string | string[] | undefined>;
export type Environment = 'production' | 'sandbox';

const YEAR_2020 = 1_577_836_800_000;
const RETRY_SECONDS = 2;

/** Every reason of Apple's table. */
const reasons: Record<number, string[]> = {
  400: [
    ...['BadCollapseId', 'BadDeviceToken', 'BadExpirationDate', 'BadMessageId', 'BadPriority', 'BadTopic'],
    ...['DeviceTokenNotForTopic', 'DuplicateHeaders', 'IdleTimeout', 'InvalidPushType', 'MissingDeviceToken'],
    ...['MissingTopic', 'PayloadEmpty', 'TopicDisallowed'],
  ],
  403: [
    ...['BadCertificate', 'BadCertificateEnvironment', 'BadEnvironmentKeyIdInToken', 'ExpiredProviderToken'],
    ...['Forbidden', 'InvalidProviderToken', 'MissingProviderToken', 'UnrelatedKeyIdInToken'],
  ],
  404: ['BadPath'],
  405: ['MethodNotAllowed'],
  410: ['ExpiredToken', 'Unregistered'],
  413: ['PayloadTooLarge'],
  429: ['TooManyProviderTokenUpdates', 'TooManyRequests'],
  500: ['InternalServerError'],
  503: ['ServiceUnavailable', 'Shutdown'],
};
const statusOf = new Map(
  Object.entries(reasons).flatMap(([status, names]) => names.map((name) => [name, Number(status)] as const)),
);

/** The names of all faults. */
export const apnsFaults: string[] = [...statusOf.keys(), ...wires];

/** Longer beginnings first. */
const beginnings: [start: string, fault: string, timestamp?: number][] = [
  ['dead400a', 'DeviceTokenNotForTopic'],
  ['dead400', 'BadDeviceToken'],
  ['dead403e', 'ExpiredProviderToken'],
  ['dead403', 'Forbidden'],
  ['dead410a', 'Unregistered', YEAR_2020],
  ['dead410e', 'ExpiredToken'],
  ['dead410', 'Unregistered'],
  ['dead413', 'PayloadTooLarge'],
  ['dead429a', 'TooManyProviderTokenUpdates'],
  ['dead429', 'TooManyRequests'],
  ['dead500', 'InternalServerError'],
  ['dead503a', 'Shutdown'],
  ['dead503', 'ServiceUnavailable'],
  ['dead510e', 'slow'],
  ['deadb1ac', 'silence'],
  ['deadb1ad', 'mute'],
  ['deadc105', 'goaway'],
  ['deadc1de', 'idle-close'],
  ['deadf00d', 'refused'],
  ['deadf00e', 'reset'],
];
const strangers = { production: 'dead5a', sandbox: 'dead9d' } as const;

/** What a fault of this name means for the request. */
export const planOf = (fault: string, now: number, timestamp = now): Planned | undefined => {
  const status = statusOf.get(fault);
  if (status === undefined) return wires.find((wire) => wire === fault);
  const waits = fault === 'TooManyRequests' || fault === 'ServiceUnavailable';
  return {
    status,
    reason: fault,
    ...(waits && { retryAfter: RETRY_SECONDS }),
    ...(status === 410 && { timestamp }),
  };
};

/** The documented fault of a token, if it has one. */
export const plannedFor = (token: string, environment: Environment, now: number): Planned | undefined => {
  if (token.startsWith(strangers[environment])) return planOf('BadDeviceToken', now);
  const [, fault, timestamp] = beginnings.find(([start]) => token.startsWith(start)) ?? [];
  return fault === undefined ? undefined : planOf(fault, now, timestamp);
};
