/**
 * Credential faults park a tenant's pushes, or those of one app: nobody asks the provider again until the hold is over.
 * There is no release: when its time is over the next job tries again, and a failure renews it.
 */
import { z } from 'zod';
import type { Item } from '../../core/ddb.ts';
import type { Deps } from '../../core/deps.ts';
import { type TenantId, Timestamp } from '../../core/ids.ts';
import { holdKey, holdsKey } from '../../core/keys.ts';

export const HOLD_MS = 15 * 60_000;
/** A hold that comes back within this time is the same trouble: it keeps its `since`. */
const MEMORY_MS = 24 * 3_600_000;
/** More than any tenant has providers and apps. */
const ROWS_LIMIT = 200;
/** In place of an app: no app of the tenant. */
export const EVERY_APP = '*';

export type HeldBy = 'apns' | 'fcm';
export type Hold = {
  reason: string;
  /** Until somebody may try again; at least 1. */
  seconds: number;
};

const Row = z.object({
  provider: z.enum(['apns', 'fcm']),
  app: z.string(),
  reason: z.string(),
  /** Unix milliseconds. */
  until: z.number(),
  since: Timestamp,
});

type Holding = Pick<Deps, 'ddb' | 'env' | 'now' | 'log'>;

/**
 * What holds an app's pushes now. Eventually consistent: who misses a hold that was just made asks the provider once more,
 * and is refused as the first one was.
 */
export const holdOf = async (
  { ddb, env, now, log }: Holding,
  tenant: TenantId,
  provider: HeldBy,
  app: string,
): Promise<Hold | undefined> => {
  const items = await ddb.query(
    {
      TableName: env.DEVICES_TABLE,
      KeyConditionExpression: '#pk = :pk',
      ExpressionAttributeNames: { '#pk': 'pk' },
      ExpressionAttributeValues: { ':pk': holdsKey(tenant) },
    },
    ROWS_LIMIT,
  );
  const at = now().getTime();
  const parsed = (item: Item) => {
    const row = Row.safeParse(item);
    // Whoever can't read a hold asks the provider, who will tell.
    if (!row.success) log({ level: 'error', msg: 'hold unreadable', tenant, hold: String(item.sk) });
    return row.success ? [row.data] : [];
  };
  const [longest] = items
    .flatMap(parsed)
    .filter((row) => row.provider === provider && [app, EVERY_APP].includes(row.app) && at < row.until)
    .sort((a, b) => b.until - a.until);
  return longest && { reason: longest.reason, seconds: Math.ceil((longest.until - at) / 1000) };
};

/** Holds an app's pushes, or with `*` all of the tenant's, for 15 minutes from now. An alarm listens to `push held`. */
export const hold = async (
  { ddb, env, now, log }: Holding,
  tenant: TenantId,
  provider: HeldBy,
  app: string,
  reason: string,
): Promise<void> => {
  log({ level: 'error', msg: 'push held', tenant, provider, app, reason });
  const at = now();
  const until = at.getTime() + HOLD_MS;
  // A register: it says the same however often it lands.
  await ddb.update({
    TableName: env.DEVICES_TABLE,
    Key: holdKey(tenant, provider, app),
    UpdateExpression:
      'SET #provider = :provider, #app = :app, #reason = :reason, #until = :until, #expires = :expires, #since = if_not_exists(#since, :at)',
    ExpressionAttributeNames: {
      ...{ '#provider': 'provider', '#app': 'app', '#reason': 'reason', '#until': 'until' },
      ...{ '#expires': 'expires', '#since': 'since' },
    },
    ExpressionAttributeValues: {
      ...{ ':provider': provider, ':app': app, ':reason': reason, ':until': until, ':at': at.toISOString() },
      ':expires': Math.ceil((until + MEMORY_MS) / 1000),
    },
  });
};
