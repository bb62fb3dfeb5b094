/**
 * How much one device may be sent: visible pushes by a token bucket, background pushes by the hour. A conditional update
 * alone decides, so that any number of senders share one budget. A repeat on doubt may spend twice: then the device gets
 * less than it might, never more.
 */
import { z } from 'zod';
import { isRefused } from '../../core/ddb.ts';
import type { Deps } from '../../core/deps.ts';
import { type DeviceId, digest, type TenantId, type UserId } from '../../core/ids.ts';
import { budgetKey } from '../../core/keys.ts';
import { secondsUntil } from '../../core/limit-table.ts';

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
/** So far ahead tokens are given that are still to come: 360 streams may wait. */
const AHEAD = 2 * HOUR_MS;
/** Rows live until long after they say nothing any more. */
const LIFE = 2 * HOUR_MS;
const expiresAt = (now: number): number => Math.ceil((now + LIFE) / 1000);
const rowOf = ({ env }: Spending, { tenant, person, device }: Who, what: string) => ({
  TableName: env.DEVICES_TABLE,
  Key: budgetKey(tenant, person, device, what),
});

/** The bucket's theoretical arrival time (GCRA), Unix milliseconds: when it will be full again; and when each stream goes. */
const Bucket = z.object({ tat: z.number(), slots: z.record(z.string(), z.number()) });
type Bucket = z.infer<typeof Bucket>;

/** A visible push may go in so many seconds, 0 for now. Unless `isPaid`, it has to ask again then. */
export type Spent = { seconds: number; isPaid: boolean };

/** Nothing could be taken: the stream has a slot, or so many wait that none is given. */
const refused = (bucket: Bucket | undefined, slot: string, now: number): Spent => {
  // A row that ended between two calls leaves nothing to compute from.
  if (!bucket || bucket.tat <= now) return { seconds: 1, isPaid: false };
  const goes = bucket.slots[slot] ?? 0;
  if (goes > now) return { seconds: secondsUntil(goes, now), isPaid: true };
  return { seconds: secondsUntil(bucket.tat - TOLERANCE - AHEAD / 2, now), isPaid: false };
};

/**
 * Takes a part of the bucket; of an empty one the next that comes, so that nobody asks in vain and who was first goes
 * first. Of a stream only the newest is shown after a wait, so all that wait in it share one slot.
 */
export const spendVisible = async (deps: Spending, who: Who, stream: string): Promise<Spent> => {
  const now = deps.now().getTime();
  const row = rowOf(deps, who, 'visible');
  const names = { '#tat': 'tat', '#slots': 'slots', '#expires': 'expires' };
  const first = await deps.ddb.update({
    ...row,
    UpdateExpression: 'SET #tat = :first, #slots = :none, #expires = :expires',
    ConditionExpression: 'attribute_not_exists(#tat) OR #tat <= :now',
    ExpressionAttributeNames: names,
    ExpressionAttributeValues: {
      ...{ ':first': now + VISIBLE_EVERY_MS, ':none': {}, ':now': now },
      ':expires': expiresAt(now),
    },
  });
  if (!isRefused(first)) return { seconds: 0, isPaid: true };
  const slot = digest(stream);
  const next = await deps.ddb.update({
    ...row,
    UpdateExpression: 'SET #slots.#slot = #tat + :back, #tat = #tat + :every, #expires = :expires',
    ConditionExpression:
      '#tat > :now AND #tat <= :last AND (attribute_not_exists(#slots.#slot) OR #slots.#slot <= :now)',
    ExpressionAttributeNames: { ...names, '#slot': slot },
    ExpressionAttributeValues: {
      ...{ ':back': -TOLERANCE, ':every': VISIBLE_EVERY_MS, ':now': now, ':last': now + TOLERANCE + AHEAD },
      ':expires': expiresAt(now + TOLERANCE + AHEAD),
    },
    ReturnValues: 'ALL_NEW',
  });
  if (isRefused(next)) return refused(next.item && Bucket.parse(next.item), slot, now);
  const goes = Bucket.parse(next).slots[slot] ?? 0;
  return { seconds: goes <= now ? 0 : secondsUntil(goes, now), isPaid: true };
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
