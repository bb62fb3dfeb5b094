/** Branded ids: parsed once at the boundary, then told apart by the compiler. */
import { createHash } from 'node:crypto';
import { z } from 'zod';

/** Ids become names of object properties in many places; those that every object has already are nobody's id. */
const id = (pattern: RegExp, rule: string) =>
  z
    .string()
    .regex(pattern, rule)
    .refine((text) => !(text in Object.prototype), 'is a reserved word');

/** An app. First segment of every partition key. */
export const TenantId = id(
  /^[a-z][a-z0-9-]{1,30}$/,
  'must be 2 to 31 of a-z, 0-9 and -, beginning with a letter',
).brand('TenantId');
export type TenantId = z.infer<typeof TenantId>;

/** A person: the `sub` of their access token. */
export const UserId = id(/^[A-Za-z0-9_.:|-]{1,64}$/, 'must be 1 to 64 of letters, digits and _ . : | -').brand(
  'UserId',
);
export type UserId = z.infer<typeof UserId>;

/** One installation of the app, named by the app. */
export const DeviceId = id(/^[A-Za-z0-9_-]{1,64}$/, 'must be 1 to 64 of letters, digits, _ and -').brand('DeviceId');
export type DeviceId = z.infer<typeof DeviceId>;

export const ConversationId = id(/^cnv_[A-Za-z0-9_-]{22}$/, 'must be cnv_ and 22 more characters').brand(
  'ConversationId',
);
export type ConversationId = z.infer<typeof ConversationId>;

/** A command's name, chosen by its sender; unique for its sender. */
export const CommandId = id(/^[A-Za-z0-9_.:-]{1,128}$/, 'must be 1 to 128 of letters, digits and _ . : -').brand(
  'CommandId',
);
export type CommandId = z.infer<typeof CommandId>;

/** A dense position in a stream: 1, 2, 3, …; 0 is before the first. */
export const Version = z.int().min(0).max(Number.MAX_SAFE_INTEGER);

/** Server time, UTC, milliseconds. Data, never order. */
export const Timestamp = z.iso.datetime();

/** Who asks, taken from the verified token alone. */
export type Actor = { tenant: TenantId; user: UserId };

/** 128 bits of SHA-256 as 22 characters of base64url: the same words always give the same id. */
export const digest = (...words: string[]): string =>
  createHash('sha256').update(JSON.stringify(words)).digest('base64url').slice(0, 22);

const asUuid = (bytes: Buffer, version: number): string => {
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | (version << 4), 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
};

/** UUID version 4 of a random id that nobody can guess. */
export const uuidFrom = (randomId: string): string =>
  asUuid(createHash('sha256').update(randomId).digest().subarray(0, 16), 4);

/** UUID version 5 (RFC 9562, 5.5): the same name always gives the same UUID. */
export const uuidOf = (...words: string[]): string =>
  asUuid(createHash('sha1').update(NAMESPACE).update(JSON.stringify(words)).digest().subarray(0, 16), 5);
const NAMESPACE = Buffer.from('6f1d2c3e9a5b4f708d1e2a3b4c5d6e7f', 'hex');
