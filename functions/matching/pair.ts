/** Commands of one person about another, as the routes run them: once for each Idempotency-Key, and again as often as one likes. */
import type { Commit } from '../../core/commit.ts';
import { isRejection, type Rejection } from '../../core/decider.ts';
import { ringing } from '../../core/deliver.ts';
import type { Deps } from '../../core/deps.ts';
import { type Done, type Execution, execute } from '../../core/execute.ts';
import type { Actor, UserId } from '../../core/ids.ts';
import type { Stream } from '../../core/keys.ts';
import { Problem } from '../../core/problem.ts';
import { closeConversation } from '../pairs.ts';
import { react } from '../reactions.ts';
import { generationOf, type MatchCommand, type MatchRejection, type MatchState, match, pairId } from './match.ts';

export const pairStream = ({ tenant, user }: Actor, other: UserId): Stream => ({
  ...{ tenant, kind: 'pair' },
  id: pairId(user, other),
});

const isStale = (error: unknown): boolean => error instanceof Problem && error.init.code === 'stale';

/** All of a pair's stream is looked at for the key. Of one that two people filled with hundreds of commits only its state. */
const executeOnce = async (
  deps: Deps,
  execution: Omit<Execution<MatchCommand>, 'dedupe'>,
): Promise<Done<MatchState> | Rejection<MatchRejection>> => {
  try {
    return await execute(deps, match, { ...execution, dedupe: { after: 0 } });
  } catch (error) {
    if (!isStale(error)) throw error;
    return execute(deps, match, { ...execution, dedupe: 'state' });
  }
};

/** Nothing more is said in the conversation of the match that ended last, also if it was not this request that ended it. */
const closeLast = async (deps: Deps, stream: Stream, { by, about, at }: MatchCommand, state: MatchState) => {
  const generation = generationOf(state) - 1;
  if (generation > 0) await closeConversation(deps, stream, { by, about, generation, at });
};

type Asked = { actor: Actor; other: UserId; commandId: string };
type Said<C> = C extends MatchCommand ? Omit<C, 'by' | 'about' | 'at'> : never;

/**
 * Says something about another person.
 * @param said what; its consequences begin at once and are finished by the stream. What ends a match has closed its conversation
 * @throws what the command loop throws; what it began is then finished by whoever asks again
 */
export const say = async (
  deps: Deps,
  { actor, other, commandId }: Asked,
  said: Said<MatchCommand>,
): Promise<{ state: MatchState; commit: Commit | undefined } | Rejection<MatchRejection>> => {
  const stream = pairStream(actor, other);
  const command: MatchCommand = { ...said, by: actor.user, about: other, at: deps.now().toISOString() };
  const done = await executeOnce(deps, { stream, command, id: commandId, by: actor.user });
  if (isRejection(done)) return done;
  const { commit, state } = done;
  if (command.type === 'Unmatch' || command.type === 'Block') await closeLast(deps, stream, command, state);
  if (commit) await ringing(deps, stream, commit, () => react(deps, stream, commit));
  return { state, commit };
};
