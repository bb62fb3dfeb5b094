/**
 * A push goes to who holds the address as it leaves: not after a logout, another's registration, or a provider's word that
 * it is dead, in whatever order the steps of all of these come.
 */
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { type Deps, makeDeps, ports } from '../../core/deps.ts';
import { readDevice } from '../../core/devices.ts';
import type { UserId } from '../../core/ids.ts';
import { removeDevice } from '../../functions/push/addresses.ts';
import { attemptPush } from '../../functions/push/attempt.ts';
import type { PushJob } from '../../functions/push/jobs.ts';
import type { Outcome } from '../../functions/push/provider.ts';
import { bindEnvironment } from '../memory.ts';
import { ben, cleo, demo, phone } from '../people.ts';
import { createProcesses, type Fate, fates, turns } from './processes.ts';
import { createStage, token } from './stage.ts';

beforeAll(bindEnvironment);

const Said = fc.constantFrom('sent', 'later', 'dead', 'dead now', 'dead long ago');
type Said = typeof Said extends fc.Arbitrary<infer S> ? S : never;
const answerOf = (said: Said, now: number): Outcome => {
  const gone = { result: 'gone', reason: '410 Unregistered' } as const;
  switch (said) {
    case 'sent':
      return { result: 'sent', id: 'sent' };
    case 'later':
      return { result: 'later', patience: 'flooded', reason: '429 TooManyRequests' };
    case 'dead':
      return { ...gone, reason: '400 BadDeviceToken' };
    case 'dead now':
      return { ...gone, since: now };
    case 'dead long ago':
      return { ...gone, since: 0 };
  }
};

/** What Ben and Cleo were told of the one phone that both sign in on: is it surely not Ben's any more? */
const createPromises = () => {
  const asked = { ben: 0, inFlight: 0 };
  let isOver = false;
  return {
    isOver: () => isOver,
    registering: async (user: UserId, work: () => Promise<unknown>): Promise<void> => {
      const before = { ...asked };
      if (user === ben) {
        asked.ben++;
        asked.inFlight++;
        isOver = false;
      }
      await work().finally(() => {
        if (user === ben) asked.inFlight--;
      });
      // Ben did not ask for it back meanwhile.
      if (user !== ben && before.inFlight === 0 && before.ben === asked.ben) isOver = true;
    },
    loggingOut: async (user: UserId, work: () => Promise<unknown>): Promise<void> => {
      await work();
      if (user === ben) isOver = true;
    },
  };
};

type Act = 'register' | 'log out';
const Acts = fc.array(fc.constantFrom<Act>('register', 'log out'), { maxLength: 4 });
type Play = { scheduler: fc.Scheduler; says: Said[]; acts: Record<'ben' | 'cleo', Act[]>; ofCalls: Fate[] };

/** @returns what went where it must not */
const play = async ({ scheduler, says, acts, ofCalls }: Play): Promise<string[]> => {
  const stage = await createStage();
  await stage.register(phone, 'phone');
  const promises = createPromises();
  const rowOfBen = () => readDevice(stage.deps, demo, ben, phone);
  /** Registrations as processes found them when they began, and those that a provider called dead. */
  const [found, condemned, dead] = [new Map<Deps, string>(), new Map<Deps, string>(), new Set<string>()];
  const wrong: string[] = [];
  const running: Promise<unknown>[] = [];
  const left = [...says];
  const process = createProcesses(stage, {
    ...{ scheduler, fates: [...ofCalls] },
    leave: async (_deps, { to }) => {
      const row = await rowOfBen();
      if (row?.push?.value !== to.value) wrong.push('not in the row');
      if (promises.isOver()) wrong.push('after it was said to be over');
      if (dead.has(row?.registeredAt ?? '')) wrong.push('after it was said to be dead');
    },
    ask: async (deps) => {
      const answer = answerOf(left.shift() ?? 'sent', stage.clock.now);
      const began = found.get(deps) ?? '';
      const isTrue = answer.result === 'gone' && (answer.since ?? Number.POSITIVE_INFINITY) > Date.parse(began);
      if (isTrue && (await rowOfBen())?.registeredAt === began) condemned.set(deps, began);
      return answer;
    },
    // An answer that was lost condemns nobody.
    hear: (deps, { result }) => void (result === 'gone' || condemned.delete(deps)),
    enqueue: (job) => void running.push(work(job)),
  });
  const work = async (job: PushJob): Promise<void> => {
    const deps = process();
    found.set(deps, (await rowOfBen())?.registeredAt ?? '');
    try {
      await attemptPush(deps, job);
    } catch {
      return work(job);
    }
    const registration = condemned.get(deps);
    // Where the dead can't be counted, they are kept.
    if (registration && !stage.log.some(({ msg }) => msg.startsWith('push breaker'))) dead.add(registration);
  };
  const live = async (user: UserId, all: Act[]): Promise<void> => {
    for (const act of all) {
      const deps = process();
      const { registering, loggingOut } = promises;
      const does = act === 'register' ? registering : loggingOut;
      const doing = () =>
        act === 'register'
          ? stage.register(phone, 'phone', user, deps)
          : removeDevice(deps, { tenant: demo, user }, phone);
      // Whoever gets no answer knows nothing.
      await does(user, doing).catch(() => undefined);
    }
  };
  const jobs = [await stage.say('one'), await stage.say('two'), await stage.say('three')];
  running.push(live(ben, acts.ben), live(cleo, acts.cleo), ...[...jobs, ...jobs].map(work));
  await scheduler.waitIdle();
  await Promise.all(running);
  return wrong;
};

test('who takes an address over while its owner logs out and comes back has it alone', async () => {
  const stage = await createStage();
  await stage.register(phone, 'phone');
  // Cleo saw who owns it, and then that they have logged out; when she writes they are there again.
  const between: Record<string, (() => Promise<unknown>)[]> = {
    GetCommand: [() => removeDevice(stage.deps, { tenant: demo, user: ben }, phone)],
    TransactWriteCommand: [() => stage.register(phone, 'phone')],
  };
  let gets = 0;
  const deps = makeDeps(
    { read: 0, write: 0 },
    {
      ...ports,
      now: stage.deps.now,
      send: async (command) => {
        const kind = command.constructor.name;
        // Her own row, the owner's, and that of the owner's device.
        if (kind !== 'GetCommand' || ++gets === 3) await between[kind]?.shift()?.();
        return ports.send(command);
      },
    },
  );
  await stage.register(phone, 'phone', cleo, deps);
  const rows = await Promise.all([ben, cleo].map((user) => readDevice(stage.deps, demo, user, phone)));
  expect(rows.map((row) => row?.push?.value)).toEqual([undefined, token('phone')]);
});

const Acting = { says: fc.array(Said, { maxLength: 8 }), acts: fc.record({ ben: Acts, cleo: Acts }) };

test(
  'nothing leaves for an address that is not the device’s, or that is dead',
  () =>
    fc.assert(
      fc.asyncProperty(fc.record({ scheduler: turns(), ...Acting, ofCalls: fates }), async (all) => {
        expect(await play(all)).toEqual([]);
      }),
      { numRuns: 100, interruptAfterTimeLimit: 5000 },
    ),
  30_000,
);
