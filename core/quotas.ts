/** What a person may do on one day (UTC), counted once whichever of their devices says it and however often. Fails closed. */
import { z } from 'zod';
import { assert } from './assert.ts';
import { isRefused } from './ddb.ts';
import type { Deps } from './deps.ts';
import { type Actor, digest } from './ids.ts';
import { limitKey } from './limit-keys.ts';
import { secondsUntil, type Wait } from './limit-table.ts';
import { errorName } from './log.ts';
import { problems } from './problem.ts';

type Counting = Pick<Deps, 'ddb' | 'env' | 'now' | 'log'>;

/** More than this a day is not a quota: its row would cost more than what it counts. */
export const QUOTA_MAX = 2000;
const DAY_MS = 86_400_000;
const Used = z.object({ used: z.number(), keys: z.record(z.string(), z.literal(true)) });
export type Quota = { left: number } | Wait;

const names = { '#used': 'used', '#keys': 'keys', '#expires': 'expires' };
type Count = { tenant: Actor['tenant']; user: Actor['user']; name: string; perDay: number; of: string; now: number };

const tomorrowOf = (now: number): number => (Math.floor(now / DAY_MS) + 1) * DAY_MS;

/** The first of a day makes the row that the others count in. */
const first = ({ of }: Count) => ({
  UpdateExpression: 'SET #used = :one, #keys = :keys, #expires = :expires',
  ConditionExpression: 'attribute_not_exists(#used)',
  names,
  values: { ':keys': { [of]: true } },
});
const more = ({ of, perDay }: Count) => ({
  UpdateExpression: 'SET #used = #used + :one, #keys.#key = :true, #expires = :expires',
  ConditionExpression: '#used < :max AND attribute_not_exists(#keys.#key)',
  names: { ...names, '#key': of },
  values: { ':max': perDay, ':true': true },
});

/** @returns the day as it is now, whether this call changed it or another */
const count = async ({ ddb, env }: Counting, it: Count, form: typeof first | typeof more) => {
  const { names, values, ...expressions } = form(it);
  const result = await ddb.update({
    TableName: env.TRAIL_TABLE,
    Key: limitKey(it.tenant, it.user, 'quota', it.name, new Date(it.now).toISOString().slice(0, 10)),
    ...expressions,
    ExpressionAttributeNames: names,
    ExpressionAttributeValues: {
      ...{ ...values, ':one': 1 },
      ':expires': Math.ceil((tomorrowOf(it.now) + DAY_MS) / 1000),
    },
    ReturnValues: 'ALL_NEW',
  });
  const there = isRefused(result) ? result.item : result;
  return there && Used.parse(there);
};

/**
 * Counts what `key` names, once for each day on which it is said.
 * @param name of the quota, which the caller chooses
 * @param perDay at most QUOTA_MAX; 0 for nothing at all
 * @returns how many are left; or when the next day begins
 * @throws Problem `busy` when the database does not answer: it may be counted then, and its retry counts it no more
 */
export const spendQuota = async (
  deps: Counting,
  { tenant, user }: Actor,
  name: string,
  perDay: number,
  key: string,
): Promise<Quota> => {
  assert(Number.isSafeInteger(perDay) && perDay >= 0 && perDay <= QUOTA_MAX, `${perDay} is no quota`);
  const now = deps.now().getTime();
  const wait = { retryAfter: secondsUntil(tomorrowOf(now), now) };
  if (perDay === 0) return wait;
  const it: Count = { tenant, user, name, perDay, of: digest(key).slice(0, 8), now };
  try {
    for (const form of [more, first, more]) {
      const day = await count(deps, it, form);
      if (day && Object.hasOwn(day.keys, it.of)) return { left: Math.max(0, perDay - day.used) };
      if (day && day.used >= perDay) return wait;
    }
  } catch (error) {
    deps.log({ level: 'error', msg: 'quota unknown', tenant, user, quota: name, error: errorName(error) });
  }
  throw problems.busy();
};
