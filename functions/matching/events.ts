/** What can have happened between two people, as their pair's stream keeps it. An event says what its readers can't ask for. */
import { z } from 'zod';
import { Timestamp, UserId } from '../../core/ids.ts';

const act = { by: UserId, about: UserId, at: Timestamp };
/** The other's like, for who keeps lists of likes. */
const liked = z.enum(['like', 'super-like']).optional();

export const MatchEvent = z.discriminatedUnion('type', [
  z.object({
    ...{ type: z.literal('Liked'), ...act },
    kind: z.literal('super').optional(),
    note: z.string().optional(),
    /** The other one has passed on them. */
    passed: z.literal(true).optional(),
  }),
  /** `took`: a like of theirs was taken back by it; absent in the first format. */
  z.object({ type: z.literal('Passed'), ...act, took: z.boolean().optional(), liked }),
  z.object({ type: z.literal('Deferred'), ...act, took: z.boolean(), liked }),
  z.object({ type: z.literal('Undone'), ...act, liked }),
  z.object({
    type: z.literal('Matched'),
    /** The second of them made the match by liking back. */
    between: z.tuple([UserId, UserId]),
    at: Timestamp,
    /** Absent in the first format, which knew no second match. */
    generation: z.int().min(1).optional(),
  }),
  z.object({ type: z.literal('Unmatched'), ...act, generation: z.int().min(1) }),
  /** `both`: the other one blocks too. */
  z.object({
    ...{ type: z.literal('Blocked'), ...act, both: z.literal(true).optional() },
    /** They are being erased: nothing of this pair is theirs to see any more. */
    gone: z.literal(true).optional(),
  }),
  /** `now`: what is between the two without this block. */
  z.object({ type: z.literal('Unblocked'), ...act, now: z.enum(['none', 'unmatched', 'blocked']) }),
]);
export type MatchEvent = z.infer<typeof MatchEvent>;
