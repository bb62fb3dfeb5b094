/**
 * The notifications that the local App Store made, and what became of each attempt to deliver them. Every line is appended before
 * anything else happens, so that the history is there after a kill -9 too.
 */
import { appendFileSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { replaceFile } from '../files.ts';

/** Older ones are forgotten. */
const KEPT = 10_000;

export const StoreEnvironment = z.enum(['Production', 'Sandbox']);
export type StoreEnvironment = z.infer<typeof StoreEnvironment>;

/** `result` in Apple's words: SUCCESS, TIMED_OUT, NO_RESPONSE, UNSUCCESSFUL_HTTP_RESPONSE_CODE; and the status that was answered. */
const Attempt = z.object({ at: z.number(), result: z.string(), status: z.int().optional() });
export type Attempt = z.infer<typeof Attempt>;

const Notice = z.object({
  uuid: z.string(),
  tenant: z.string(),
  environment: StoreEnvironment,
  signed: z.number(),
  type: z.string(),
  subtype: z.string().optional(),
  /** The transaction that it is about, and its original. */
  transactions: z.array(z.string()),
  signedPayload: z.string(),
  attempts: z.array(Attempt).default([]),
});
export type Notice = z.infer<typeof Notice>;
const Line = z.union([Notice, z.object({ attempted: z.string(), ...Attempt.shape })]);

export type Notices = {
  add: (notice: Notice) => void;
  /** @returns the notice with it */
  attempted: (notice: Notice, attempt: Attempt) => Notice;
  find: (uuid: string) => Notice | undefined;
  /** Oldest first. */
  list: (tenant: string, environment: StoreEnvironment) => Notice[];
};

export const isDelivered = ({ attempts }: Notice): boolean => attempts.some(({ result }) => result === 'SUCCESS');

const readLines = (file: string): string[] => {
  try {
    return readFileSync(file, 'utf8').split('\n').filter(Boolean);
  } catch {
    return [];
  }
};

const parseLine = (line: string): z.infer<typeof Line> | undefined => {
  try {
    return Line.parse(JSON.parse(line));
  } catch {
    // The last line, cut by a kill.
    return undefined;
  }
};

export const openNotices = (file: string): Notices => {
  const kept = new Map<string, Notice>();
  const note = (notice: Notice): void => {
    kept.set(notice.uuid, notice);
    const oldest = kept.size > KEPT ? kept.keys().next().value : undefined;
    if (oldest !== undefined) kept.delete(oldest);
  };
  const tried = (notice: Notice, attempt: Attempt): Notice => {
    const now = { ...notice, attempts: [...notice.attempts, Attempt.parse(attempt)] };
    if (kept.has(notice.uuid)) kept.set(notice.uuid, now);
    return now;
  };
  for (const line of readLines(file)) {
    const read = parseLine(line);
    if (!read) continue;
    const before = 'attempted' in read ? kept.get(read.attempted) : undefined;
    if ('attempted' in read) void (before && tried(before, read));
    else note(read);
  }
  replaceFile(file, [...kept.values()].map((notice) => `${JSON.stringify(notice)}\n`).join(''));
  const append = (line: z.infer<typeof Line>): void => appendFileSync(file, `${JSON.stringify(line)}\n`);
  return {
    add: (notice) => {
      append(notice);
      note(notice);
    },
    attempted: (notice, attempt) => {
      append({ attempted: notice.uuid, ...attempt });
      return tried(kept.get(notice.uuid) ?? notice, attempt);
    },
    find: (uuid) => kept.get(uuid),
    list: (tenant, environment) =>
      [...kept.values()].filter((notice) => notice.tenant === tenant && notice.environment === environment),
  };
};
