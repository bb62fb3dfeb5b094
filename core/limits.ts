/**
 * How often a person may do something: a token bucket for each person and name, kept as one time (GCRA) and changed by
 * conditional updates alone, so that any number of processes share it. A call whose answer is lost spends its token and finds
 * that it did; no doubt ever gives one away.
 *
 * One item a bucket, no shards: an item takes 1,000 writes a second, and a process that was refused does not ask again before
 * the token is there. So one person writes at most once a second for each process, however many requests they send.
 */
import { z } from 'zod';
import { assert } from './assert.ts';
import { isRefused } from './ddb.ts';
import type { Deps } from './deps.ts';
import { tenantOf } from './env.ts';
import type { Actor } from './ids.ts';
import type { Key } from './keys.ts';
import { limitKey } from './limit-keys.ts';
import { type Limit, type LimitName, limits, secondsUntil, type Wait } from './limit-table.ts';
import { errorName } from './log.ts';
import { createLru } from './lru.ts';
import { problems } from './problem.ts';

export { QUOTA_MAX, type Quota, spendQuota } from './quotas.ts';

type Spending = Pick<Deps, 'ddb' | 'env' | 'now' | 'random' | 'log'>;
const FREE_WITHIN_MS = 10_000;
/** Rows live until they have said nothing for an hour, whatever clocks say. */
const LIFE_SECONDS = 3600;
/** More people than one process serves within seconds. */
const REMEMBERED = 20_000;
/** Buckets as this process last saw them: they only fill with time. */
const seen = createLru<number>(REMEMBERED);
/** Buckets of what this process grants by itself. */
const given = createLru<number>(REMEMBERED);

/** The limit as it is for this tenant. */
export const limitOf = ({ tenant }: Pick<Actor, 'tenant'>, name: LimitName): Limit => {
  const usual: Limit = limits[name];
  const { burst = usual.burst, everySeconds = usual.everySeconds } = tenantOf(tenant).limits?.[name] ?? {};
  return { ...usual, burst, everySeconds };
};

/** When it will be full again, Unix milliseconds; and which call changed it last. */
const Row = z.object({ tat: z.number(), by: z.string() });
type Ask = { key: Key; by: string; now: number; every: number; cost: number; burst: number };
type Answer = { isGranted: boolean; tat: number };

/** The bucket may be filled up to here, and still give what is asked. */
const lastOf = ({ now, every, cost, burst }: Ask): number => now + (burst - cost) * every;

const names = { '#tat': 'tat', '#by': 'by', '#expires': 'expires' };

/** Of a bucket that is full: the time begins now. */
const begin = ({ now, every, cost }: Ask) => ({
  UpdateExpression: 'SET #tat = :tat, #by = :by, #expires = :expires',
  ConditionExpression: 'attribute_not_exists(#tat) OR #tat <= :now',
  values: { ':tat': now + cost * every, ':now': now },
});
/** Of one that is not: it takes so much longer. */
const goOn = (ask: Ask) => ({
  UpdateExpression: 'SET #tat = #tat + :more, #by = :by, #expires = :expires',
  ConditionExpression: '#tat > :now AND #tat <= :last AND #by <> :by',
  values: { ':more': ask.cost * ask.every, ':now': ask.now, ':last': lastOf(ask) },
});

/** @returns undefined when the bucket is not of this form */
const attempt = async (deps: Spending, ask: Ask, form: typeof begin | typeof goOn): Promise<Answer | undefined> => {
  const { values, ...expressions } = form(ask);
  const { by, now, every, burst } = ask;
  const expires = Math.ceil((now + burst * every) / 1000) + LIFE_SECONDS;
  const result = await deps.ddb.update({
    TableName: deps.env.TRAIL_TABLE,
    Key: ask.key,
    ...expressions,
    ExpressionAttributeNames: names,
    ExpressionAttributeValues: { ...values, ':by': by, ':expires': expires },
    ReturnValues: 'ALL_NEW',
  });
  if (!isRefused(result)) return { isGranted: true, tat: Row.parse(result).tat };
  const there = result.item && Row.parse(result.item);
  if (!there) return undefined;
  // An attempt of ours of which we were not told, or that was done twice.
  if (there.by === by) return { isGranted: true, tat: there.tat };
  return there.tat > lastOf(ask) ? { isGranted: false, tat: there.tat } : undefined;
};

const ROUNDS = 4;
/** One write if the bucket is as this process remembers it; two where another has used it. */
const take = async (deps: Spending, ask: Ask, remembered: number): Promise<Answer> => {
  let isFull = remembered <= ask.now;
  for (let round = 0; round < ROUNDS; round++) {
    const answer = await attempt(deps, ask, isFull ? begin : goOn);
    if (answer) return answer;
    isFull = !isFull;
  }
  // It came and went each time.
  return { isGranted: false, tat: lastOf(ask) + 1 };
};

/** Grants what costs as little as the counting, within bounds that hold for this process alone. */
const isFree = ({ free }: Limit, id: string, now: number): boolean => {
  if (free === undefined) return false;
  const every = FREE_WITHIN_MS / free;
  const from = Math.max(given.get(id) ?? 0, now);
  if (from - now > (free - 1) * every) return false;
  given.set(id, from + every);
  return true;
};

/**
 * Takes from a person's bucket.
 * @param part of it that counts by itself, such as a device
 * @returns undefined when it was granted
 * @throws Problem `busy` when the database does not answer and the limit fails closed
 */
export const spend = async (
  deps: Spending,
  actor: Actor,
  name: LimitName,
  cost = 1,
  part?: string,
): Promise<Wait | undefined> => {
  const limit = limitOf(actor, name);
  assert(cost >= 1 && cost <= limit.burst, `${name}: ${cost} is never granted`);
  const key = limitKey(actor.tenant, actor.user, name, ...(part === undefined ? [] : [part]));
  const id = `${key.pk} ${key.sk}`;
  const now = deps.now().getTime();
  const every = Math.ceil(limit.everySeconds * 1000);
  const ask = { key, by: deps.random.id(), now, every, cost, burst: limit.burst };
  const remembered = seen.get(id) ?? 0;
  if (remembered > lastOf(ask)) return { retryAfter: secondsUntil(remembered, lastOf(ask)) };
  if (isFree(limit, id, now)) return undefined;
  try {
    const { isGranted, tat } = await take(deps, ask, remembered);
    // Answers may pass one another.
    seen.set(id, Math.max(tat, seen.get(id) ?? 0));
    return isGranted ? undefined : { retryAfter: secondsUntil(tat, lastOf(ask)) };
  } catch (error) {
    const { fails } = limit;
    deps.log({ level: 'error', msg: 'limit unknown', ...actor, limit: name, fails, error: errorName(error) });
    if (fails === 'closed') throw problems.busy();
    return undefined;
  }
};

/** @throws Problem `too-many-requests`; `busy` as spend does */
export const keepLimit = async (...asked: Parameters<typeof spend>): Promise<void> => {
  const wait = await spend(...asked);
  if (wait) throw problems.tooManyRequests(wait.retryAfter);
};
