/** However often a job comes, and wherever its process ends: of an event one notification is visible on a device. */
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { DeviceId } from '../../core/ids.ts';
import { attemptPush } from '../../functions/push/attempt.ts';
import { VISIBLE_EVERY_MS } from '../../functions/push/budget.ts';
import type { PushJob } from '../../functions/push/jobs.ts';
import type { Push } from '../../functions/push/provider.ts';
import { bindEnvironment } from '../memory.ts';
import { phone } from '../people.ts';
import { createProcesses, type Fate, fates, turns } from './processes.ts';
import { createStage, token } from './stage.ts';

beforeAll(bindEnvironment);

const tablet = DeviceId.parse('tablet');
const devices = [phone, tablet];
/** More than there can be faults. */
const RECEIVES = 200;

/** A phone's notification centre: what comes under a collapse id takes the place of what is there under it. */
const createPhones = () => {
  const received: Push[] = [];
  const visible = (device: string): Push[] => {
    const theirs = received.filter(({ to }) => to.value === token(device));
    return [...new Map(theirs.map((push) => [push.collapseId, push])).values()];
  };
  return { received, visible };
};
const eventOf = ({ content }: Push): string | undefined =>
  content.type === 'show' ? content.notification.event : undefined;

/** Two messages to two devices; each job is delivered twice, at once, and again until a process says that it is done. */
const play = async (scheduler: fc.Scheduler, ofCalls: Fate[]) => {
  const stage = await createStage();
  const phones = createPhones();
  for (const device of devices) await stage.register(device, device);
  const said = [await stage.say('one'), await stage.say('two')];
  const jobs = said.flatMap((job) => devices.map((device) => ({ ...job, device })));
  const running: Promise<unknown>[] = [];
  const process = createProcesses(stage, {
    ...{ scheduler, fates: [...ofCalls] },
    ask: async (_deps, push) => {
      phones.received.push(push);
      return { result: 'sent', id: push.id };
    },
    enqueue: (job) => void running.push(work(job)),
  });
  const work = async (job: PushJob): Promise<unknown> => {
    for (let receives = 0; receives < RECEIVES; receives++) {
      // What each attempt spends of the device's budget has come back by the next.
      stage.clock.now += VISIBLE_EVERY_MS;
      try {
        return await attemptPush(process(), job);
      } catch {}
    }
    throw new Error('it never ended');
  };
  for (const job of [...jobs, ...jobs]) running.push(work(job));
  await scheduler.waitIdle();
  await Promise.all(running);
  return { stage, phones, jobs };
};

test(
  'of each event exactly one notification is visible on each device, and one is written down as sent',
  () =>
    fc.assert(
      fc.asyncProperty(turns(), fates, async (scheduler, ofCalls) => {
        const { stage, phones, jobs } = await play(scheduler, ofCalls);
        const events = jobs
          .filter(({ device }) => device === phone)
          .map(({ v }) => `conversation:${stage.stream.id}@${v}`);
        for (const device of devices) expect(phones.visible(device).map(eventOf).sort()).toEqual(events);
        for (const { v, device } of jobs) {
          expect((await stage.trail(v, device)).filter(({ decision }) => decision === 'sent')).toHaveLength(1);
          const same = phones.received.filter(
            (push) => push.to.value === token(device) && eventOf(push)?.endsWith(`@${v}`),
          );
          expect(new Set(same.map(({ id }) => id)).size).toBe(1);
        }
      }),
      { numRuns: 80, interruptAfterTimeLimit: 5000 },
    ),
  30_000,
);
