/** Fills a person's inbox with quiet conversations, by direct writes: thousands in seconds. */
import { Commit } from '../core/commit.ts';
import { makeDeps } from '../core/deps.ts';
import { append } from '../core/events.ts';
import { ConversationId, digest, TenantId, UserId } from '../core/ids.ts';
import { pointerKey, type Stream, streamName } from '../core/keys.ts';
import { parsePointer } from '../core/pointers.ts';

const WIDTH = 16;
const DEVICES = ['3f0f8a52-6f0f-4a59-8a3e-7f5f5a2f1a11', 'b1b6a9ce-5a0e-4f0c-9d52-0c4e1f9b2c22'];
const at = '2026-01-01T00:00:00.000Z';

/** A conversation that was opened and said one thing, which everyone read and both of one's devices acknowledged. */
const quiet = (person: UserId, index: number) => {
  const other = UserId.parse(`friend-${index}-of-${person}`);
  const tenant = TenantId.parse('demo');
  const id = ConversationId.parse(`cnv_${digest(person, other)}`);
  const stream: Stream = { tenant, kind: 'conversation', id };
  const members = [person, other];
  const text = 'See you tomorrow at eight, same place as last time.';
  const commit = Commit.parse({
    ...{ kind: stream.kind, v: 1, command: `${other}:seed`, asked: 'seed', by: other, at, reducer: 1, count: 1 },
    events: [
      { type: 'Opened', members, at },
      { type: 'Sent', id: `msg_${digest(id)}`, number: 1, by: other, text, at },
    ],
    state: { status: 'open', members, messages: 1 },
    // The other one's pointer is not what is measured.
    audience: [person],
  });
  const pointer = {
    ...pointerKey(person, stream),
    ...{ tenant, person, stream: streamName(stream), v: 1, count: 1, read: 1, at, [`seen:${other}`]: 1 },
    ...Object.fromEntries(DEVICES.map((device) => [`ack:${device}`, 1])),
  };
  return { stream, commit, pointer };
};

/** Adds the streams `from` (0 is the first) to `to` of a person; the booted system's environment is bound. */
export const fillInbox = async (user: string, from: number, to: number): Promise<void> => {
  const deps = makeDeps({ read: 0, write: 0 });
  const person = UserId.parse(user);
  let next = from;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < to; index = next++) {
      const { stream, commit, pointer } = quiet(person, index);
      parsePointer(pointer);
      await deps.ddb.put({ TableName: deps.env.INBOX_TABLE, Item: pointer });
      await append(deps, stream, commit);
    }
  };
  await Promise.all(Array.from({ length: WIDTH }, worker));
};
