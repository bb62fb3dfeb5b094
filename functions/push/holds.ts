/**
 * Credential faults park a tenant's pushes, or those of one app: nobody asks the provider again until the hold is over.
 * When its time is over one job tries, for all: a failure renews the hold, success ends it.
 */
import { z } from 'zod';
import { type Item, isRefused } from '../../core/ddb.ts';
import type { Deps } from '../../core/deps.ts';
import { type TenantId, Timestamp } from '../../core/ids.ts';
import { holdKey, holdsKey } from '../../core/keys.ts';

export const HOLD_MS = 15 * 60_000;
/** A hold that comes back within this time is the same trouble: it keeps its `since`. */
const MEMORY_MS = 24 * 3_600_000;
/** More than any tenant has providers and apps. */
const ROWS_LIMIT = 200;
/** So long who tries has for its answer, before another does. */
export const PROBE_MS = 30_000;
/** In place of an app: no app of the tenant. */
export const EVERY_APP = '*';

export type HeldBy = 'apns' | 'fcm';
export type Hold = {
  reason: string;
  /** Until somebody may try again; at least 1. */
  seconds: number;
};
/** Holds that are over, and were taken to be tried by one push, until when. */
export type Probe = { probes: { app: string; until: number }[] };

const Row = z.object({
  provider: z.enum(['apns', 'fcm']),
  app: z.string(),
  reason: z.string(),
  /** Unix milliseconds; 0 once a push went through again. */
  until: z.number(),
  since: Timestamp,
});

type Holding = Pick<Deps, 'ddb' | 'env' | 'now' | 'log'>;

const rowsOf = async (
  { ddb, env, log }: Holding,
  tenant: TenantId,
  provider: HeldBy,
  app: string,
): Promise<z.infer<typeof Row>[]> => {
  const items = await ddb.query(
    {
      TableName: env.DEVICES_TABLE,
      KeyConditionExpression: '#pk = :pk',
      ExpressionAttributeNames: { '#pk': 'pk' },
      ExpressionAttributeValues: { ':pk': holdsKey(tenant) },
    },
    ROWS_LIMIT,
  );
  const parsed = (item: Item) => {
    const row = Row.safeParse(item);
    // Whoever can't read a hold asks the provider, who will tell.
    if (!row.success) log({ level: 'error', msg: 'hold unreadable', tenant, hold: String(item.sk) });
    return row.success ? [row.data] : [];
  };
  return items.flatMap(parsed).filter((row) => row.provider === provider && [app, EVERY_APP].includes(row.app));
};

/** Of all that find a hold over, one gets to try. @returns until when it is this one's, or what is there instead */
const elect = async ({ ddb, env, now }: Holding, tenant: TenantId, provider: HeldBy, app: string) => {
  const at = now().getTime();
  const until = at + PROBE_MS;
  const result = await ddb.updateOnce({
    TableName: env.DEVICES_TABLE,
    Key: holdKey(tenant, provider, app),
    UpdateExpression: 'SET #until = :until',
    ConditionExpression: '#until > :over AND #until <= :now',
    ExpressionAttributeNames: { '#until': 'until' },
    ExpressionAttributeValues: { ':until': until, ':over': 0, ':now': at },
  });
  return isRefused(result) ? { other: Row.safeParse(result.item).data } : { until };
};

const waitFor = ({ reason, until }: { reason: string; until: number }, at: number): Hold => ({
  reason,
  seconds: Math.ceil((until - at) / 1000),
});

/**
 * What holds an app's pushes now, or what the caller is to try for all others. Eventually consistent: who misses a hold
 * that was just made asks the provider once more, and is refused as the first one was.
 */
export const holdOf = async (
  deps: Holding,
  tenant: TenantId,
  provider: HeldBy,
  app: string,
): Promise<Hold | Probe | undefined> => {
  const rows = await rowsOf(deps, tenant, provider, app);
  const at = deps.now().getTime();
  const [longest] = rows.filter(({ until }) => at < until).sort((a, b) => b.until - a.until);
  if (longest) return waitFor(longest, at);
  const probes: Probe['probes'] = [];
  for (const row of rows.filter(({ until }) => until > 0)) {
    const { until, other } = await elect(deps, tenant, provider, row.app);
    if (until !== undefined) probes.push({ app: row.app, until });
    else if (other && at < other.until) return waitFor(other, at);
  }
  return probes.length > 0 ? { probes } : undefined;
};

/** What was tried went through: nobody waits any more. Only where nobody held, or tried, since. */
export const endHolds = async (
  { ddb, env }: Holding,
  tenant: TenantId,
  provider: HeldBy,
  { probes }: Probe,
): Promise<void> => {
  for (const { app, until } of probes)
    await ddb.update({
      TableName: env.DEVICES_TABLE,
      Key: holdKey(tenant, provider, app),
      UpdateExpression: 'SET #until = :over',
      ConditionExpression: '#until = :until',
      ExpressionAttributeNames: { '#until': 'until' },
      ExpressionAttributeValues: { ':over': 0, ':until': until },
    });
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
  const row = {
    TableName: env.DEVICES_TABLE,
    Key: holdKey(tenant, provider, app),
    ExpressionAttributeNames: {
      ...{ '#provider': 'provider', '#app': 'app', '#reason': 'reason', '#until': 'until', '#expires': 'expires' },
    },
    ExpressionAttributeValues: {
      ...{ ':provider': provider, ':app': app, ':reason': reason, ':until': until },
      ':expires': Math.ceil((until + MEMORY_MS) / 1000),
    },
  };
  // Both are registers: they say the same however often they land.
  const renewed = await ddb.update({
    ...row,
    UpdateExpression: 'SET #reason = :reason, #until = :until, #expires = :expires, #provider = :provider, #app = :app',
    // A row lies there for days after it expired.
    ConditionExpression: '#until >= :forgotten',
    ExpressionAttributeValues: { ...row.ExpressionAttributeValues, ':forgotten': at.getTime() - MEMORY_MS },
  });
  if (!isRefused(renewed)) return;
  await ddb.update({
    ...row,
    UpdateExpression:
      'SET #reason = :reason, #until = :until, #expires = :expires, #provider = :provider, #app = :app, #since = :since',
    ExpressionAttributeNames: { ...row.ExpressionAttributeNames, '#since': 'since' },
    ExpressionAttributeValues: { ...row.ExpressionAttributeValues, ':since': at.toISOString() },
  });
};
