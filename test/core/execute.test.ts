/** The event store's contract and the command loop's promises, on the real engine, with faults where the SDK would have them. */
import { describe, expect, test } from 'vitest';
import type { Command, Send } from '../../core/ddb.ts';
import { isRejection } from '../../core/decider.ts';
import { type Deps, makeDeps, ports } from '../../core/deps.ts';
import { append, readNewest, readRange } from '../../core/events.ts';
import { execute } from '../../core/execute.ts';
import type { UserId } from '../../core/ids.ts';
import { receiptKey, type Stream } from '../../core/keys.ts';
import { type Dedupe, WINDOW } from '../../core/look.ts';
import { Problem } from '../../core/problem.ts';
import { conversation } from '../../functions/messaging/conversation.ts';
import { ada, at, ben, cleo, demo } from '../people.ts';
import { useWorld } from '../world.ts';

useWorld();

type Fault = (command: Command, send: Send) => ReturnType<Send>;
/** Dependencies whose writes go through a fault; nothing waits. */
const deps = (fault: Fault = (command, send) => send(command)): Deps =>
  makeDeps(
    { read: 0, write: 0 },
    {
      ...ports,
      log: () => undefined,
      sleep: async () => undefined,
      send: (command) =>
        command.constructor.name === 'PutCommand' || command.constructor.name === 'TransactWriteCommand'
          ? fault(command, ports.send)
          : ports.send(command),
    },
  );
const lost = () => Object.assign(new Error('the connection broke'), { name: 'TimeoutError' });
const throttled = () => Object.assign(new Error('slow down'), { name: 'ThrottlingException' });

let streams = 0;
const opened = async (): Promise<Stream> => {
  const stream: Stream = { tenant: demo, kind: 'conversation', id: `cnv_${++streams}` };
  await execute(deps(), conversation, {
    stream,
    command: { type: 'Open', members: [ada, ben], at },
    id: 'open',
    dedupe: 'state',
  });
  return stream;
};
type Said = { by?: UserId; text?: string; dedupe?: Dedupe; with?: Deps };
const say = async (
  stream: Stream,
  id: string,
  { by = ada, text = 'hello', dedupe = { after: 1 }, with: using = deps() }: Said = {},
) => {
  const done = await execute(using, conversation, {
    stream,
    command: { type: 'Send', id: `msg_${by}_${id}`, by, text, at },
    id,
    by,
    dedupe,
  });
  if (isRejection(done)) throw new Error(`rejected: ${done.rejected}`);
  return done;
};
const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'done',
    (error: unknown) => (error instanceof Problem ? error.init.code : String(error)),
  );
const history = (stream: Stream) => readRange(deps(), stream, { from: 1, limit: 5000 });
const commands = async (stream: Stream) => (await history(stream)).map(({ command }) => command).slice(1);

describe('the event store', () => {
  test('appends under a version once, and shows what is there to whoever comes second', async () => {
    const stream = await opened();
    const [first] = await history(stream);
    if (!first) throw new Error('nothing was appended');
    const second = { ...first, v: 2, command: 'a' };
    expect(await append(deps(), stream, second)).toBeUndefined();
    expect(await append(deps(), stream, { ...second, command: 'b' })).toMatchObject({ v: 2, command: 'a' });
    expect((await history(stream)).map(({ command }) => command)).toEqual([first.command, 'a']);
  });
  test('lets one of fifty racing appends win', async () => {
    const stream = await opened();
    const [first] = await history(stream);
    if (!first) throw new Error('nothing was appended');
    const results = await Promise.all(
      Array.from({ length: 50 }, (_, i) => append(deps(), stream, { ...first, v: 2, command: `c${i}` })),
    );
    expect(results.filter((there) => there === undefined)).toHaveLength(1);
    expect(await history(stream)).toHaveLength(2);
  });
  test('reads ranges in order over the database’s pages, and the newest first', async () => {
    const stream = await opened();
    const [first] = await history(stream);
    if (!first) throw new Error('nothing was appended');
    const padded = { ...first, events: [{ ...first.events[0], type: 'Opened', padding: 'x'.repeat(100_000) }] };
    for (let v = 2; v <= 30; v++) await append(deps(), stream, { ...padded, v });
    expect((await history(stream)).map(({ v }) => v)).toEqual(Array.from({ length: 30 }, (_, i) => i + 1));
    expect((await readRange(deps(), stream, { from: 9, to: 12, limit: 3 })).map(({ v }) => v)).toEqual([9, 10, 11]);
    expect((await readNewest(deps(), stream, 3)).map(({ v }) => v)).toEqual([30, 29, 28]);
    expect((await readNewest(deps(), stream, 2, 10)).map(({ v }) => v)).toEqual([10, 9]);
  });
});

describe('a command', () => {
  test('is done once however often it is sent, and answered with its first result', async () => {
    const stream = await opened();
    const first = await say(stream, 'k');
    await say(stream, 'other', { by: ben });
    expect(await say(stream, 'k')).toMatchObject({ v: first.v, fresh: false, state: { messages: 1 } });
    expect(await commands(stream)).toEqual([`${ada}/k`, `${ben}/other`]);
  });
  test('is done once also when its retry wrongly renewed `after`', async () => {
    const stream = await opened();
    await say(stream, 'k');
    await say(stream, 'other', { by: ben });
    expect(await say(stream, 'k', { dedupe: { after: 3 } })).toMatchObject({ v: 2, fresh: false });
    expect(await commands(stream)).toEqual([`${ada}/k`, `${ben}/other`]);
  });
  test('may have the same id as another person’s', async () => {
    const stream = await opened();
    await say(stream, 'k');
    await say(stream, 'k', { by: ben });
    expect(await commands(stream)).toEqual([`${ada}/k`, `${ben}/k`]);
  });
  test('is refused when its id named something else', async () => {
    const stream = await opened();
    await say(stream, 'k');
    expect(await codeOf(say(stream, 'k', { text: 'something else' }))).toBe('idempotency-key-reused');
  });
  test('is refused when it was made against a version that does not exist', async () => {
    const stream = await opened();
    for (const after of [2, 600, Number.MAX_SAFE_INTEGER])
      expect(await codeOf(say(stream, 'k', { dedupe: { after } }))).toBe('after-unknown');
    expect(await commands(stream)).toEqual([]);
  });
  test('of a stranger is refused by the rule alone, whatever it was made against, there or not', async () => {
    const nowhere: Stream = { tenant: demo, kind: 'conversation', id: 'cnv_nowhere' };
    for (const stream of [await opened(), nowhere])
      for (const after of [0, 1, 2, 600])
        await expect(say(stream, 'k', { by: cleo, dedupe: { after } })).rejects.toThrow('rejected: not-found');
  });
  test('lands on dense versions when twenty come at once', async () => {
    const stream = await opened();
    await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        codeOf(say(stream, `k${i}`, { with: makeDeps({ read: 0, write: 0 }, { ...ports, log: () => undefined }) })),
      ),
    );
    const all = await history(stream);
    expect(all.map(({ v }) => v)).toEqual(all.map((_, i) => i + 1));
    expect(new Set(all.map(({ command }) => command)).size).toBe(all.length);
  });
  test('is found at any age, and told to sync when it is not there and the stream is far ahead', async () => {
    const stream = await opened();
    await say(stream, 'early');
    const [, early] = await history(stream);
    if (!early) throw new Error('nothing was appended');
    const later = Array.from({ length: WINDOW }, (_, i) => ({
      ...early,
      v: i + 3,
      command: `${ben}/${i}`,
      count: i + 2,
      state: { status: 'open', members: [ada, ben], messages: i + 2 },
    }));
    // Not all at once: on a busy machine the last would wait past their deadline.
    for (let i = 0; i < WINDOW; i += 50)
      await Promise.all(later.slice(i, i + 50).map((commit) => append(deps(), stream, commit)));
    expect(await say(stream, 'early')).toMatchObject({ v: 2, fresh: false });
    expect(await codeOf(say(stream, 'late'))).toBe('stale');
    expect(await say(stream, 'late', { dedupe: { after: 2 } })).toMatchObject({ v: WINDOW + 3, fresh: true });
    expect(await say(stream, 'late', { dedupe: { after: 2 } })).toMatchObject({ v: WINDOW + 3, fresh: false });
  });
});

describe('when the database does not answer, a command', () => {
  test.each(['before', 'after'] as const)('is done once when the answer is lost %s the write', async (when) => {
    const stream = await opened();
    let failures = 2;
    const using = deps(async (command, send) => {
      if (failures-- <= 0) return send(command);
      if (when === 'after') await send(command);
      throw lost();
    });
    expect(await say(stream, 'k', { with: using })).toMatchObject({ v: 2, state: { messages: 1 } });
    expect(await commands(stream)).toEqual([`${ada}/k`]);
  });
  test('is done once when its first write lands late, after another’s came in between', async () => {
    const stream = await opened();
    let late: (() => Promise<unknown>) | undefined;
    const using = deps(async (command, send) => {
      if (late) return send(command);
      late = () => send(command).catch((error: Error) => error.name);
      await say(stream, 'between', { by: ben });
      throw lost();
    });
    expect(await say(stream, 'k', { with: using })).toMatchObject({ v: 3 });
    expect(await late?.()).toBe('ConditionalCheckFailedException');
    expect(await commands(stream)).toEqual([`${ben}/between`, `${ada}/k`]);
  });
  test('takes its own late write for its own, not for a conflict', async () => {
    const stream = await opened();
    let first: Command | undefined;
    const using = deps(async (command, send) => {
      if (!first) {
        first = command;
        throw lost();
      }
      // The first attempt lands just before the second.
      await send(first);
      return send(command);
    });
    expect(await say(stream, 'k', { with: using })).toMatchObject({ v: 2, fresh: false });
    expect(await commands(stream)).toEqual([`${ada}/k`]);
  });
  test('fails as busy, with nothing written, when it is always throttled', async () => {
    const stream = await opened();
    expect(await codeOf(say(stream, 'k', { with: deps(async () => Promise.reject(throttled())) }))).toBe('busy');
    expect(await commands(stream)).toEqual([]);
  });
  test('says that it does not know when it can not know', async () => {
    const stream = await opened();
    expect(await codeOf(say(stream, 'k', { with: deps(async () => Promise.reject(lost())) }))).toBe('outcome-unknown');
    expect(await say(stream, 'k')).toMatchObject({ v: 2, fresh: true });
  });
});

describe('a command that can not know what it was made against', () => {
  test('is done once by its receipt, however far the stream is', async () => {
    const stream = await opened();
    const first = await say(stream, 'cause', { dedupe: 'receipt' });
    for (let i = 0; i < 5; i++) await say(stream, `k${i}`);
    expect(await say(stream, 'cause', { dedupe: 'receipt' })).toMatchObject({ v: first.v, fresh: false });
    expect(await commands(stream)).toHaveLength(6);
  });
  test('is not taken for done by a receipt that names another’s commit, as a restore can leave one', async () => {
    const stream = await opened();
    await say(stream, 'other');
    const { ddb, env } = deps();
    await ddb.put({ TableName: env.EVENTS_TABLE, Item: { ...receiptKey(stream, `${ada}/cause`), v: 2 } });
    expect(await codeOf(say(stream, 'cause', { dedupe: 'receipt' }))).toBe('outcome-unknown');
    expect(await commands(stream)).toEqual([`${ada}/other`]);
  });
  test('is done once when ten of the same come at once and answers are lost', async () => {
    const stream = await opened();
    let sends = 0;
    const using = () =>
      deps(async (command, send) => {
        const output = await send(command);
        if (++sends % 2 === 0) throw lost();
        return output;
      });
    await Promise.all(
      Array.from({ length: 10 }, () => codeOf(say(stream, 'cause', { dedupe: 'receipt', with: using() }))),
    );
    expect(await commands(stream)).toEqual([`${ada}/cause`]);
  });
  test('decides nothing when the state holds its effect already', async () => {
    const stream = await opened();
    const again = await execute(deps(), conversation, {
      stream,
      command: { type: 'Open', members: [ada, ben], at },
      id: 'another',
      dedupe: 'state',
    });
    expect(again).toMatchObject({ v: 1, fresh: false, commit: undefined });
  });
});

describe('the state that a commit carries', () => {
  test('is folded again when another version of the reducer made it', async () => {
    const stream = await opened();
    await say(stream, 'k1');
    const other = conversation.reducer + 1;
    const older = { ...conversation, reducer: other, alsoReads: [] };
    const done = await execute(deps(), older, {
      stream,
      command: { type: 'Send', id: 'msg_2', by: ben, text: 'hi', at },
      id: 'k2',
      by: ben,
      dedupe: { after: 2 },
    });
    expect(done).toMatchObject({ v: 3, state: { status: 'open', messages: 2 } });
    expect((await history(stream)).map(({ reducer }) => reducer)).toEqual([other - 1, other - 1, other]);
  });
});
