/** One attempt at a push job: decide, spend the device's budget, send, and do what the provider's answer asks for. */
import type { Deps } from '../../core/deps.ts';
import { type Device, readDevice } from '../../core/devices.ts';
import { tenantOf } from '../../core/env.ts';
import { digest, uuidOf } from '../../core/ids.ts';
import { eventName } from '../../core/keys.ts';
import { park } from '../../core/parked.ts';
import { countSent, mayForget } from './breaker.ts';
import { spendBackground, spendVisible } from './budget.ts';
import { type Decision, decidePush, type Reason } from './decide.ts';
import { correctEnvironment, forgetAddress, suspectAddress } from './forget.ts';
import { hold, holdOf } from './holds.ts';
import type { PushJob } from './jobs.ts';
import type { Outcome, Push } from './provider.ts';
import { providers } from './providers.ts';
import { ATTEMPTS, MAX_DELAY_SECONDS, PATIENCE_SECONDS, waitOf } from './retries.ts';
import { record, type TrailRecord } from './trail.ts';

/** APNs keeps what waits for a phone that is off; FCM takes at most four weeks. */
const TTL_SECONDS = 28 * 24 * 3600;
const providerOf = ({ to }: Pick<Push, 'to'>): 'apns' | 'fcm' => (to.kind.startsWith('apns') ? 'apns' : 'fcm');

type Sending = Extract<Decision, { send: unknown }>;
type Told = Pick<TrailRecord, 'decision'> & Partial<TrailRecord>;

/** Writes the decision down, for who asks by event and device, and for the logs. */
const tell = async (deps: Deps, job: PushJob, told: Told): Promise<void> => {
  const { tenant, person, device, stream, v, what, read, attempt } = job;
  const at = deps.now().toISOString();
  const entry: TrailRecord = { device, at, what, ...(what === 'clear' && { read }), attempt, ...told };
  await record(deps, job, `${what}-${read}-${attempt}-${told.decision}`, entry);
  deps.log({ level: 'info', msg: 'push decided', ...{ tenant, person, device, stream, v, what, attempt }, ...told });
};

/** Comes again, unless nobody would want it by then. */
const later = async (
  deps: Deps,
  job: PushJob,
  { at }: Pick<Sending, 'at'>,
  seconds: number,
  { reason, ...more }: Partial<PushJob> & { reason: string },
): Promise<void> => {
  const now = deps.now().getTime();
  if (job.attempt + 1 >= ATTEMPTS || now > Date.parse(at) + PATIENCE_SECONDS * 1000)
    return tell(deps, job, { decision: 'failed', reason: `given up: ${reason}` });
  const delay = Math.min(MAX_DELAY_SECONDS, Math.ceil(seconds));
  const retryAt = new Date(now + delay * 1000).toISOString();
  await tell(deps, job, { decision: 'later', reason, retryAt });
  await deps.enqueue(deps.env.PUSH_QUEUE_URL, { ...job, ...more, attempt: job.attempt + 1 }, delay);
};

const pushOf = (deps: Deps, { person, device, stream, v, what, read }: PushJob, { send, to }: Sending): Push => {
  const event = eventName(stream, v);
  return {
    ...{ to, content: send, user: person },
    id: what === 'show' ? uuidOf(event, device) : uuidOf(event, device, what, String(read)),
    // A newer clear takes the place of an older one that waits for a phone that is off.
    collapseId: what === 'show' ? digest(event) : digest(what, stream),
    expires: Math.floor(deps.now().getTime() / 1000) + TTL_SECONDS,
  };
};

/** The provider does not know the address, or says that it does not fit. Kept unless every rule allows to act on it. */
const loseAddress = async (
  deps: Deps,
  { tenant }: PushJob,
  { device, to }: { device: Device; to: Push['to'] },
  outcome: Extract<Outcome, { result: 'gone' | 'suspect' }>,
): Promise<string> => {
  const { reason } = outcome;
  const since = outcome.result === 'gone' ? outcome.since : undefined;
  if (since !== undefined && device.registeredAt && since <= Date.parse(device.registeredAt))
    return `${reason}, but registered since: kept`;
  if (!(await mayForget(deps, { tenant, provider: providerOf({ to }), app: to.app })))
    return `${reason}, but of too many at once: kept`;
  const about = { tenant, device, reason };
  if (outcome.result === 'suspect') return `${reason}: ${await suspectAddress(deps, about)}`;
  return `${reason}: ${await forgetAddress(deps, { ...about, ...(since === undefined ? {} : { since }) })}`;
};

const conclude = async (deps: Deps, job: PushJob, sending: Sending, push: Push, outcome: Outcome): Promise<void> => {
  const { tenant, attempt } = job;
  const { to, device } = sending;
  const about = { tenant, provider: providerOf(push), app: to.app };
  switch (outcome.result) {
    case 'sent':
      await tell(deps, job, { decision: 'sent', provider: to.kind, pushId: push.id, providerId: outcome.id });
      await countSent(deps, about);
      if (outcome.environment) await correctEnvironment(deps, { tenant, device, environment: outcome.environment });
      return;
    case 'later': {
      const wait = waitOf(outcome.patience, attempt, outcome.after, deps.random.unit());
      return later(deps, job, sending, wait, { reason: outcome.reason, paid: true });
    }
    case 'held':
      await hold(deps, about.tenant, about.provider, outcome.scope === 'tenant' ? '*' : about.app, outcome.reason);
      return later(deps, job, sending, MAX_DELAY_SECONDS, { reason: `held: ${outcome.reason}`, paid: true });
    case 'gone':
    case 'suspect':
      return tell(deps, job, { decision: 'failed', reason: await loseAddress(deps, job, sending, outcome) });
    case 'refused':
      await park(deps, {
        from: 'push/send',
        key: `${tenant}|${job.person}|${job.device}|${eventName(job.stream, job.v)}`,
        reason: outcome.reason,
        hint: { job },
      });
      return tell(deps, job, { decision: 'failed', reason: outcome.reason });
  }
};

const spend = (deps: Deps, { tenant, person, device, what, paid }: PushJob): Promise<number> => {
  if (paid) return Promise.resolve(0);
  return (what === 'show' ? spendVisible : spendBackground)(deps, { tenant, person, device });
};

const isStillTheirs = async (deps: Deps, { tenant, person }: PushJob, { device }: Sending): Promise<boolean> => {
  const now = await readDevice(deps, tenant, person, device.device);
  return now !== undefined && !now.loggedOut && now.addressHash === device.addressHash;
};

/** @throws when the database fails: the queue brings the job again, under the same ids */
export const attemptPush = async (deps: Deps, job: PushJob): Promise<void> => {
  const decision = await decidePush(deps, job);
  if ('into' in decision) return tell(deps, job, { decision: 'skipped', reason: 'collapsed', into: decision.into });
  if ('skip' in decision) return tell(deps, job, { decision: 'skipped', reason: decision.skip });
  const push = pushOf(deps, job, decision);
  const held = await holdOf(deps, job.tenant, providerOf(push), push.to.app);
  if (held) return later(deps, job, decision, held.seconds, { reason: `held: ${held.reason}` });
  const wait = await spend(deps, job);
  if (wait > 0) return later(deps, job, decision, wait, { reason: 'budget', waited: true });
  // Last of all: who logged out while we looked at budgets gets nothing.
  if (!(await isStillTheirs(deps, job, decision)))
    return tell(deps, job, { decision: 'skipped', reason: 'device gone' satisfies Reason });
  const outcome = await providers[push.to.kind](deps, tenantOf(job.tenant), push);
  await conclude(deps, job, decision, push, outcome);
};
