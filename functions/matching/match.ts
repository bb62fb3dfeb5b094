/**
 * What two people make of each other. One stream per pair, whoever acts first; a match is made when both like. What one
 * feels is not the other's to know, so the stream has no audience.
 */
import { z } from 'zod';
import { type Aggregate, type Rejection, reject } from '../../core/decider.ts';
import { ConversationId, digest, Timestamp, UserId } from '../../core/ids.ts';

const act = { by: UserId, about: UserId, at: Timestamp };

export const MatchCommand = z.discriminatedUnion('type', [
  z.object({ type: z.literal('Like'), ...act }),
  z.object({ type: z.literal('Pass'), ...act }),
]);

export const MatchEvent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('Liked'), ...act }),
  z.object({ type: z.literal('Passed'), ...act }),
  z.object({ type: z.literal('Matched'), between: z.tuple([UserId, UserId]), at: Timestamp }),
]);

const Feeling = z.enum(['like', 'pass']);
const MatchState = z.discriminatedUnion('status', [
  z.object({ status: z.literal('open'), feelings: z.record(UserId, Feeling) }),
  z.object({ status: z.literal('matched') }),
]);

export type MatchCommand = z.infer<typeof MatchCommand>;
export type MatchEvent = z.infer<typeof MatchEvent>;
export type MatchState = z.infer<typeof MatchState>;
export type MatchRejection = 'self' | 'already-matched';
type Decision = MatchEvent[] | Rejection<MatchRejection>;

/** The same stream whoever acts first. */
export const pairId = (a: UserId, b: UserId): string => [a, b].sort().join('+');

/** The one conversation that a match opens. */
export const conversationOf = (a: UserId, b: UserId): ConversationId =>
  ConversationId.parse(`cnv_${digest('conversation', pairId(a, b))}`);

const feel = (before: MatchState, by: UserId, feeling: z.infer<typeof Feeling>): MatchState =>
  before.status === 'matched' ? before : { status: 'open', feelings: { ...before.feelings, [by]: feeling } };

const evolve = (before: MatchState, event: MatchEvent): MatchState => {
  switch (event.type) {
    case 'Liked':
      return feel(before, event.by, 'like');
    case 'Passed':
      return feel(before, event.by, 'pass');
    case 'Matched':
      return { status: 'matched' };
  }
};

const decide = ({ type, ...act }: MatchCommand, match: MatchState): Decision => {
  if (act.by === act.about) return reject('self');
  switch (type) {
    case 'Like':
      return like(act, match);
    case 'Pass':
      return pass(act, match);
  }
};

type Act = Omit<MatchCommand, 'type'>;

/** Liking twice says nothing new: no event and no error, so a retried request is safe. */
const like = (act: Act, match: MatchState): Decision => {
  if (match.status === 'matched' || match.feelings[act.by] === 'like') return [];
  const liked: MatchEvent = { type: 'Liked', ...act };
  const mutual = match.feelings[act.about] === 'like';
  return mutual ? [liked, { type: 'Matched', between: [act.about, act.by], at: act.at }] : [liked];
};

const pass = (act: Act, match: MatchState): Decision => {
  if (match.status === 'matched') return reject('already-matched');
  return match.feelings[act.by] === 'pass' ? [] : [{ type: 'Passed', ...act }];
};

export const match: Aggregate<MatchState, MatchCommand, MatchEvent, MatchRejection> = {
  kind: 'pair',
  reducer: 1,
  State: MatchState,
  Event: MatchEvent,
  initial: { status: 'open', feelings: {} },
  evolve,
  decide,
  audience: () => [],
  count: () => 0,
};
