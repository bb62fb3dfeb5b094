/** What a person leaves behind with others, for the eraser: a root file, since it leads into every context. */
import { assert } from '../core/assert.ts';
import type { Commit } from '../core/commit.ts';
import { isRejection } from '../core/decider.ts';
import { ring } from '../core/deliver.ts';
import type { Deps } from '../core/deps.ts';
import { readNewest } from '../core/events.ts';
import { execute } from '../core/execute.ts';
import type { Actor, UserId } from '../core/ids.ts';
import { type Key, type Stream, streamName } from '../core/keys.ts';
import { load } from '../core/load.ts';
import { parseStandingKey } from '../core/safety-keys.ts';
import { PersonEvent, person } from './accounts/person.ts';
import { stateOf } from './aggregates.ts';
import { match, pairId } from './matching/match.ts';
import { conversation } from './messaging/conversation.ts';
import { applyStanding } from './standing.ts';
import { changesOf, views } from './views.ts';

/** Streams that are one person's own, in which nobody else says anything; the one that says whom they know last. */
export const ownStreams = ({ tenant, user }: Actor): Stream[] => [
  { tenant, kind: 'profile', id: user },
  { tenant, kind: 'person', id: user },
];

export const pairOf = ({ tenant, user }: Actor, other: UserId): Stream => ({
  ...{ tenant, kind: 'pair' },
  id: pairId(user, other),
});
export const pairViews: readonly string[] = views.filter(({ kind }) => kind === 'pair').map(({ name }) => name);

/**
 * Ends a conversation for both: `close`, so that nothing is said in it any more; `tell`, so that devices drop what they wrote. Said
 * again, it changes nothing.
 */
export const endConversation = async (
  deps: Deps,
  { user }: Actor,
  stream: Stream,
  what: 'close' | 'tell',
): Promise<void> => {
  const at = deps.now().toISOString();
  const command =
    what === 'close' ? ({ type: 'Close', why: 'erased', at } as const) : ({ type: 'Erase', by: user, at } as const);
  const id = `erasure:${what}:${user}`;
  const done = await execute(deps, conversation, { stream, command, id, dedupe: 'state' });
  assert(!isRejection(done), `${streamName(stream)} refused an erasure`);
  if (done.fresh && done.commit) await ring(deps, stream, done.commit);
};

/** Was all of that done? */
export const hasLeft = async (deps: Deps, { user }: Actor, stream: Stream): Promise<boolean> => {
  const { state } = await load(deps, conversation, stream);
  return state.status === 'closed' && state.gone?.includes(user) === true;
};

/** Whatever was between two people ends, and nothing begins again: as by a block that nobody can lift. */
export const endPair = async (deps: Deps, actor: Actor, other: UserId): Promise<void> => {
  const stream = pairOf(actor, other);
  const at = deps.now().toISOString();
  const command = { type: 'Block', by: actor.user, about: other, gone: true, at } as const;
  const done = await execute(deps, match, { stream, command, id: `erasure:${actor.user}`, dedupe: 'state' });
  assert(!isRejection(done), `${streamName(stream)} refused an erasure`);
};

/** What their own stream says of it: said again, nothing. What follows from it is applied at once. */
export const sayLeaving = async (
  deps: Deps,
  { tenant, user }: Actor,
  type: 'BeginErasure' | 'EndErasure',
): Promise<void> => {
  const stream: Stream = { tenant, kind: 'person', id: user };
  const command = { type, person: user, at: deps.now().toISOString() };
  const done = await execute(deps, person, { stream, command, id: `erasure:${type}`, dedupe: 'state' });
  assert(!isRejection(done), 'nobody is kept from leaving');
  if (type === 'EndErasure') return;
  // Nothing but its end comes after the beginning, so it is one of the newest two.
  for (const commit of await readNewest(deps, stream, 2)) await applyStanding(deps, stream, commit);
};

/** What they are by now, as their own stream says. */
export const stateOfOwn = async (deps: Deps, stream: Stream): Promise<unknown> => {
  const [head] = await readNewest(deps, stream, 1);
  return head && stateOf(deps, stream, head);
};

/** Conversations that a commit of their own stream leads to. */
export const conversationsIn = ({ tenant }: Actor, { kind }: Stream, { events }: Commit): Stream[] =>
  (kind === 'person' ? events : []).flatMap((each): Stream[] => {
    const event = PersonEvent.parse(each);
    return event.type === 'MatchMade' ? [{ tenant, kind: 'conversation', id: event.conversation }] : [];
  });

/** Rows by which others find them, from a commit that still has its words; who they are not any more stays written. */
export const rowsFrom = (stream: Stream, commit: Commit): Key[] => {
  const keys = changesOf(stream, commit).map(({ key }) => key);
  const all = new Map(keys.filter((key) => !parseStandingKey(key)).map((key) => [`${key.pk} ${key.sk}`, key]));
  return [...all.values()];
};
