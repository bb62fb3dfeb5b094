/**
 * What phones would have shown. Every push that the local APNs and FCM servers accept is appended to a file before it
 * is answered, so that it is known after a kill -9 too.
 *
 * A push with the token and the collapse id of an earlier one takes its place, as on a phone: one notification, with
 * the number of its `deliveries`. For Android the collapse id is the notification's tag, or else the collapse key (which
 * Google applies only to messages that wait for a phone that is off). What each phone shows is for screens.ts to say.
 */
import { appendFileSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { replaceFile } from '../files.ts';
import { clearOf } from './screens.ts';

/** Older ones are forgotten. */
const KEPT = 10_000;

const Push = z.object({
  platform: z.enum(['ios', 'android']),
  token: z.string(),
  /** Bundle id or package name; the project where a message to Android names no package. */
  app: z.string(),
  /** The apns-id, or FCM's name of the message. */
  id: z.string(),
  collapseId: z.string().optional(),
  at: z.string(),
  /** False for background and data-only pushes: they wake the app and show nothing. */
  visible: z.boolean(),
  deliveries: z.number(),
  title: z.string().optional(),
  body: z.string().optional(),
  titleLocKey: z.string().optional(),
  titleLocArgs: z.array(z.string()).optional(),
  locKey: z.string().optional(),
  locArgs: z.array(z.string()).optional(),
  badge: z.number().optional(),
  payload: z.unknown().optional(),
});
export type Push = z.infer<typeof Push>;

export type Phones = {
  receive(push: Omit<Push, 'at' | 'deliveries'>): void;
  /** Oldest first. */
  pushes(token?: string): Push[];
  clear(): void;
};

const parseLine = (line: string): Push[] => {
  try {
    return [Push.parse(JSON.parse(line))];
  } catch {
    // The last line, cut by a kill: its sender got no answer and sends again.
    return [];
  }
};

const readLines = (file: string): string[] => {
  try {
    return readFileSync(file, 'utf8').split('\n');
  } catch {
    return [];
  }
};

/** By platform, token and collapse id, and what a push clears; a push without a collapse id is on its own. */
type Shown = Map<string | symbol, Push>;

const remember = (shown: Shown, push: Push): void => {
  const { platform, token, collapseId } = push;
  const cleared = clearOf(push)?.v;
  const key = collapseId === undefined ? Symbol() : JSON.stringify([platform, token, collapseId, cleared]);
  const before = shown.get(key);
  // Deleted first, so that the replaced one moves to the end.
  shown.delete(key);
  shown.set(key, { ...push, deliveries: push.deliveries + (before?.deliveries ?? 0) });
  const oldest = shown.size > KEPT ? shown.keys().next().value : undefined;
  if (oldest !== undefined) shown.delete(oldest);
};

const rewrite = (file: string, pushes: Push[]): void =>
  replaceFile(file, pushes.map((push) => `${JSON.stringify(push)}\n`).join(''));

/** @param file one JSON object a line, in the data folder; compacted at each start */
export const openPhones = (file: string): Phones => {
  const shown: Shown = new Map();
  for (const push of readLines(file).flatMap(parseLine)) remember(shown, push);
  rewrite(file, [...shown.values()]);
  return {
    receive: (received) => {
      const push: Push = { ...received, at: new Date().toISOString(), deliveries: 1 };
      appendFileSync(file, `${JSON.stringify(push)}\n`);
      remember(shown, push);
    },
    pushes: (token) => [...shown.values()].filter((push) => token === undefined || push.token === token),
    clear: () => {
      shown.clear();
      rewrite(file, []);
    },
  };
};
