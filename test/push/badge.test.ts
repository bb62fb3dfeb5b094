/** The badge is what a person has not read, over all of their conversations, whatever happened before. */
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { isRejection } from '../../core/decider.ts';
import { deliver } from '../../core/deliver.ts';
import { execute } from '../../core/execute.ts';
import type { UserId } from '../../core/ids.ts';
import type { Stream } from '../../core/keys.ts';
import { streamName } from '../../core/keys.ts';
import { mute } from '../../core/mute.ts';
import { raiseRegister, readMark } from '../../core/pointers.ts';
import { conversation } from '../../functions/messaging/conversation.ts';
import { attemptPush } from '../../functions/push/attempt.ts';
import { badgeOf } from '../../functions/push/decide.ts';
import { PushJob } from '../../functions/push/jobs.ts';
import { bindEnvironment } from '../memory.ts';
import { ada, at, ben, cleo, demo, phone } from '../people.ts';
import { createStage } from './stage.ts';

beforeAll(bindEnvironment);

const others = [ada, cleo] as const;
const streams = others.map(
  (other): Stream => ({ tenant: demo, kind: 'conversation', id: `cnv_${other.padEnd(22, 'y')}` }),
);

/** `with` is the place of a conversation; `upTo` may be more than there is. */
const Step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('send' as const), with: fc.nat(1), isOwn: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('read' as const), with: fc.nat(1), upTo: fc.nat(6) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('mute' as const), with: fc.nat(1), isOn: fc.boolean() }) },
  // The stream rings late, again, and of what is long past.
  { weight: 1, arbitrary: fc.record({ do: fc.constant('ring' as const), with: fc.nat(1), of: fc.nat(5) }) },
);
type Step = typeof Step extends fc.Arbitrary<infer S> ? S : never;

/** Every message, by who wrote it, and how far Ben read: unread is what stands behind. */
const createModel = () => {
  const all = streams.map(() => ({ authors: [] as UserId[], read: 0 }));
  return {
    sent: (place: number, by: UserId) => {
      const said = all[place];
      said?.authors.push(by);
      if (said && by === ben) said.read = said.authors.length;
    },
    read: (place: number, upTo: number) => {
      const said = all[place];
      // What is not there can't be read.
      if (said && upTo <= said.authors.length) said.read = Math.max(said.read, upTo);
    },
    unread: () => all.reduce((sum, { authors, read }) => sum + authors.slice(read).length, 0),
  };
};

const createWorld = async () => {
  const stage = await createStage();
  const { deps } = stage;
  for (const [place, stream] of streams.entries()) {
    const command = { type: 'Open' as const, members: [others[place] ?? ada, ben], at };
    const done = await execute(deps, conversation, { stream, command, id: 'open', dedupe: 'state' });
    if (!isRejection(done) && done.commit) await deliver(deps, stream, done.commit);
  }
  const commits = streams.map((): Parameters<typeof deliver>[2][] => []);
  let ids = 0;
  const send = async (place: number, by: UserId): Promise<PushJob | undefined> => {
    const [stream, id] = [streams[place], String(++ids)];
    if (!stream) return undefined;
    const command = { type: 'Send' as const, id: `msg_${id}`, by, text: 'hi', at: deps.now().toISOString() };
    const done = await execute(deps, conversation, { stream, command, id, by, dedupe: { after: 1 } });
    if (isRejection(done) || !done.commit) throw new Error('it was not sent');
    commits[place]?.push(done.commit);
    await deliver(deps, stream, done.commit);
    return PushJob.parse({ tenant: demo, person: ben, device: phone, stream: streamName(stream), v: done.v });
  };
  return { ...stage, send, commits };
};
type World = Awaited<ReturnType<typeof createWorld>>;

/** @returns the push that follows, if somebody else wrote */
const take = async ({ deps, send, commits }: World, model: ReturnType<typeof createModel>, step: Step) => {
  const stream = streams[step.with];
  const by = others[step.with];
  if (!stream || !by) return undefined;
  switch (step.do) {
    case 'send': {
      model.sent(step.with, step.isOwn ? ben : by);
      return send(step.with, step.isOwn ? ben : by);
    }
    case 'read':
      await raiseRegister(deps, ben, stream, readMark, step.upTo);
      model.read(step.with, step.upTo);
      return undefined;
    case 'mute':
      await mute(deps, ben, stream, step.isOn ? 'forever' : undefined);
      return undefined;
    case 'ring': {
      const commit = commits[step.with]?.[step.of];
      if (commit) await deliver(deps, stream, commit);
      return undefined;
    }
  }
};

describe('the badge', () => {
  test(
    'is the sum of what is unread in each conversation, after any history',
    () =>
      fc.assert(
        fc.asyncProperty(fc.array(Step, { maxLength: 30 }), async (steps) => {
          const world = await createWorld();
          await world.register(phone, 'ben');
          const model = createModel();
          for (const step of steps) {
            const job = await take(world, model, step);
            expect(await badgeOf(world.deps, demo, ben)).toBe(model.unread());
            if (!job) continue;
            world.clock.now += 60_000;
            const before = world.pushes.length;
            await attemptPush(world.deps, job);
            for (const { content } of world.pushes.slice(before))
              expect(content).toMatchObject({ type: 'show', badge: model.unread() });
          }
        }),
        { numRuns: 60, interruptAfterTimeLimit: 5000 },
      ),
    30_000,
  );
});
