/**
 * POST /v1/purchases/restore — asks the stores for the purchases that the person has with us, as they are by now; once in ten
 * minutes. What a device itself knows of, it hands in by POST /v1/purchases.
 */
import { z } from 'zod';
import { isRefused } from '../../core/ddb.ts';
import type { Deps } from '../../core/deps.ts';
import { tenantOf } from '../../core/env.ts';
import { http, type Request } from '../../core/http.ts';
import { Timestamp } from '../../core/ids.ts';
import { problems } from '../../core/problem.ts';
import { askedKey } from '../../core/purchase-keys.ts';
import type { AskJob } from './ask.ts';

const PAUSE_MS = 10 * 60_000;

const Restoring = z.object({
  /** `asked`: now; `asked-before`: not long ago, and its changes come as those of any purchase do. */
  state: z.enum(['asked', 'asked-before']),
  /** When it may be asked again. */
  next: Timestamp,
});

const iso = (ms: number): string => new Date(ms).toISOString();

/** One of many at once gets it. @returns until when nobody may ask again, or from when they may */
const reserve = async (deps: Deps, { tenant, user }: Request<unknown, unknown, unknown>['actor'], now: number) => {
  const until = now + PAUSE_MS;
  const result = await deps.ddb.put({
    TableName: deps.env.DEVICES_TABLE,
    Item: { ...askedKey(tenant, user), until, expires: Math.ceil(until / 1000) },
    ConditionExpression: 'attribute_not_exists(#until) OR #until <= :now',
    ExpressionAttributeNames: { '#until': 'until' },
    ExpressionAttributeValues: { ':now': now },
  });
  const there = isRefused(result) ? z.object({ until: z.int() }).safeParse(result.item).data : undefined;
  return { isOurs: !isRefused(result), until: there?.until ?? until };
};

/** The queue did not take it: the person may ask again at once. */
const release = (deps: Deps, { tenant, user }: Request<unknown, unknown, unknown>['actor'], until: number) =>
  deps.ddb.update({
    TableName: deps.env.DEVICES_TABLE,
    Key: askedKey(tenant, user),
    UpdateExpression: 'SET #until = :zero',
    ConditionExpression: '#until = :until',
    ExpressionAttributeNames: { '#until': 'until' },
    ExpressionAttributeValues: { ':zero': 0, ':until': until },
  });

export const restore = async (
  { actor }: Pick<Request<unknown, unknown, unknown>, 'actor'>,
  deps: Deps,
): Promise<z.infer<typeof Restoring>> => {
  if (!tenantOf(actor.tenant).purchases?.appstore) throw problems.notFound();
  const { isOurs, until } = await reserve(deps, actor, deps.now().getTime());
  if (!isOurs) return { state: 'asked-before', next: iso(until) };
  const job: AskJob = { type: 'statuses', ...actor, attempt: 0, notBefore: 0 };
  try {
    await deps.enqueue(deps.env.ASK_QUEUE_URL, job, 0);
  } catch {
    await release(deps, actor, until);
    throw problems.busy();
  }
  return { state: 'asked', next: iso(until) };
};

export const handler = http({ limit: 'purchases', output: Restoring, status: 202, inAnyStanding: true }, restore);
