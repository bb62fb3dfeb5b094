/** GET /v1/sync?cursor=&limit= — what moved since the cursor; with none, everything a new device needs. */
import { z } from 'zod';
import { toWire } from '../../core/commit.ts';
import type { Deps } from '../../core/deps.ts';
import { readRange } from '../../core/events.ts';
import { inboxState } from '../../core/frames.ts';
import { http } from '../../core/http.ts';
import { type Actor, Version } from '../../core/ids.ts';
import { streamName } from '../../core/keys.ts';
import { Limit } from '../../core/page.ts';
import { readPointers } from '../../core/pointers.ts';
import { problems } from '../../core/problem.ts';
import { eraOf } from '../../core/takeback.ts';
import { stateOf } from '../aggregates.ts';
import { decodeCursor, encodeCursor, type Mark } from './cursor.ts';
import { isTakenBack, type Part, planPage, registersOf } from './plan.ts';

const StreamPart = z.strictObject({
  stream: z.string(),
  /** Where the stream stands; completeness is: the device has every version up to it. */
  v: Version,
  count: z.int(),
  read: z.int(),
  unread: z.int(),
  seen: z.record(z.string(), z.int()),
  muted: z.string().optional(),
  mutes: z.int(),
  /** The state at the newest version given: the device starts with it instead of what it may have. */
  state: z.unknown().optional(),
  events: z.array(z.looseObject({ v: Version, type: z.string() })),
});

const readPart = async (deps: Deps, { user }: Actor, { pointer, anew, from, to }: Part) => {
  const commits = to < from ? [] : await readRange(deps, pointer.stream, { from, to, limit: to - from + 1 });
  const events = commits.flatMap((commit) => toWire(commit, user));
  const newest = commits.at(-1);
  return {
    ...inboxState(pointer),
    ...(anew && newest ? { state: await stateOf(deps, pointer.stream, newest) } : {}),
    events,
  };
};

export const handler = http(
  {
    limit: 'sync',
    query: z.strictObject({ cursor: z.string().max(9000, 'is too long').optional(), limit: Limit(100, 200) }),
    output: z.strictObject({
      /** A restore took back what the device has: it forgets everything before it takes in this page. */
      reset: z.literal(true).optional(),
      streams: z.array(StreamPart),
      more: z.boolean(),
      cursor: z.string(),
    }),
  },
  async ({ query: { cursor, limit }, actor }, deps) => {
    const pointers = await readPointers(deps, actor);
    const names = pointers.map(({ stream }) => streamName(stream));
    const told = cursor === undefined ? undefined : decodeCursor(actor, cursor, names);
    if (cursor !== undefined && !told)
      throw problems.invalid([{ field: 'query.cursor', rule: 'is not a cursor of yours; leave it out to start anew' }]);
    const reset = told !== undefined && isTakenBack(pointers, told);
    const have: Map<string, Mark> = reset ? new Map() : (told?.marks ?? new Map());
    const { parts, more } = planPage(pointers, have, limit);
    const streams = await Promise.all(parts.map((part) => readPart(deps, actor, part)));
    // What is still to come stands in the cursor with version 0, so that streams which share a hash stay countable.
    const marks = new Map(names.map((name) => [name, have.get(name) ?? { v: 0, registers: 0 }]));
    for (const { name, pointer, from, to } of parts)
      marks.set(name, { v: Math.max(to, from - 1), registers: registersOf(pointer) });
    const next = encodeCursor(actor, marks, eraOf(pointers));
    return { ...(reset ? { reset } : {}), streams, more, cursor: next };
  },
);
