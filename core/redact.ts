/**
 * The one sanctioned change of what was committed: taking a person's words out of it. Type, version, ids and counts stay, so
 * that everybody's streams stay whole; only the eraser's role may do it.
 */
import { assert } from './assert.ts';
import type { Commit } from './commit.ts';
import { isRefused } from './ddb.ts';
import type { Deps } from './deps.ts';
import { readRange } from './events.ts';
import type { UserId } from './ids.ts';
import { canonicalJson } from './json.ts';
import { type Stream, streamName, versionKey } from './keys.ts';

const ATTEMPTS = 5;

/** What is left of a commit; the same commit when nothing goes. */
export type Leave = (commit: Commit) => Commit;

/** A key that an app made up may say anything, and a hash of a few words can be guessed. */
export const anonymous = (commit: Commit, who: UserId): Commit =>
  commit.by === who ? { ...commit, command: `${who}/erased@${commit.v}`, asked: '' } : commit;

const isSame = (a: Commit, b: Commit): boolean => canonicalJson(a) === canonicalJson(b);

/** It holds only while nobody else took words out of the same commit. @returns whether it was done */
const write = async ({ ddb, env }: Deps, stream: Stream, before: Commit, after: Commit): Promise<boolean> => {
  const { redacted = 0 } = before;
  const result = await ddb.update({
    TableName: env.EVENTS_TABLE,
    Key: versionKey(stream, before.v),
    UpdateExpression:
      'SET #events = :events, #state = :state, #reducer = :reducer, #asked = :asked, #command = :command, #redacted = :next',
    ConditionExpression:
      redacted === 0 ? 'attribute_exists(#pk) AND attribute_not_exists(#redacted)' : '#redacted = :is',
    ExpressionAttributeNames: {
      ...{ '#events': 'events', '#state': 'state', '#reducer': 'reducer', '#asked': 'asked', '#command': 'command' },
      ...{ '#redacted': 'redacted', ...(redacted === 0 && { '#pk': 'pk' }) },
    },
    ExpressionAttributeValues: {
      ...{ ':events': after.events, ':state': after.state, ':reducer': after.reducer },
      ...{ ':asked': after.asked, ':command': after.command },
      ...{ ':next': redacted + 1, ...(redacted > 0 && { ':is': redacted }) },
    },
  });
  return !isRefused(result);
};

/**
 * Takes words out of one commit, as often as somebody else does so at the same time.
 * @returns what is there now
 */
export const redact = async (deps: Deps, stream: Stream, commit: Commit, leave: Leave): Promise<Commit> => {
  let before = commit;
  for (let tries = 0; tries < ATTEMPTS; tries++) {
    const after = leave(before);
    if (isSame(before, after)) return before;
    if (await write(deps, stream, before, after)) return { ...after, redacted: (before.redacted ?? 0) + 1 };
    const [now] = await readRange(deps, stream, { from: commit.v, to: commit.v, limit: 1 });
    assert(now, `${streamName(stream)}@${commit.v} is gone`);
    before = now;
  }
  throw new Error(`${streamName(stream)}@${commit.v} does not hold still`);
};
