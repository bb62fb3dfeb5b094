/**
 * A sync cursor: what the device has, as text. For each stream 20 bits of a hash of its name, the version and the sum of
 * its registers; both only grow, so that an equal sum means that nothing moved. Only a restore takes them back, and with that
 * begins another era. It carries no authority: everything it leads to is checked against the caller's own pointers, and its
 * checksum is bound to the caller. Pure.
 */
import { createHash } from 'node:crypto';

/** Marks alone; most cursors never see another era than the first. */
const FORMAT = 1;
/** The era, then the marks. */
const FORMAT_WITH_ERA = 2;
const CHECK_BYTES = 8;
export const HASH_BITS = 20;

/** Whose cursor it is. */
export type Owner = { tenant: string; user: string };
/** How far a device is in one stream: its version, and the sum of the registers that it knows. */
export type Mark = { v: number; registers: number };

const sha256 = (...words: string[]): Buffer => createHash('sha256').update(JSON.stringify(words)).digest();

export const hashName = ({ tenant, user }: Owner, name: string): number =>
  sha256('stream', tenant, user, name).readUInt32BE() >>> (32 - HASH_BITS);

const pushVarint = (bytes: number[], value: number): void => {
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  bytes.push(rest);
};

const readVarints = (bytes: Uint8Array): number[] | undefined => {
  const values: number[] = [];
  let value = 0;
  let scale = 1;
  for (const byte of bytes) {
    value += (byte % 128) * scale;
    scale *= 128;
    if (byte < 128) {
      values.push(value);
      value = 0;
      scale = 1;
    }
    if (scale > 2 ** 49) return undefined;
  }
  return scale === 1 ? values : undefined;
};

const checksum = ({ tenant, user }: Owner, payload: Uint8Array): Buffer =>
  sha256('cursor', tenant, user, Buffer.from(payload).toString('base64')).subarray(0, CHECK_BYTES);

type Entry = { hash: number; name: string; mark: Mark };

/** Streams by hash; those few that share one stand in the order of their names. */
const sorted = (owner: Owner, names: Iterable<readonly [string, Mark]>): Entry[] =>
  [...names]
    .map(([name, mark]) => ({ hash: hashName(owner, name), name, mark }))
    .sort((a, b) => a.hash - b.hash || (a.name < b.name ? -1 : 1));

/** @param era the newest of the owner's pointers */
export const encodeCursor = (owner: Owner, marks: ReadonlyMap<string, Mark>, era = 0): string => {
  const bytes: number[] = era === 0 ? [FORMAT] : [FORMAT_WITH_ERA];
  if (era > 0) pushVarint(bytes, era);
  let before = 0;
  for (const { hash, mark } of sorted(owner, marks)) {
    pushVarint(bytes, hash - before);
    pushVarint(bytes, mark.v);
    pushVarint(bytes, mark.registers);
    before = hash;
  }
  const payload = Uint8Array.from(bytes);
  return Buffer.concat([checksum(owner, payload), payload]).toString('base64url');
};

/** Era and marks by hash, or undefined for text that is no cursor of this owner. */
const decode = (owner: Owner, cursor: string): { era: number; byHash: Map<number, Mark[]> } | undefined => {
  const bytes = Buffer.from(cursor, 'base64url');
  const payload = bytes.subarray(CHECK_BYTES);
  const [format] = payload;
  if (bytes.toString('base64url') !== cursor || (format !== FORMAT && format !== FORMAT_WITH_ERA)) return undefined;
  if (!checksum(owner, payload).equals(bytes.subarray(0, CHECK_BYTES))) return undefined;
  const values = readVarints(payload.subarray(1));
  const era = format === FORMAT ? 0 : values?.shift();
  if (!values || era === undefined || values.length % 3 !== 0) return undefined;
  const byHash = new Map<number, Mark[]>();
  let hash = 0;
  for (let i = 0; i < values.length; i += 3) {
    hash += values[i] ?? 0;
    byHash.set(hash, [...(byHash.get(hash) ?? []), { v: values[i + 1] ?? 0, registers: values[i + 2] ?? 0 }]);
  }
  return { era, byHash };
};

/** What a device says that it has. */
export type Decoded = {
  era: number;
  /**
   * Of each of the streams asked for; one is absent where the cursor does not tell (new, or one of several that share a
   * hash of which not all were there): then it is given anew.
   */
  marks: Map<string, Mark>;
  /** How many streams it has of which nothing is known. */
  unknown: number;
};

/** @returns undefined for text that is no cursor of this owner */
export const decodeCursor = (owner: Owner, cursor: string, names: readonly string[]): Decoded | undefined => {
  const decoded = decode(owner, cursor);
  if (!decoded) return undefined;
  const { era, byHash } = decoded;
  const now = Map.groupBy(
    sorted(
      owner,
      names.map((name) => [name, { v: 0, registers: 0 }]),
    ),
    ({ hash }) => hash,
  );
  const marks = new Map<string, Mark>();
  for (const [hash, entries] of now) {
    const there = byHash.get(hash) ?? [];
    // Streams never leave a person's inbox, so an equal number is the same streams in the same order.
    if (there.length !== entries.length) continue;
    for (const [i, { name }] of entries.entries()) marks.set(name, there[i] ?? { v: 0, registers: 0 });
  }
  const unknown = [...byHash].reduce(
    (sum, [hash, { length }]) => sum + Math.max(0, length - (now.get(hash)?.length ?? 0)),
    0,
  );
  return { era, marks, unknown };
};
