/** A commit: the one or more events of one decision, at one version of one stream, with the small state they lead to. */
import { z } from 'zod';
import { Timestamp, UserId, Version } from './ids.ts';

export const AUDIENCE_LIMIT = 100;

const AnyEvent = z.looseObject({ type: z.string().min(1).max(64) });

export const Commit = z.object({
  /** The stream's kind, for the filters of its readers. */
  kind: z.string(),
  v: Version.min(1),
  /** The command that it answers, named by its sender: `<who>/<key>`; neither may hold a slash. */
  command: z.string().min(1).max(256),
  /** SHA-256 of what was asked: the same name for something else is refused. */
  asked: z.string(),
  /** Who acted; absent when the system did. */
  by: UserId.optional(),
  at: Timestamp,
  events: z.array(AnyEvent).min(1).max(20),
  state: z.unknown(),
  reducer: z.int().min(1),
  audience: z.array(UserId).max(AUDIENCE_LIMIT),
  /** What unread is subtracted from: the number of messages up to here. */
  count: z.int().min(0),
  /** How often somebody's words were taken out of it (core/redact.ts). */
  redacted: z.int().min(1).optional(),
});
export type Commit = z.infer<typeof Commit>;

/** An event as devices see it. Every event of a version travels together. */
export type WireEvent = { v: number; type: string; commandId?: string; [field: string]: unknown };

/** The sender's own Idempotency-Key comes back to the sender alone, so that their devices see what was accepted. */
export const toWire = (commit: Commit, viewer: UserId): WireEvent[] => {
  const own = commit.by === viewer ? { commandId: commit.command.slice(viewer.length + 1) } : {};
  return commit.events.map((event) => ({ v: commit.v, ...own, ...event }));
};
