/** A push provider is out for a while: each job comes back when the provider asks for it, and not for ever. */
import { beforeAll, beforeEach, expect, test } from 'vitest';
import { isRejection } from '../../core/decider.ts';
import { deliver } from '../../core/deliver.ts';
import type { Deps } from '../../core/deps.ts';
import { execute } from '../../core/execute.ts';
import type { Entry } from '../../core/log.ts';
import { conversation } from '../../functions/messaging/conversation.ts';
import { registerDevice } from '../../functions/push/addresses.ts';
import { PushJob } from '../../functions/push/jobs.ts';
import type { Outcome, Push } from '../../functions/push/provider.ts';
import { providers } from '../../functions/push/providers.ts';
import { send } from '../../functions/push/send.queue.ts';
import { bindEnvironment } from '../memory.ts';
import { ada, at, ben, demo, phone } from '../people.ts';
import { createLittle } from '../sim/law/little.ts';

beforeAll(bindEnvironment);

const silent: Outcome = { result: 'later', seconds: 5, reason: 'no answer' };
const down: Outcome = { result: 'later', seconds: 900, reason: '503 ServiceUnavailable' };

let answers: Outcome[];
let pushes: Push[];
beforeEach(() => {
  pushes = [];
  providers.apns = async (_tenant, push) => {
    pushes.push(push);
    return answers.shift() ?? { result: 'sent' };
  };
});

/** A message from Ada to Ben's phone, and the job of its push. */
const messageTo = async (deps: Deps): Promise<PushJob> => {
  const stream = { tenant: demo, kind: 'conversation', id: `cnv_${'x'.repeat(22)}` } as const;
  const open = { stream, command: { type: 'Open' as const, members: [ada, ben], at }, id: 'open' };
  await execute(deps, conversation, { ...open, dedupe: 'state' });
  const command = { type: 'Send' as const, id: 'msg_1', by: ada, text: 'hi', at };
  const done = await execute(deps, conversation, { stream, command, id: '1', by: ada, dedupe: { after: 1 } });
  if (isRejection(done) || !done.commit) throw new Error('it was not sent');
  await deliver(deps, stream, done.commit);
  const push = { kind: 'apns', value: 'a'.repeat(64), app: 'example.chorus.demo', environment: 'sandbox' } as const;
  const registration = { platform: 'ios', push, locale: 'en', appVersion: '1' } as const;
  await registerDevice(deps, { tenant: demo, user: ben }, phone, registration);
  return PushJob.parse({ tenant: demo, person: ben, device: phone, stream: `conversation/${stream.id}`, v: 2 });
};

/** Sends until no job is queued any more. @returns the seconds that each job waited, and the last decision */
const sendAll = async () => {
  const log: Entry[] = [];
  const queued: { job: PushJob; delay: number }[] = [];
  const deps: Deps = {
    ...createLittle(() => 1).deps(),
    enqueue: async (_url, job, delay) => void queued.push({ job: PushJob.parse(job), delay }),
    log: (entry) => void log.push(entry),
  };
  const waited: number[] = [];
  queued.push({ job: await messageTo(deps), delay: 0 });
  for (let next = queued.shift(); next; next = queued.shift()) {
    waited.push(next.delay);
    await send(deps, next.job);
  }
  return { waited, decision: log.findLast(({ msg }) => msg === 'push decided')?.decision };
};

test('what it could not take comes when it answers again, under the same ids, so that one is visible', async () => {
  answers = [silent, down];
  expect(await sendAll()).toEqual({ waited: [0, 5, 900], decision: 'sent to apns' });
  expect(new Set(pushes.map(({ id, collapseId }) => `${id} ${collapseId}`)).size).toBe(1);
});

test('a push that it asks to wait five times is given up, and the decision says why', async () => {
  answers = Array.from({ length: 9 }, () => down);
  expect(await sendAll()).toEqual({
    waited: [0, 900, 900, 900, 900],
    decision: 'given up after 5: 503 ServiceUnavailable',
  });
});
