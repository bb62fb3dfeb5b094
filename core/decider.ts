/** The grammar of every aggregate: decide(command, state) → events | rejection; evolve(state, event) → state. Pure. */
import type { z } from 'zod';
import type { UserId } from './ids.ts';
import type { StreamKind } from './keys.ts';

/** A broken rule, by name. The edge says it in words. */
export type Rejection<R extends string> = { rejected: R };
export const reject = <R extends string>(rejected: R): Rejection<R> => ({ rejected });
export const isRejection = <T, R extends string>(value: T | Rejection<R>): value is Rejection<R> =>
  typeof value === 'object' && value !== null && 'rejected' in value;

export type Decider<S, C, E, R extends string> = {
  initial: S;
  evolve: (state: S, event: E) => S;
  decide: (command: C, state: S) => E[] | Rejection<R>;
};

/** A decider with what its stream needs to be stored and told about. */
export type Aggregate<S, C, E, R extends string> = Decider<S, C, E, R> & {
  kind: StreamKind;
  /** Raised with every change of `evolve` or of the state's shape: stored states of another version are refolded. */
  reducer: number;
  /** Earlier reducers whose states say the same today: what they did not know has not happened in their streams. */
  alsoReads?: readonly number[];
  State: z.ZodType<S>;
  Event: z.ZodType<E>;
  /** Who gets a pointer to this stream; at most 100. Empty for streams that nobody may see. */
  audience: (state: S) => readonly UserId[];
  /** What unread is subtracted from: the number of messages so far. */
  count: (state: S) => number;
};
