/** Muting a conversation, as its routes do it: by whom, until when, and what they and their devices are told. */
import { z } from 'zod';
import { ringing, sendInbox } from '../../core/deliver.ts';
import type { Deps } from '../../core/deps.ts';
import type { Actor, ConversationId } from '../../core/ids.ts';
import { mute } from '../../core/mute.ts';
import { problems } from '../../core/problem.ts';
import { conversationStream } from './membership.ts';

export const FOREVER = 'forever';
const DAY_MS = 24 * 60 * 60 * 1000;
/** A year, if it is a leap year. */
const LONGEST_MS = 366 * DAY_MS;

/** Until when a conversation is muted; null when it is not. */
export const Muted = z.strictObject({ muted: z.string().nullable() });
export type Muted = z.infer<typeof Muted>;

/** The moment in the one way in which it is stored, or which rule it breaks. Pure. */
export const untilOf = (until: string, now: Date): { until: string } | { rule: string } => {
  if (until === FOREVER) return { until };
  const ms = Date.parse(until) - now.getTime();
  // Also for a moment that is none.
  if (!(ms > 0)) return { rule: 'must be a moment that is still to come' };
  return ms > LONGEST_MS
    ? { rule: 'must be within a year; say `forever` for longer' }
    : { until: new Date(until).toISOString() };
};

/** @throws Problem `not-found` for who is not a member, and for a conversation that does not exist: the same bytes */
export const setMute = async (
  deps: Deps,
  actor: Actor,
  conversationId: ConversationId,
  until: string | undefined,
): Promise<Muted> => {
  const stream = conversationStream(actor, conversationId);
  const muting = await mute(deps, actor.user, stream, until);
  if (!muting) throw problems.notFound();
  const { moved, pointer } = muting;
  if (moved) await ringing(deps, stream, pointer, () => sendInbox(deps, pointer));
  return { muted: pointer.muted ?? null };
};
