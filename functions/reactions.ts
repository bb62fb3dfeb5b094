/**
 * What follows from events in other contexts: what two people make of each other (pairs.ts); a purchase that became something
 * else, or another's → tell who has it and who had it, and list it.
 * Every step is idempotent and derived from its cause, so a repetition after a crash finishes what is missing.
 */
import type { Commit } from '../core/commit.ts';
import type { Deps } from '../core/deps.ts';
import { commandName } from '../core/execute.ts';
import type { UserId } from '../core/ids.ts';
import type { Stream } from '../core/keys.ts';
import { raiseRow } from '../core/views.ts';
import { person } from './accounts/person.ts';
import { followLeaving } from './erasure/follow.ts';
import { JUDGED, onStanding } from './findable.ts';
import { CASE, onCase } from './moderation.ts';
import { onPair, pairCauses } from './pairs.ts';
import { OwnershipEvent } from './purchases/ownership.ts';
import { CaseEvent } from './safety/case.ts';
import { applyStanding } from './standing.ts';
import { type Step, step } from './steps.ts';
import { changesOf } from './views.ts';

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

export type { Step } from './steps.ts';

/** The commands that follow from one commit; each list waits for the one before. Pure. */
export const stepsOf = (stream: Stream, { v, events }: Pick<Commit, 'v' | 'events'>): Step[][] => {
  if (stream.kind === 'pair') return onPair(stream, { v, events });
  if (stream.kind === 'person') return onStanding(stream, { v, events });
  if (stream.kind === 'case') return events.flatMap((each) => onCase(stream, v, CaseEvent.parse(each)));
  if (stream.kind === 'purchase') return events.flatMap((each) => onPurchase(stream, v, OwnershipEvent.parse(each)));
  return [];
};

const causes = [
  ...Object.values(pairCauses).map((name) => ({ prefix: commandName({ id: name }), kind: 'pair' as const })),
  { prefix: commandName({ id: BOUGHT }), kind: 'purchase' as const },
  { prefix: commandName({ id: CASE }), kind: 'case' as const },
  { prefix: commandName({ id: JUDGED }), kind: 'person' as const },
];
/** What follows the stream's id says what of it was the cause; a pair's first match needs none. */
const END = '@';

/** The stream that a reaction's command follows from; undefined for who acts by themselves. */
export const causeOf = ({ tenant }: Stream, command: string): Stream | undefined => {
  const cause = causes.find(({ prefix }) => command.startsWith(prefix));
  if (!cause) return undefined;
  const id = command.slice(cause.prefix.length);
  return { tenant, kind: cause.kind, id: id.includes(END) ? id.slice(0, id.lastIndexOf(END)) : id };
};

/** Everything that follows from one commit. */
export const react = async (deps: Deps, stream: Stream, commit: Pick<Commit, 'v' | 'events'>): Promise<void> => {
  for (const steps of stepsOf(stream, commit)) await Promise.all(steps.map(({ take }) => take(deps)));
  await Promise.all(changesOf(stream, commit).map((change) => raiseRow(deps, change)));
  await applyStanding(deps, stream, commit);
  await followLeaving(deps, stream, commit);
};
