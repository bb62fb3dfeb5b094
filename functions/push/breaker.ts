/**
 * A wrong configuration makes every address look dead. Per app and provider this stops their deletion when too many of
 * them are: kept addresses cost a push, deleted ones a device until it registers again.
 */
import { z } from 'zod';
import { isRefused } from '../../core/ddb.ts';
import type { Deps } from '../../core/deps.ts';
import type { TenantId } from '../../core/ids.ts';
import { breakerKey } from '../../core/keys.ts';
import { errorName } from '../../core/log.ts';
import type { HeldBy } from './holds.ts';

export const WINDOW_MS = 600_000;
/** So many may die without any other sign of life. */
export const FREE_DEAD = 20;
/** Of all that were sent to, one in so many may be dead: 25 %. */
const DEAD_ONE_IN = 4;
/** One in so many sent is counted, as so many. */
const SAMPLE = 16;
/** Long after nobody asks for a window any more. */
const LIFE_MS = 6 * WINDOW_MS;

export type Line = { tenant: TenantId; provider: HeldBy; app: string };
type Counting = Pick<Deps, 'ddb' | 'env' | 'now' | 'random' | 'log'>;

const Counts = z.object({ dead: z.number().default(0), sent: z.number().default(0) });
/** What a count that was just raised must say. */
const Raised = Counts.extend({ dead: z.number().min(1) });
type Counts = z.infer<typeof Counts>;

const isNormal = ({ dead, sent }: Counts): boolean => dead <= FREE_DEAD || dead * DEAD_ONE_IN <= sent + dead;

const windowOf = (deps: Counting): number => Math.floor(deps.now().getTime() / WINDOW_MS);
const rowOf = ({ env }: Counting, { tenant, provider, app }: Line, window: number) => ({
  TableName: env.DEVICES_TABLE,
  Key: breakerKey(tenant, provider, app, window),
});
const expiresOf = (window: number): number => Math.ceil((window * WINDOW_MS + LIFE_MS) / 1000);

/**
 * Counts a push that arrived; one in sixteen is written down, as sixteen. One attempt, and none is missed when it fails: too
 * few make the breaker careful, too many would make it careless.
 */
export const countSent = async (deps: Counting, line: Line): Promise<void> => {
  if (deps.random.unit() >= 1 / SAMPLE) return;
  const window = windowOf(deps);
  try {
    await deps.ddb.updateOnce({
      ...rowOf(deps, line, window),
      UpdateExpression: 'SET #sent = if_not_exists(#sent, :zero) + :some, #expires = :expires',
      ExpressionAttributeNames: { '#sent': 'sent', '#expires': 'expires' },
      ExpressionAttributeValues: { ':zero': 0, ':some': SAMPLE, ':expires': expiresOf(window) },
    });
  } catch (error) {
    deps.log({ level: 'warn', msg: 'push count lost', ...line, error: errorName(error) });
  }
};

/** Counts a dead address, and tells how the window stands with it. A repeat on doubt may count it twice: careful. */
const countDead = async (deps: Counting, line: Line, window: number): Promise<Counts> => {
  const result = await deps.ddb.update({
    ...rowOf(deps, line, window),
    UpdateExpression: 'SET #dead = if_not_exists(#dead, :zero) + :one, #expires = :expires',
    ExpressionAttributeNames: { '#dead': 'dead', '#expires': 'expires' },
    ExpressionAttributeValues: { ':zero': 0, ':one': 1, ':expires': expiresOf(window) },
    ReturnValues: 'ALL_NEW',
  });
  // It has no condition that could be refused.
  return Raised.parse(isRefused(result) ? result.item : result);
};

/**
 * The window before counts too, so that trouble that lasts gets no new allowance every ten minutes. Only who would forget
 * by this window asks for it: half a read unit for each address that dies in ordinary times, none while the breaker is open.
 */
const countsSince = async (deps: Counting, line: Line, window: number): Promise<Counts> => {
  const here = await countDead(deps, line, window);
  if (!isNormal(here)) return here;
  const before = Counts.parse((await deps.ddb.get(rowOf(deps, line, window - 1))) ?? {});
  return { dead: here.dead + before.dead, sent: here.sent + before.sent };
};

/**
 * Counts an address that its provider calls dead. @returns may it be forgotten? Not when that can't be counted either: the
 * next push asks again. Alarms listen to `push breaker open`, and to `push breaker unknown` where it lasts.
 */
export const mayForget = async (deps: Counting, line: Line): Promise<boolean> => {
  try {
    const counts = await countsSince(deps, line, windowOf(deps));
    if (isNormal(counts)) return true;
    deps.log({ level: 'error', msg: 'push breaker open', ...line, ...counts });
  } catch (error) {
    deps.log({ level: 'error', msg: 'push breaker unknown', ...line, error: errorName(error) });
  }
  return false;
};
