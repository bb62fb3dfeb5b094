/** Takes a person's words out of one stream, a page at a time, from where the last walk of it stopped. */

import type { Commit } from '../../core/commit.ts';
import type { Deps } from '../../core/deps.ts';
import { readRange } from '../../core/events.ts';
import type { Actor } from '../../core/ids.ts';
import { type Stream, streamName } from '../../core/keys.ts';
import { redact } from '../../core/redact.ts';
import { readings, stateOf } from '../aggregates.ts';
import { leave } from '../words.ts';
import { markWalked, readErasure } from './open.ts';

const PAGE = 50;

/** Before a commit loses its words: what else follows from them goes first. */
export type Look = (commit: Commit) => Promise<void>;
const nothing: Look = async () => undefined;

/** The state at a version, 0 for none. */
const stateBefore = async (deps: Deps, stream: Stream, v: number): Promise<unknown> => {
  const [commit] = v === 0 ? [] : await readRange(deps, stream, { from: v, to: v, limit: 1 });
  return commit ? stateOf(deps, stream, commit) : readings[stream.kind].initial;
};

/** Yields after each page; nothing of a commit that has none of their words is written. */
export async function* redactStream(deps: Deps, actor: Actor, stream: Stream, look = nothing): AsyncGenerator<void> {
  const name = streamName(stream);
  const walked = (await readErasure(deps, actor))?.walked;
  let v = walked?.stream === name ? walked.v : 0;
  for (;;) {
    let state = await stateBefore(deps, stream, v);
    const page = await readRange(deps, stream, { from: v + 1, limit: PAGE });
    for (const commit of page) {
      await look(commit);
      const left = await redact(deps, stream, commit, leave(stream, actor.user, state));
      state = left.state;
      v = left.v;
    }
    if (page.length < PAGE) return;
    await markWalked(deps, actor, { stream: name, v });
    yield;
  }
}
