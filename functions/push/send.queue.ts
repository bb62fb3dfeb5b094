/** Push queue: looks again, then sends. Every decision is logged by event and device. */

import type { Deps } from '../../core/deps.ts';
import { tenantOf } from '../../core/env.ts';
import { digest, uuidOf } from '../../core/ids.ts';
import { jobs } from '../../core/jobs.ts';
import { errorName } from '../../core/log.ts';
import { decidePush } from './decide.ts';
import { PushJob } from './jobs.ts';
import type { Push } from './provider.ts';
import { providers } from './providers.ts';

const ATTEMPTS = 5;
const MAX_DELAY_SECONDS = 900;

export const send = async (deps: Deps, job: PushJob): Promise<void> => {
  const { tenant, person, device, stream, v, attempt } = job;
  const decided = (decision: string) =>
    deps.log({ level: 'info', msg: 'push decided', tenant, person, device, stream, v, attempt, decision });
  const decision = await decidePush(deps, job);
  if ('skip' in decision) return decided(`not sent: ${decision.skip}`);
  const { send: notification, to } = decision;
  const push: Push = {
    to,
    notification,
    user: person,
    id: uuidOf(notification.event, device),
    collapseId: digest(notification.event),
  };
  const outcome = await providers[to.kind](tenantOf(tenant), push, deps.now());
  switch (outcome.result) {
    case 'sent':
      return decided(`sent to ${to.kind}`);
    case 'refused':
      return decided(`refused by ${to.kind}: ${outcome.reason}`);
    case 'later':
      if (attempt + 1 >= ATTEMPTS) return decided(`given up after ${ATTEMPTS}: ${outcome.reason}`);
      decided(`again in ${outcome.seconds} s: ${outcome.reason}`);
      return deps.enqueue(
        deps.env.PUSH_QUEUE_URL,
        { ...job, attempt: attempt + 1 },
        Math.min(MAX_DELAY_SECONDS, outcome.seconds),
      );
  }
};

/** The edge knows a job by its message alone; whoever asks later asks by event and device. */
const sendOrTell = async (deps: Deps, job: PushJob): Promise<void> => {
  try {
    await send(deps, job);
  } catch (error) {
    deps.log({ level: 'warn', msg: 'push failed', ...job, error: errorName(error) });
    throw error;
  }
};

export const handler = jobs('push/send', PushJob, (job, deps) => sendOrTell(deps, job));
