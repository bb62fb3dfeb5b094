/** One attempt at a push job: decide, spend the device's budget, send, and do what the provider's answer asks for. */
import type { Deps } from '../../core/deps.ts';
import { type Device, readDevice } from '../../core/devices.ts';
import { tenantOf } from '../../core/env.ts';
import { digest, type TenantId, uuidOf } from '../../core/ids.ts';
import { eventName } from '../../core/keys.ts';
import { park } from '../../core/parked.ts';
import { countSent, mayForget } from './breaker.ts';
import { type Spent, spendBackground, spendVisible } from './budget.ts';
import { badgeOf, type Decision, decidePush, type Reason } from './decide.ts';
import { correctEnvironment, forgetAddress, suspectAddress } from './forget.ts';
import { EVERY_APP, endHolds, type HeldBy, HOLD_MS, hold, holdOf, PROBE_MS, type Probe } from './holds.ts';
import type { PushJob } from './jobs.ts';
import type { Became, Measure } from './measures.ts';
import type { Outcome, Push } from './provider.ts';
import { providers } from './providers.ts';
import { waitOf } from './retries.ts';
import { later, sendOn, type Told, tell } from './tell.ts';

/** APNs keeps what waits for a phone that is off; FCM takes at most four weeks. */
const TTL_SECONDS = 28 * 24 * 3600;
const providerOf = ({ to }: Pick<Push, 'to'>): HeldBy => (to.kind.startsWith('apns') ? 'apns' : 'fcm');

type Sending = Extract<Decision, { send: unknown }>;
/** Whose pushes these are to a provider: what holds and counts go by. */
type Line = { tenant: TenantId; provider: HeldBy; app: string };

const pushOf = (deps: Deps, job: PushJob, sending: Sending, badge: number): Push => {
  const { person, device, stream, v, what, read } = job;
  const { send, to } = sending;
  const event = eventName(stream, v);
  return {
    ...{ to, content: { ...send, badge }, user: person, stillTheirs: () => isStillTheirs(deps, job, sending) },
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

type Ended = { line: Line; push: Push; outcome: Outcome; probe: Probe | undefined };

const putOff = (
  deps: Deps,
  job: PushJob,
  sending: Sending,
  { patience, after, reason, detail }: Extract<Outcome, { result: 'later' }>,
): Promise<Became> => {
  const before = job.troubles[patience] ?? 0;
  const seconds = waitOf(patience, before, after, deps.random.unit());
  const troubles = { ...job.troubles, [patience]: before + 1 };
  // It may be there already: then another delivery is none that is seen. All else did not reach the device, and pays again.
  const paid = patience === 'unknown' && job.what === 'show';
  return later(deps, job, sending, { seconds, reason, detail, became: 'retried', paid, troubles });
};

/** Those that a hold parked come back apart. */
const afterHold = (deps: Deps, seconds: number): number => seconds + (deps.random.unit() * PROBE_MS) / 1000;

const conclude = async (deps: Deps, job: PushJob, sending: Sending, ended: Ended): Promise<Became> => {
  const { line, push, outcome, probe } = ended;
  const { tenant, provider, app } = line;
  const { device } = sending;
  switch (outcome.result) {
    case 'sent': {
      const ids = { provider: push.to.kind, pushId: push.id, providerId: outcome.id };
      await tell(deps, job, { decision: 'sent', ...ids }, 'sent');
      await countSent(deps, line);
      if (probe) await endHolds(deps, tenant, provider, probe);
      if (outcome.environment) await correctEnvironment(deps, { tenant, device, environment: outcome.environment });
      return 'sent';
    }
    case 'later':
      return putOff(deps, job, sending, outcome);
    case 'held': {
      await hold(deps, tenant, provider, outcome.scope === 'tenant' ? EVERY_APP : app, outcome.reason);
      const seconds = afterHold(deps, HOLD_MS / 1000);
      const { detail } = outcome;
      return later(deps, job, sending, { seconds, reason: `held: ${outcome.reason}`, detail, became: 'held' });
    }
    case 'gone':
    case 'suspect': {
      const reason = await loseAddress(deps, job, sending, outcome);
      const became = outcome.result === 'gone' ? 'gone' : 'failed';
      return tell(deps, job, { decision: 'failed', reason, detail: outcome.detail }, became);
    }
    case 'refused':
      await park(deps, {
        from: 'push/send',
        key: `${tenant}|${job.person}|${job.device}|${eventName(job.stream, job.v)}`,
        reason: outcome.reason,
        hint: { job },
      });
      return tell(deps, job, { decision: 'failed', reason: outcome.reason, detail: outcome.detail }, 'failed');
  }
};

/** Of background pushes each attempt counts: who knows which of them arrived. */
const spend = async (deps: Deps, { tenant, person, device, what, stream, paid }: PushJob): Promise<Spent> => {
  const who = { tenant, person, device };
  if (what === 'clear') return { seconds: await spendBackground(deps, who), isPaid: false };
  return paid ? { seconds: 0, isPaid: true } : spendVisible(deps, who, stream);
};

const isStillTheirs = async (deps: Deps, { tenant, person }: PushJob, { device }: Sending): Promise<boolean> => {
  const now = await readDevice(deps, tenant, person, device.device);
  return now !== undefined && !now.loggedOut && now.addressHash === device.addressHash;
};

const skip = (deps: Deps, job: PushJob, told: Omit<Told, 'decision'>): Promise<'skipped'> =>
  tell(deps, job, { decision: 'skipped', ...told }, 'skipped');

const attempt = async (deps: Deps, job: PushJob, sending: Sending): Promise<Omit<Measure, 'tenant' | 'provider'>> => {
  const { tenant, person } = job;
  const { to, at } = sending;
  const line: Line = { tenant, provider: providerOf(sending), app: to.app };
  const held = await holdOf(deps, tenant, line.provider, to.app);
  if (held && 'seconds' in held) {
    const seconds = afterHold(deps, held.seconds);
    return { became: await later(deps, job, sending, { seconds, reason: `held: ${held.reason}`, became: 'held' }) };
  }
  const { seconds, isPaid: paid } = await spend(deps, job);
  if (seconds > 0) {
    const put = { seconds, reason: 'budget', became: 'retried', waited: true, paid } as const;
    return { became: await later(deps, job, sending, put) };
  }
  const push = pushOf(deps, job, sending, await badgeOf(deps, tenant, person));
  // Last of all: who logged out while we looked at budgets gets nothing.
  if (!(await isStillTheirs(deps, job, sending)))
    return { became: await skip(deps, job, { reason: 'device gone' satisfies Reason }) };
  const outcome = await providers[to.kind](deps, tenantOf(tenant), push);
  const answeredAt = deps.now().getTime();
  const became = await conclude(deps, job, sending, { line, push, outcome, probe: held });
  // What was read has no age.
  return { became, ...(became === 'sent' && job.what === 'show' && { ms: answeredAt - Date.parse(at) }) };
};

/**
 * @returns what became of it, to be counted; nothing while its time has not come
 * @throws when the database fails: the queue brings the job again, under the same ids
 */
export const attemptPush = async (deps: Deps, job: PushJob): Promise<Measure | undefined> => {
  const { tenant } = job;
  const rest = Math.ceil(job.notBefore - deps.now().getTime() / 1000);
  if (rest > 0) {
    await sendOn(deps, job, rest);
    return undefined;
  }
  const decision = await decidePush(deps, job);
  if ('send' in decision) return { tenant, provider: providerOf(decision), ...(await attempt(deps, job, decision)) };
  const told = 'into' in decision ? { reason: 'collapsed', into: decision.into } : { reason: decision.skip };
  return { tenant, provider: 'none', became: await skip(deps, job, told) };
};
