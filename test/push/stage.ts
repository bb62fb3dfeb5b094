/** Ada writes to Ben, whose phone is registered: the real domain on tables in memory, and a provider that says what the test wants. */
import { isRejection } from '../../core/decider.ts';
import { deliver } from '../../core/deliver.ts';
import type { Deps } from '../../core/deps.ts';
import { execute } from '../../core/execute.ts';
import type { DeviceId } from '../../core/ids.ts';
import type { Stream } from '../../core/keys.ts';
import type { Entry } from '../../core/log.ts';
import { conversation } from '../../functions/messaging/conversation.ts';
import { registerDevice } from '../../functions/push/addresses.ts';
import { attemptPush } from '../../functions/push/attempt.ts';
import { PushJob } from '../../functions/push/jobs.ts';
import type { Outcome, Push } from '../../functions/push/provider.ts';
import { providers } from '../../functions/push/providers.ts';
import { decisionsOf } from '../../functions/push/trail.ts';
import { ada, at, ben, demo, phone } from '../people.ts';
import { createLittle } from '../sim/law/little.ts';

export const START = Date.parse(at);
export const token = (name: string): string => Buffer.from(name).toString('hex').padEnd(64, '0');
const stream: Stream = { tenant: demo, kind: 'conversation', id: `cnv_${'x'.repeat(22)}` };
const name = `conversation/${stream.id}`;

type Queued = { job: PushJob; delay: number };

export const createStage = async () => {
  const log: Entry[] = [];
  const queued: Queued[] = [];
  const parked: string[] = [];
  const pushes: Push[] = [];
  const clock = { now: START };
  /** What the provider says next; accepted, where nothing is said. */
  const answers: (Outcome | ((push: Push) => Promise<Outcome>))[] = [];
  const inMemory = createLittle(() => 1).deps();
  const deps: Deps = {
    ...inMemory,
    now: () => new Date(clock.now),
    random: { ...inMemory.random, unit: () => 0 },
    enqueue: async (_url, job, delay) => void queued.push({ job: PushJob.parse(job), delay }),
    bucket: { ...inMemory.bucket, put: async (key) => void parked.push(key) },
    log: (entry) => void log.push(entry),
  };
  providers.apns = async (_deps, _tenant, push) => {
    pushes.push(push);
    const answer = answers.shift() ?? { result: 'sent', id: push.id };
    return typeof answer === 'function' ? answer(push) : answer;
  };
  const register = (device: DeviceId, address: string, user = ben, by = deps) =>
    registerDevice(by, { tenant: demo, user }, device, {
      platform: 'ios',
      push: { kind: 'apns', value: token(address), app: 'example.chorus.demo', environment: 'sandbox' },
      locale: 'en',
      appVersion: '1',
    });
  const open = { stream, command: { type: 'Open' as const, members: [ada, ben], at }, id: 'open' };
  await execute(deps, conversation, { ...open, dedupe: 'state' });

  let sent = 0;
  /** A message from Ada, if nobody else is named. @returns the job of its push to Ben's phone */
  const say = async (text = 'hi', device = phone, by = ada): Promise<PushJob> => {
    const id = String(++sent);
    const command = { type: 'Send' as const, id: `msg_${id}`, by, text, at: deps.now().toISOString() };
    const done = await execute(deps, conversation, { stream, command, id, by, dedupe: { after: 1 } });
    if (isRejection(done) || !done.commit) throw new Error('it was not sent');
    await deliver(deps, stream, done.commit);
    return PushJob.parse({ tenant: demo, person: ben, device, stream: name, v: done.v });
  };
  /** Does a job and all that come of it, and lets their time pass. @returns the seconds that each waited */
  const run = async (job: PushJob): Promise<number[]> => {
    const waited: number[] = [];
    for (let next: Queued | undefined = { job, delay: 0 }; next; next = queued.shift()) {
      waited.push(next.delay);
      clock.now += next.delay * 1000;
      await attemptPush(deps, next.job);
    }
    return waited;
  };
  const trail = (v: number, device?: DeviceId) =>
    decisionsOf(deps, { tenant: demo, person: ben, stream: name, v }, device);
  return { deps, stream, name, log, queued, parked, pushes, answers, clock, register, say, run, trail };
};
export type Stage = Awaited<ReturnType<typeof createStage>>;
