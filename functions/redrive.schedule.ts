/**
 * Every five minutes: whole batches that a stream's function gave up on landed in the bucket; each is given to its
 * function again, and parked for an operator after a day of failing.
 */
import type { Context, ScheduledEvent } from 'aws-lambda';
import type { Deps } from '../core/deps.ts';
import { invocation } from '../core/edge.ts';
import { errorName } from '../core/log.ts';
import { PARKED } from '../core/parked.ts';
import { invokeAgain } from './redrive.ts';

const PAGES = 20;
const PAGE = 50;
const GIVE_UP_MS = 24 * 3600_000;
/** Where Lambda's S3 destination puts whole failed invocations. */
const PREFIX = 'aws/lambda/';

/** Copied before it is removed: a crash in between leaves it in both places, and the next round finishes. */
const giveUp = async ({ bucket, log }: Deps, key: string): Promise<void> => {
  const text = await bucket.get(key);
  if (text !== undefined) await bucket.put(`${PARKED}batches/${key}`, text);
  await bucket.remove(key);
  log({ level: 'error', msg: 'parked', key, from: 'redrive' });
};

/** @returns whether the batch is done with */
const redriveOne = async (deps: Deps, key: string, since: Date): Promise<boolean> => {
  try {
    const text = await deps.bucket.get(key);
    if (text === undefined) return true;
    await invokeAgain(deps, text);
    await deps.bucket.remove(key);
    deps.log({ level: 'info', msg: 'redriven', key });
    return true;
  } catch (error) {
    deps.log({ level: 'warn', msg: 'redrive failed', key, error: errorName(error) });
    if (deps.now().getTime() - since.getTime() < GIVE_UP_MS) return false;
    await giveUp(deps, key);
    return true;
  }
};

/**
 * Every failed batch, page by page, so that those which keep failing do not hide the others.
 * @throws when some failed again, after all were tried: that is what the alarm hears
 */
const redriveAll = async (deps: Deps): Promise<void> => {
  let after: string | undefined;
  let failed = 0;
  for (let page = 0; page < PAGES; page++) {
    const { objects, more } = await deps.bucket.list(PREFIX, { after, limit: PAGE });
    for (const { key, modified } of objects) if (!(await redriveOne(deps, key, modified ?? deps.now()))) failed++;
    after = objects.at(-1)?.key;
    if (!more || !after) break;
  }
  if (failed > 0) throw new Error(`${failed} batches failed again`);
};

export const handler = (_event: Pick<ScheduledEvent, 'time'>, context: Context): Promise<void> =>
  invocation(context, redriveAll);
