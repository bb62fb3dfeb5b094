/**
 * What two people make of each other. One stream per pair, whoever acts first; a match is made when both like, and ends when
 * one of them says so or blocks the other. What one feels is not the other's to know, so the stream has no audience.
 */
import { z } from 'zod';
import { type Aggregate, type Rejection, reject } from '../../core/decider.ts';
import { ConversationId, digest, Timestamp, UserId } from '../../core/ids.ts';
import { MatchEvent } from './events.ts';

export { MatchEvent } from './events.ts';

const act = { by: UserId, about: UserId, at: Timestamp };
/** `once`: the tenant does not match the same two again. */
const reaction = { ...act, once: z.boolean().optional() };

export const MatchCommand = z.discriminatedUnion('type', [
  z.object({ type: z.literal('Like'), ...reaction, kind: z.literal('super').optional(), note: z.string().optional() }),
  z.object({ type: z.literal('Pass'), ...reaction }),
  z.object({ type: z.literal('Defer'), ...reaction }),
  z.object({ type: z.literal('Undo'), ...act }),
  z.object({ type: z.literal('Unmatch'), ...act }),
  z.object({ type: z.literal('Block'), ...act, gone: z.literal(true).optional() }),
  z.object({ type: z.literal('Unblock'), ...act }),
]);

const Feeling = z.enum(['like', 'super-like', 'pass', 'later']);
type Feeling = z.infer<typeof Feeling>;
/** Counts the matches of the two, the next one included; absent for the first, as in states of the first reducer. */
const Generation = z.int().min(2).optional();
const MatchState = z.discriminatedUnion('status', [
  z.object({
    status: z.literal('open'),
    feelings: z.record(UserId, Feeling),
    generation: Generation,
    /** Who blocks the other; `gone`: for ever, since they were erased. */
    blocks: z.record(UserId, z.union([z.literal(true), z.literal('gone')])).optional(),
  }),
  z.object({ status: z.literal('matched'), generation: Generation }),
]);

export type MatchCommand = z.infer<typeof MatchCommand>;
export type MatchState = z.infer<typeof MatchState>;
/** `not-found`: one of them blocks the other, or there never was a match; both as if there was nobody. */
export type MatchRejection = 'self' | 'already-matched' | 'ended' | 'nothing-to-undo' | 'not-found';
type Decision = MatchEvent[] | Rejection<MatchRejection>;
type Open = Extract<MatchState, { status: 'open' }>;

/** The same stream whoever acts first. */
export const pairId = (a: UserId, b: UserId): string => [a, b].sort().join('+');

const nth = (generation: number): string[] => (generation > 1 ? [String(generation)] : []);

/** The one conversation that a match opens. */
export const conversationOf = (a: UserId, b: UserId, generation = 1): ConversationId =>
  ConversationId.parse(`cnv_${digest('conversation', pairId(a, b), ...nth(generation))}`);

export const generationOf = ({ generation = 1 }: MatchState): number => generation;
export const isBlockedIn = (match: MatchState): boolean => match.status === 'open' && match.blocks !== undefined;

const counted = (generation: number): { generation?: number } => (generation > 1 ? { generation } : {});
const toOpen = (match: MatchState): Open =>
  match.status === 'open' ? match : { status: 'open', feelings: {}, ...counted(generationOf(match)) };
const without = <V>(record: Record<UserId, V>, user: UserId): Record<UserId, V> =>
  Object.fromEntries(Object.entries(record).filter(([each]) => each !== user));

const feel = (before: MatchState, by: UserId, feeling: Feeling): MatchState =>
  before.status === 'matched' ? before : { ...before, feelings: { ...before.feelings, [by]: feeling } };

const unblock = (before: MatchState, by: UserId): MatchState => {
  const { blocks = {}, ...open } = toOpen(before);
  const left = without(blocks, by);
  return { ...open, ...(Object.keys(left).length > 0 && { blocks: left }) };
};

const evolve = (before: MatchState, event: MatchEvent): MatchState => {
  switch (event.type) {
    case 'Liked':
      return feel(before, event.by, event.kind === 'super' ? 'super-like' : 'like');
    case 'Passed':
      return feel(before, event.by, 'pass');
    case 'Deferred':
      return feel(before, event.by, 'later');
    case 'Undone':
      return before.status === 'matched' ? before : { ...before, feelings: without(before.feelings, event.by) };
    case 'Matched':
      return { status: 'matched', ...counted(event.generation ?? 1) };
    case 'Unmatched':
      return { status: 'open', feelings: {}, generation: event.generation + 1 };
    case 'Blocked': {
      const open = toOpen(before);
      return { ...open, feelings: {}, blocks: { ...open.blocks, [event.by]: event.gone ? 'gone' : true } };
    }
    case 'Unblocked':
      return unblock(before, event.by);
  }
};

const decide = (command: MatchCommand, match: MatchState): Decision => {
  if (command.by === command.about) return reject('self');
  switch (command.type) {
    case 'Block':
      return block(command, match);
    case 'Unblock':
      return lift(command, match);
    case 'Unmatch':
      return unmatch(command, match);
    case 'Undo':
      return isBlockedIn(match) ? reject('not-found') : undo(command, match);
    case 'Like':
    case 'Pass':
    case 'Defer':
      return react(command, match);
  }
};

type Act = { by: UserId; about: UserId; at: string };
const actOf = ({ by, about, at }: Act): Act => ({ by, about, at });

const likes = (feeling: Feeling | undefined): boolean => feeling === 'like' || feeling === 'super-like';
const likeOf = (feeling: Feeling | undefined): { liked?: 'like' | 'super-like' } =>
  feeling === 'like' || feeling === 'super-like' ? { liked: feeling } : {};

const react = (command: Extract<MatchCommand, { type: 'Like' | 'Pass' | 'Defer' }>, match: MatchState): Decision => {
  if (isBlockedIn(match)) return reject('not-found');
  if (match.status === 'matched') return command.type === 'Like' ? [] : reject('already-matched');
  if (command.once && generationOf(match) > 1) return reject('ended');
  const own = match.feelings[command.by];
  const theirs = match.feelings[command.about];
  const taken = { ...actOf(command), took: likes(own) };
  switch (command.type) {
    case 'Like':
      return like(command, match);
    case 'Pass':
      return own === 'pass' ? [] : [{ type: 'Passed', ...taken, ...likeOf(theirs) }];
    case 'Defer':
      return own === 'later' ? [] : [{ type: 'Deferred', ...taken, ...(own === 'pass' && likeOf(theirs)) }];
  }
};

/** Liking twice says nothing new: no event and no error, so a retried request is safe. */
const like = ({ kind, note, ...command }: Extract<MatchCommand, { type: 'Like' }>, match: Open): Decision => {
  const { by, about, at } = command;
  const own = match.feelings[by];
  if (own === 'super-like' || (own === 'like' && !kind)) return [];
  const theirs = match.feelings[about];
  const more = { ...(kind && { kind }), ...(note && { note }), ...(theirs === 'pass' && { passed: true as const }) };
  const liked: MatchEvent = { type: 'Liked', ...actOf(command), ...more };
  if (!likes(theirs)) return [liked];
  return [liked, { type: 'Matched', between: [about, by], at, generation: generationOf(match) }];
};

const undo = (command: Act, match: MatchState): Decision => {
  if (match.status === 'matched') return reject('nothing-to-undo');
  const own = match.feelings[command.by];
  if (own !== 'pass' && own !== 'later') return reject('nothing-to-undo');
  return [{ type: 'Undone', ...actOf(command), ...likeOf(match.feelings[command.about]) }];
};

/** What has ended stays so: saying it again says nothing new. */
const unmatch = (command: Act, match: MatchState): Decision => {
  const generation = generationOf(match);
  if (match.status === 'open') return generation > 1 ? [] : reject('not-found');
  return [{ type: 'Unmatched', ...actOf(command), generation }];
};

const block = (command: Extract<MatchCommand, { type: 'Block' }>, match: MatchState): Decision => {
  const { blocks = {} } = toOpen(match);
  const { gone } = command;
  if (blocks[command.by] === 'gone' || (blocks[command.by] && !gone)) return [];
  const ended = match.status === 'matched' ? unmatch(command, match) : [];
  const both = blocks[command.about] !== undefined;
  return Array.isArray(ended)
    ? [...ended, { type: 'Blocked', ...actOf(command), ...(both && { both }), ...(gone && { gone }) }]
    : ended;
};

const lift = (command: Act, match: MatchState): Decision => {
  const { blocks = {} } = toOpen(match);
  if (!blocks[command.by]) return [];
  const before = generationOf(match) > 1 ? 'unmatched' : 'none';
  return [{ type: 'Unblocked', ...actOf(command), now: blocks[command.about] ? 'blocked' : before }];
};

export const match: Aggregate<MatchState, MatchCommand, MatchEvent, MatchRejection> = {
  kind: 'pair',
  reducer: 2,
  // Nobody could unmatch or block.
  alsoReads: [1],
  State: MatchState,
  Event: MatchEvent,
  initial: { status: 'open', feelings: {} },
  evolve,
  decide,
  audience: () => [],
  count: () => 0,
};
