/**
 * The command loop: read, look for our own, decide, append. The only way to write an event. Exactly once per command
 * id: an attempt can land only at the version it was made for, and whoever finds that version taken looks at what is
 * there before trying the next.
 */
import { createHash } from 'node:crypto';
import { assert } from './assert.ts';
import { AUDIENCE_LIMIT, type Commit } from './commit.ts';
import { isDefinite, isFault, isThrottle } from './ddb.ts';
import { type Aggregate, isRejection, type Rejection } from './decider.ts';
import type { Deps } from './deps.ts';
import { append, appendWithReceipt } from './events.ts';
import type { UserId } from './ids.ts';
import { canonicalJson } from './json.ts';
import { type Stream, streamName } from './keys.ts';
import { stateAt } from './load.ts';
import { type Dedupe, look, type Seen } from './look.ts';
import { Problem, problems } from './problem.ts';
import { backoff } from './retry.ts';

const ATTEMPTS = 10;

export type Execution<C> = {
  stream: Stream;
  command: C;
  /** Unique for `by`. */
  id: string;
  by?: UserId;
  dedupe: Dedupe;
};

/** How a commit names the command that it answers. */
export const commandName = ({ id, by }: Pick<Execution<unknown>, 'id' | 'by'>): string => `${by ?? 'system'}/${id}`;

/** `commit` is absent when there was nothing new to say. */
export type Done<S> = { v: number; state: S; commit: Commit | undefined; fresh: boolean };

/** What was asked, without when: a retry asks the same later. */
const hashOf = (command: object): string => {
  const asked = Object.fromEntries(Object.entries(command).filter(([key]) => key !== 'at'));
  return createHash('sha256').update(canonicalJson(asked)).digest('base64url');
};

/** The commit that follows from a decision, not yet written. */
const propose = <S, C extends { at: string }, E extends { type: string }, R extends string>(
  aggregate: Aggregate<S, C, E, R>,
  { stream, command, by }: Execution<C>,
  seen: Seen<S>,
  events: E[],
  names: { command: string; asked: string },
): Commit & { state: S } => {
  const state = events.reduce(aggregate.evolve, seen.state);
  const audience = [...aggregate.audience(state)];
  assert(audience.length <= AUDIENCE_LIMIT, `${streamName(stream)} has an audience of ${audience.length}`);
  const { kind } = stream;
  const { reducer } = aggregate;
  return {
    kind,
    v: seen.v + 1,
    ...names,
    by,
    at: command.at,
    events,
    state,
    reducer,
    audience,
    count: aggregate.count(state),
  };
};

/**
 * One attempt to append. 'theirs' proves that nothing of ours is or ever will be at this version; a commit is what an
 * earlier attempt of ours left there.
 */
const attempt = async (
  deps: Deps,
  stream: Stream,
  commit: Commit,
  dedupe: Dedupe,
): Promise<'appended' | 'theirs' | 'nothing' | 'unknown' | Commit> => {
  try {
    if (dedupe === 'receipt') return (await appendWithReceipt(deps, stream, commit)) ? 'appended' : 'unknown';
    const there = await append(deps, stream, commit);
    if (!there) return 'appended';
    return there.command === commit.command ? there : 'theirs';
  } catch (error) {
    if (isFault(error)) throw error;
    return isDefinite(error) ? 'nothing' : 'unknown';
  }
};

const answer = <S>(own: Commit, state: S, asked: string): Done<S> => {
  if (own.asked !== asked) throw problems.commandReused();
  return { v: own.v, state, commit: own, fresh: false };
};

/**
 * Runs one command.
 * @returns what it led to (the first result when it was done before), or the broken rule
 * @throws Problem `idempotency-key-reused`, `stale`, `after-unknown`; `busy` when surely nothing was written;
 *   `outcome-unknown` when the database did not say
 */
export const execute = async <S, C extends { at: string }, E extends { type: string }, R extends string>(
  deps: Deps,
  aggregate: Aggregate<S, C, E, R>,
  execution: Execution<C>,
): Promise<Done<S> | Rejection<R>> => {
  const { stream, command, by, dedupe } = execution;
  const names = { command: commandName(execution), asked: hashOf(command) };
  /** The version of an attempt of which nobody said whether it landed; 0 when nothing can have. */
  let doubted = 0;
  for (let tries = 0; tries < ATTEMPTS; tries++) {
    if (tries > 0) await deps.sleep(backoff(deps.random, tries));
    const seen = await look(deps, aggregate, { stream, dedupe, command: names.command, doubted }).catch(
      (error: unknown) => {
        if (doubted > 0 && !(error instanceof Problem)) throw problems.outcomeUnknown();
        throw isThrottle(error) ? problems.busy() : error;
      },
    );
    if (seen.own) return answer(seen.own, seen.state, names.asked);
    const decided = aggregate.decide(command, seen.state);
    if (isRejection(decided)) return decided;
    if (seen.refused) throw seen.refused;
    if (decided.length === 0) return { v: seen.v, state: seen.state, commit: undefined, fresh: false };

    const commit = propose(aggregate, execution, seen, decided, names);
    const outcome = await attempt(deps, stream, commit, dedupe);
    if (typeof outcome === 'object')
      return answer(outcome, await stateAt(deps, aggregate, stream, outcome), names.asked);
    if (outcome === 'appended') {
      const events = decided.map(({ type }) => type);
      deps.log({
        level: 'info',
        msg: 'committed',
        tenant: stream.tenant,
        stream: streamName(stream),
        v: commit.v,
        by,
        events,
      });
      return { v: commit.v, state: commit.state, commit, fresh: true };
    }
    if (outcome !== 'nothing') doubted = outcome === 'unknown' ? commit.v : 0;
  }
  throw doubted > 0 ? problems.outcomeUnknown() : problems.busy();
};
