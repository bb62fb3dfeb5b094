/**
 * Which erasures are open, and which were done: a row for each in the trail, so that what a queue lost is found. It holds the
 * person's id and moments, and goes some time after the backups that could bring the person back.
 */
import { z } from 'zod';
import { isRefused } from '../../core/ddb.ts';
import type { Deps } from '../../core/deps.ts';
import { erasureKey, erasuresKey } from '../../core/erasure-keys.ts';
import { type Actor, type TenantId, Timestamp, UserId, Version } from '../../core/ids.ts';

/** Backups reach back 35 days: until then a restore brings back who was erased. */
const KEPT_SECONDS = 60 * 24 * 3600;
/**
 * Nothing that was begun before can land later: a stream's batch is given up after 22 hours. What landed since is erased by a second
 * walk.
 */
export const REST_SECONDS = 25 * 3600;
const OPEN_LIMIT = 5000;

const Erasure = z.object({
  user: UserId,
  begun: Timestamp,
  /** `open`: the first walk; `resting`: until the second; `done`. */
  state: z.enum(['open', 'resting', 'done']),
  /** Unix seconds: not before. */
  due: z.int(),
  /** When the first walk had been everywhere. */
  erased: Timestamp.optional(),
  /** A long stream, and how far it was walked. */
  walked: z.object({ stream: z.string(), v: Version }).optional(),
});
export type Erasure = z.infer<typeof Erasure>;

type Rows = Pick<Deps, 'ddb' | 'env' | 'now'>;
const seconds = ({ now }: Pick<Deps, 'now'>): number => Math.floor(now().getTime() / 1000);
const rowOf = ({ env }: Pick<Deps, 'env'>, { tenant, user }: Actor) => ({
  TableName: env.TRAIL_TABLE,
  Key: erasureKey(tenant, user),
});

const BEGIN = 'SET #user = :user, #begun = :now, #state = :open, #due = :due REMOVE #expires, #walked, #erased';
const names = { '#user': 'user', '#begun': 'begun', '#state': 'state', '#due': 'due' };

/** Said again while it goes on, it changes nothing. @param again also one that was done, as after a restore */
export const openErasure = async (deps: Rows, actor: Actor, { again = false } = {}): Promise<void> => {
  await deps.ddb.update({
    ...rowOf(deps, actor),
    UpdateExpression: BEGIN,
    ConditionExpression: again ? 'attribute_not_exists(#state) OR #state <> :open' : 'attribute_not_exists(#state)',
    ExpressionAttributeNames: { ...names, '#expires': 'expires', '#walked': 'walked', '#erased': 'erased' },
    ExpressionAttributeValues: {
      ...{ ':user': actor.user, ':now': deps.now().toISOString(), ':open': 'open', ':due': seconds(deps) },
    },
  });
};

export const readErasure = async (deps: Rows, actor: Actor): Promise<Erasure | undefined> => {
  const item = await deps.ddb.get({ ...rowOf(deps, actor), ConsistentRead: true });
  return item && Erasure.parse(item);
};

/** Is there something to do now? */
export const isDue = (deps: Pick<Deps, 'now'>, { state, due }: Erasure): boolean =>
  state !== 'done' && due <= seconds(deps);

/** All of a tenant, also those that were done. */
export const readErasures = async ({ ddb, env }: Rows, tenant: TenantId): Promise<Erasure[]> => {
  const items = await ddb.query(
    {
      TableName: env.TRAIL_TABLE,
      KeyConditionExpression: '#pk = :pk',
      ExpressionAttributeNames: { '#pk': 'pk' },
      ExpressionAttributeValues: { ':pk': erasuresKey(tenant) },
    },
    OPEN_LIMIT,
  );
  return items.map((item) => Erasure.parse(item));
};

/** How far a long stream was walked: only saves going there again. */
export const markWalked = async (deps: Rows, actor: Actor, walked: NonNullable<Erasure['walked']>): Promise<void> => {
  await deps.ddb.update({
    ...rowOf(deps, actor),
    UpdateExpression: 'SET #walked = :walked',
    ConditionExpression: 'attribute_exists(#state)',
    ExpressionAttributeNames: { '#walked': 'walked', '#state': 'state' },
    ExpressionAttributeValues: { ':walked': walked },
  });
};

/** A walk has been everywhere. @returns whether that was the first walk; false also when another process was faster */
export const endWalk = async (deps: Rows, actor: Actor, { state }: Erasure): Promise<boolean> => {
  const now = seconds(deps);
  const first = state === 'open';
  const result = await deps.ddb.update({
    ...rowOf(deps, actor),
    UpdateExpression: first
      ? 'SET #state = :next, #due = :due, #erased = :now REMOVE #walked'
      : 'SET #state = :next, #expires = :expires REMOVE #walked',
    ConditionExpression: '#state = :state',
    ExpressionAttributeNames: {
      ...{ '#state': 'state', '#walked': 'walked' },
      ...(first ? { '#due': 'due', '#erased': 'erased' } : { '#expires': 'expires' }),
    },
    ExpressionAttributeValues: {
      ...{ ':state': state, ':next': first ? 'resting' : 'done' },
      ...(first
        ? { ':due': now + REST_SECONDS, ':now': deps.now().toISOString() }
        : { ':expires': now + KEPT_SECONDS }),
    },
  });
  return first && !isRefused(result);
};
