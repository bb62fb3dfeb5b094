/**
 * What is asked of a store, or told to it, off the hot path: a person's purchases as the store knows them by now; what became of a
 * purchase that is to be refunded. A job is a hint: done twice, it does no harm.
 */
import { z } from 'zod';
import type { Deps } from '../../core/deps.ts';
import { tenantOf } from '../../core/env.ts';
import { TenantId, UserId } from '../../core/ids.ts';
import { park } from '../../core/parked.ts';
import { backoff } from '../../core/retry.ts';
import { consentOf, purchasesOf } from '../customer.ts';
import { askAppStore, tellAppStore } from './appstore-ask.ts';
import { latestRequest } from './appstore-consumption.ts';
import { consumptionOf } from './consumption.ts';
import { readFacts } from './entitle.ts';
import { StoreError } from './store-error.ts';

const waiting = {
  attempt: z.int().min(0).default(0),
  /** Unix ms: the store asked not to be asked before. */
  notBefore: z.int().min(0).default(0),
};

export const AskJob = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('statuses'), tenant: TenantId, user: UserId, ...waiting }),
  z.strictObject({
    type: z.literal('consumption'),
    tenant: TenantId,
    chain: z.string().regex(/^[A-Za-z0-9.-]{1,128}$/),
    transaction: z.string().regex(/^[A-Za-z0-9.-]{1,64}$/),
    ...waiting,
  }),
]);
export type AskJob = z.infer<typeof AskJob>;
type Job<T extends AskJob['type']> = Extract<AskJob, { type: T }>;

/** SQS delays no longer. */
const MAX_DELAY_SECONDS = 900;
const FIRST_MS = 15_000;
/** A person asks again; a consumption request ends by itself, after twelve hours. */
const ATTEMPTS = { statuses: 10, consumption: 80 };

/** Ids alone: for logs and for who looks at what was parked. */
const about = ({ attempt, notBefore, ...job }: AskJob): Record<string, string> => job;

const again = async (deps: Deps, job: AskJob, afterMs: number | undefined, reason: string): Promise<void> => {
  if (job.attempt + 1 >= ATTEMPTS[job.type]) {
    deps.log({ level: 'error', msg: 'ask given up', ...about(job), reason });
    return;
  }
  const wait = afterMs ?? FIRST_MS + backoff(deps.random, job.attempt, FIRST_MS, MAX_DELAY_SECONDS * 1000);
  const delay = Math.min(MAX_DELAY_SECONDS, Math.ceil(wait / 1000));
  const notBefore = deps.now().getTime() + (afterMs ?? 0);
  deps.log({ level: 'warn', msg: 'ask put off', ...about(job), attempt: job.attempt, delay, reason });
  await deps.enqueue(deps.env.ASK_QUEUE_URL, { ...job, attempt: job.attempt + 1, notBefore }, delay);
};

const lookUp = async (deps: Deps, job: Job<'statuses'>): Promise<void> => {
  const { tenant, user } = job;
  const chains = await purchasesOf(deps, { tenant, user });
  const found = await askAppStore(deps, tenantOf(tenant), chains);
  deps.log({ level: 'info', msg: 'purchases looked up', ...about(job), ...found });
};

const tell = async (deps: Deps, job: Job<'consumption'>): Promise<void> => {
  const { tenant: id, chain, transaction } = job;
  const tenant = tenantOf(id);
  const [facts, consent] = await Promise.all([readFacts(deps, id, chain), consentOf(deps, id, chain)]);
  const request = latestRequest(facts, transaction);
  const policy = tenant.purchases?.consumption;
  const told = consumptionOf({ policy, consent, request, now: deps.now().getTime() });
  if ('silent' in told) {
    deps.log({ level: 'info', msg: 'consumption not told', ...about(job), reason: told.silent });
    return;
  }
  await tellAppStore(deps, tenant, { chain, transaction }, told);
  deps.log({ level: 'info', msg: 'consumption told', ...about(job) });
};

const failed = async (deps: Deps, job: AskJob, { trouble, message }: StoreError): Promise<void> => {
  switch (trouble.kind) {
    case 'later':
      return again(deps, job, trouble.afterMs, message);
    case 'denied':
      // A key can be mended in time.
      deps.log({ level: 'error', msg: 'store denied', ...about(job), reason: message });
      return again(deps, job, MAX_DELAY_SECONDS * 1000, message);
    case 'notFound':
      deps.log({ level: 'info', msg: 'store knows nothing', ...about(job), reason: message });
      return;
    case 'bug':
      await park(deps, {
        from: 'purchases/ask',
        key: Object.values(about(job)).join('|'),
        reason: message,
        hint: { job: about(job) },
      });
  }
};

/** @throws when the database fails: the queue brings the job again */
export const answerAsk = async (deps: Deps, job: AskJob): Promise<void> => {
  const early = job.notBefore - deps.now().getTime();
  if (early > 0) {
    const delay = Math.min(MAX_DELAY_SECONDS, Math.ceil(early / 1000));
    return deps.enqueue(deps.env.ASK_QUEUE_URL, job, delay);
  }
  try {
    await (job.type === 'statuses' ? lookUp(deps, job) : tell(deps, job));
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    await failed(deps, job, error);
  }
};
