/**
 * What follows from events in other contexts: Matched → open the conversation, tell both people, list the match; a purchase
 * that became something else, or another's → tell who has it and who had it, and list it.
 * Every step is idempotent and derived from its cause, so a repetition after a crash finishes what is missing.
 */
import { assert } from '../core/assert.ts';
import type { Commit } from '../core/commit.ts';
import { type Aggregate, isRejection } from '../core/decider.ts';
import { ring } from '../core/deliver.ts';
import type { Deps } from '../core/deps.ts';
import { isDone } from '../core/done.ts';
import { commandName, type Execution, execute } from '../core/execute.ts';
import type { UserId } from '../core/ids.ts';
import { type Stream, streamName } from '../core/keys.ts';
import { raiseRow } from '../core/views.ts';
import { person } from './accounts/person.ts';
import { conversationOf, MatchEvent } from './matching/match.ts';
import { conversation } from './messaging/conversation.ts';
import { OwnershipEvent } from './purchases/ownership.ts';
import { changesOf } from './views.ts';

/** One command that follows from an event. */
export type Step = {
  stream: Stream;
  /** How its commit names it. */
  command: string;
  /** Done before, it does nothing. */
  take: (deps: Deps) => Promise<void>;
  isTaken: (deps: Deps) => Promise<boolean>;
};

/** A reaction's command can't be refused: its cause has happened. */
const follow = async <S, C extends { at: string }, E extends { type: string }, R extends string>(
  deps: Deps,
  aggregate: Aggregate<S, C, E, R>,
  execution: Execution<C>,
): Promise<void> => {
  const done = await execute(deps, aggregate, execution);
  assert(!isRejection(done), `${streamName(execution.stream)} refused a reaction`);
  if (done.fresh && done.commit) await ring(deps, execution.stream, done.commit);
};

const step = <S, C extends { at: string }, E extends { type: string }, R extends string>(
  aggregate: Aggregate<S, C, E, R>,
  execution: Execution<C>,
): Step => ({
  stream: execution.stream,
  command: commandName(execution),
  take: (deps) => follow(deps, aggregate, execution),
  isTaken: (deps) => isDone(deps, aggregate, execution),
});

type Matched = Extract<MatchEvent, { type: 'Matched' }>;
const MATCHED = 'matched:';

const tell = ({ tenant, id }: Stream, me: UserId, other: UserId, at: string): Step =>
  step(person, {
    stream: { tenant, kind: 'person', id: me },
    command: { type: 'TellMatch', person: me, with: other, conversation: conversationOf(me, other), at },
    id: MATCHED + id,
    dedupe: 'receipt',
  });

/** The conversation first: who is told of it finds it there. */
const onMatched = (cause: Stream, { between: [a, b], at }: Matched): Step[][] => {
  const open = step(conversation, {
    stream: { tenant: cause.tenant, kind: 'conversation', id: conversationOf(a, b) },
    command: { type: 'Open', members: [a, b], at },
    id: MATCHED + cause.id,
    dedupe: 'state',
  });
  return [[open], [tell(cause, a, b, at), tell(cause, b, a, at)]];
};

type Told = { to: UserId; now: Extract<OwnershipEvent, { type: 'Claimed' }>['purchase']; is: 'theirs' | 'lost' };
const BOUGHT = 'purchase:';

const tellPurchase = (
  { tenant, id }: Stream,
  v: number,
  { to, now, is }: Told,
  { units, at }: { units: number; at: string },
): Step =>
  step(person, {
    stream: { tenant, kind: 'person', id: to },
    command: {
      ...{ type: 'TellPurchase', person: to, id, asOf: v, product: now.product, units, at },
      ...(is === 'theirs' && { purchase: now }),
    },
    id: `${BOUGHT}${id}@${v}`,
    dedupe: 'receipt',
  });

/** Nobody is told of a purchase that nobody has; its owner will be, of all of it. */
const onPurchase = (cause: Stream, v: number, event: OwnershipEvent): Step[][] => {
  switch (event.type) {
    case 'Assessed':
      return event.owner
        ? [[tellPurchase(cause, v, { to: event.owner, now: event.purchase, is: 'theirs' }, event)]]
        : [];
    case 'Confirmed':
      return [];
    case 'Claimed':
      return [[tellPurchase(cause, v, { to: event.by, now: event.purchase, is: 'theirs' }, event)]];
    case 'Transferred': {
      const { from, to, purchase: now, units, at } = event;
      const lost = tellPurchase(cause, v, { to: from, now, is: 'lost' }, { units: -units, at });
      return [[lost, tellPurchase(cause, v, { to, now, is: 'theirs' }, event)]];
    }
  }
};

const onMatch = (cause: Stream, event: MatchEvent): Step[][] =>
  event.type === 'Matched' ? onMatched(cause, event) : [];

/** The commands that follow from one commit; each list waits for the one before. Pure. */
export const stepsOf = (stream: Stream, { v, events }: Pick<Commit, 'v' | 'events'>): Step[][] => {
  if (stream.kind === 'pair') return events.flatMap((each) => onMatch(stream, MatchEvent.parse(each)));
  if (stream.kind === 'purchase') return events.flatMap((each) => onPurchase(stream, v, OwnershipEvent.parse(each)));
  return [];
};

const causes = [
  { prefix: commandName({ id: MATCHED }), kind: 'pair', end: undefined },
  { prefix: commandName({ id: BOUGHT }), kind: 'purchase', end: '@' },
] as const;

/** The stream that a reaction's command follows from; undefined for who acts by themselves. */
export const causeOf = ({ tenant }: Stream, command: string): Stream | undefined => {
  const cause = causes.find(({ prefix }) => command.startsWith(prefix));
  if (!cause) return undefined;
  const id = command.slice(cause.prefix.length);
  return { tenant, kind: cause.kind, id: cause.end ? id.slice(0, id.lastIndexOf(cause.end)) : id };
};

/** Everything that follows from one commit. */
export const react = async (deps: Deps, stream: Stream, commit: Pick<Commit, 'v' | 'events'>): Promise<void> => {
  for (const steps of stepsOf(stream, commit)) await Promise.all(steps.map(({ take }) => take(deps)));
  await Promise.all(changesOf(stream, commit).map((change) => raiseRow(deps, change)));
};
