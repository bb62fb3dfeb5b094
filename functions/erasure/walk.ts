/**
 * The walk of an erasure: everywhere where a person is, in an order in which what leads to the rest goes last. Each piece may be done
 * again, and who comes again finds what is left; so it may stop after any of them.
 */
import { clear, firstRows, removeRows } from '../../core/clear.ts';
import { deckKey } from '../../core/deck-keys.ts';
import type { Deps } from '../../core/deps.ts';
import { readRows } from '../../core/devices.ts';
import { askedOf, budgetsOf, limitsOf } from '../../core/erasure-keys.ts';
import { type Actor, UserId } from '../../core/ids.ts';
import { inboxKey, parseViewKey, pointerKey, type Stream } from '../../core/keys.ts';
import { readPointers } from '../../core/pointers.ts';
import {
  conversationsIn,
  endConversation,
  endPair,
  hasLeft,
  ownStreams,
  pairOf,
  pairViews,
  rowsFrom,
} from '../leaving.ts';
import { logOutEverywhere } from '../logout.ts';
import { rewriteBatches } from './batches.ts';
import { removeExports } from './exported.ts';
import { redactStream } from './stream.ts';

type Pieces = AsyncGenerator<void>;

/** Their addresses have no owner from then on; tombstones, whose ids an app may have made of names, go too. */
async function* endDevices(deps: Deps, actor: Actor): Pieces {
  const { DEVICES_TABLE } = deps.env;
  await logOutEverywhere(deps, actor);
  const rows = await readRows(deps, actor.tenant, actor.user, { consistent: true });
  for (const { device } of rows) yield* clear(deps, DEVICES_TABLE, budgetsOf(actor.tenant, actor.user, device));
  yield* clear(deps, DEVICES_TABLE, inboxKey(actor.tenant, actor.user));
  yield* clear(deps, DEVICES_TABLE, askedOf(actor.tenant, actor.user));
}

/** Nothing can be said in it any more; then what they said goes; then the others are told, who drop it. */
async function* leaveConversation(deps: Deps, actor: Actor, stream: Stream): Pieces {
  await endConversation(deps, actor, stream, 'close');
  yield* redactStream(deps, actor, stream);
  await endConversation(deps, actor, stream, 'tell');
  yield;
}

/** A pointer goes when its conversation is done with: those that are there say what is left. */
async function* leaveConversations(deps: Deps, actor: Actor): Pieces {
  const { INBOX_TABLE } = deps.env;
  for (const { stream, v } of await readPointers(deps, { ...actor, kind: 'conversation' })) {
    if (v > 0) yield* leaveConversation(deps, actor, stream);
    await removeRows(deps, INBOX_TABLE, [pointerKey(actor.user, stream)]);
    yield;
  }
}

/** The rows of their read models say with whom they had to do; they go when that pair is done with. */
async function* leavePairs(deps: Deps, actor: Actor): Pieces {
  const { VIEWS_TABLE } = deps.env;
  const pk = inboxKey(actor.tenant, actor.user);
  for (;;) {
    const rows = await firstRows(deps, VIEWS_TABLE, pk);
    if (rows.length === 0) return;
    const others = new Set<UserId>();
    for (const { sk } of rows) {
      const row = parseViewKey({ pk, sk: String(sk) });
      const other = row && pairViews.includes(row.view) ? UserId.safeParse(row.id) : undefined;
      if (other?.success) others.add(other.data);
    }
    for (const other of others) {
      yield* redactStream(deps, actor, pairOf(actor, other));
      await endPair(deps, actor, other);
      yield;
    }
    await removeRows(deps, VIEWS_TABLE, rows);
    yield;
  }
}

/** Their own streams, and what only these lead to: rows where others looked for them, and conversations without a pointer. */
async function* forgetSelf(deps: Deps, actor: Actor): Pieces {
  const { VIEWS_TABLE } = deps.env;
  for (const stream of ownStreams(actor)) {
    const found: Stream[] = [];
    yield* redactStream(deps, actor, stream, async (commit) => {
      found.push(...conversationsIn(actor, stream, commit));
      await removeRows(deps, VIEWS_TABLE, rowsFrom(stream, commit));
    });
    for (const each of found) if (!(await hasLeft(deps, actor, each))) yield* leaveConversation(deps, actor, each);
  }
}

/** Everything; what is left afterwards is the row that says so. */
export async function* walk(deps: Deps, actor: Actor): Pieces {
  const { INBOX_TABLE, TRAIL_TABLE } = deps.env;
  const pk = inboxKey(actor.tenant, actor.user);
  yield* endDevices(deps, actor);
  yield* leaveConversations(deps, actor);
  yield* leavePairs(deps, actor);
  yield* forgetSelf(deps, actor);
  yield* clear(deps, INBOX_TABLE, pk);
  yield* clear(deps, TRAIL_TABLE, pk);
  yield* clear(deps, TRAIL_TABLE, limitsOf(actor.tenant, actor.user));
  yield* clear(deps, TRAIL_TABLE, deckKey(actor.tenant, actor.user).pk);
  yield* removeExports(deps, actor);
  yield* rewriteBatches(deps, actor);
}
