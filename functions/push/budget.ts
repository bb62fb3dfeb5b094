/**
 * How much one device may be sent: visible pushes by a token bucket, background pushes by the hour. A conditional update
 * alone decides, so that any number of senders share one budget. A repeat on doubt may spend twice: then the device gets
 * less than it might, never more.
 */
import { z } from 'zod';
import { isRefused } from '../../core/ddb.ts';
import type { Deps } from '../../core/deps.ts';
import type { DeviceId, TenantId, UserId } from '../../core/ids.ts';
import { budgetKey } from '../../core/keys.ts';

/** This many visible pushes at once, */
export const VISIBLE_BURST = 10;
/** and then one in so much time. */
export const VISIBLE_EVERY_MS = 20_000;
/** This many background pushes within any hour. */
export const BACKGROUND_PER_HOUR = 3;
export const HOUR_MS = 3_600_000;

type Spending = Pick<Deps, 'ddb' | 'env' | 'now'>;
export type Who = { tenant: TenantId; person: UserId; device: DeviceId };

/** How far ahead of the clock a bucket may be that still has a token. */
const TOLERANCE = (VISIBLE_BURST - 1) * VISIBLE_EVERY_MS;
/** Rows live until long after they say nothing any more. */
const LIFE = 2 * HOUR_MS;
const expiresAt = (now: number): number => Math.ceil((now + LIFE) / 1000);
const secondsUntil = (then: number, now: number): number => Math.max(1, Math.ceil((then - now) / 1000));
const rowOf = ({ env }: Spending, { tenant, person, device }: Who, what: string) => ({
  TableName: env.DEVICES_TABLE,
  Key: budgetKey(tenant, person, device, what),
});

/** The bucket's theoretical arrival time (GCRA), Unix milliseconds: when it will be full again. */
const Bucket = z.object({ tat: z.number() });
const bucketNames = { '#tat': 'tat', '#expires': 'expires' };

/** @returns 0 when a visible push may go now, which is spent; else the seconds until one may */
export const spendVisible = async (deps: Spending, who: Who): Promise<number> => {
  const now = deps.now().getTime();
  const row = { ...rowOf(deps, who, 'visible'), ExpressionAttributeNames: bucketNames };
  const first = await deps.ddb.update({
    ...row,
    UpdateExpression: 'SET #tat = :first, #expires = :expires',
    ConditionExpression: 'attribute_not_exists(#tat) OR #tat <= :now',
    ExpressionAttributeValues: { ':first': now + VISIBLE_EVERY_MS, ':now': now, ':expires': expiresAt(now) },
  });
  if (!isRefused(first)) return 0;
  // Not full: one more, if it is not empty either.
  const next = await deps.ddb.update({
    ...row,
    UpdateExpression: 'SET #tat = #tat + :every, #expires = :expires',
    ConditionExpression: '#tat > :now AND #tat <= :limit',
    ExpressionAttributeValues: {
      ':every': VISIBLE_EVERY_MS,
      ':now': now,
      ':limit': now + TOLERANCE,
      ':expires': expiresAt(now),
    },
  });
  if (!isRefused(next)) return 0;
  // A row that expired between the two leaves nothing to compute from.
  return secondsUntil(next.item ? Bucket.parse(next.item).tat - TOLERANCE : now, now);
};

/** When the last three went, Unix milliseconds, in the order of their writes. */
const Last = z.object({ oldest: z.number() });
/** Everything on the right is what was there before. */
const SHIFT =
  'SET #oldest = if_not_exists(#middle, :zero), #middle = if_not_exists(#newest, :zero), #newest = :now, #expires = :expires';

/**
 * Each is an hour or more after the third before it: of any four in a row, and so of any number, never more than three lie
 * in one hour, even where two servers' clocks disagree.
 * @returns 0 when a background push may go now, which is spent; else the seconds until one may
 */
export const spendBackground = async (deps: Spending, who: Who): Promise<number> => {
  const now = deps.now().getTime();
  const result = await deps.ddb.update({
    ...rowOf(deps, who, 'background'),
    UpdateExpression: SHIFT,
    ConditionExpression: 'attribute_not_exists(#oldest) OR #oldest <= :hourAgo',
    ExpressionAttributeNames: { '#oldest': 'oldest', '#middle': 'middle', '#newest': 'newest', '#expires': 'expires' },
    ExpressionAttributeValues: { ':zero': 0, ':now': now, ':hourAgo': now - HOUR_MS, ':expires': expiresAt(now) },
  });
  if (!isRefused(result)) return 0;
  return secondsUntil(result.item ? Last.parse(result.item).oldest + HOUR_MS : now, now);
};
