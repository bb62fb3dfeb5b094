/** A person's newest export: asked for, collected part by part, and ready for seven days. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { isRefused } from '../../core/ddb.ts';
import type { Deps } from '../../core/deps.ts';
import { exportKey, exportLinkKey } from '../../core/erasure-keys.ts';
import { type Actor, TenantId, Timestamp, UserId } from '../../core/ids.ts';

const WEEK_SECONDS = 7 * 24 * 3600;
/** One that is not ready by then was lost, and can be asked for anew. */
const LOST_SECONDS = 3600;
const LINK_SECONDS = 15 * 60;

const Row = z.object({
  id: z.string(),
  state: z.enum(['asked', 'ready']),
  asked: Timestamp,
  parts: z.int().min(1).optional(),
  /** Unix seconds. */
  expires: z.int(),
});
export type Export = z.infer<typeof Row>;

type Rows = Pick<Deps, 'ddb' | 'env' | 'now' | 'random'>;
const seconds = ({ now }: Pick<Deps, 'now'>): number => Math.floor(now().getTime() / 1000);
const rowOf = ({ env }: Pick<Deps, 'env'>, { tenant, user }: Actor) => ({
  TableName: env.TRAIL_TABLE,
  Key: exportKey(tenant, user),
});

/** Undefined also for one that is over: the table forgets it in its own time. */
export const readExport = async (deps: Rows, actor: Actor): Promise<Export | undefined> => {
  const item = await deps.ddb.get({ ...rowOf(deps, actor), ConsistentRead: true });
  const row = item && Row.parse(item);
  return row && row.expires > seconds(deps) ? row : undefined;
};

/** @returns the one that is being made already, or a new one */
export const askForExport = async (deps: Rows, actor: Actor): Promise<{ row: Export; fresh: boolean }> => {
  const now = seconds(deps);
  const row: Export = {
    ...{ id: deps.random.id(), state: 'asked', asked: deps.now().toISOString() },
    expires: now + WEEK_SECONDS,
  };
  const { TableName, Key } = rowOf(deps, actor);
  const result = await deps.ddb.put({
    ...{ TableName, Item: { ...Key, ...row } },
    ConditionExpression: 'attribute_not_exists(#state) OR #state <> :asked OR #asked < :lost',
    ExpressionAttributeNames: { '#state': 'state', '#asked': 'asked' },
    ExpressionAttributeValues: { ':asked': 'asked', ':lost': new Date((now - LOST_SECONDS) * 1000).toISOString() },
  });
  return isRefused(result) ? { row: Row.parse(result.item), fresh: false } : { row, fresh: true };
};

/** Only of the newest: one that was asked for since, or a person who left, makes it nothing. */
export const endExport = async (deps: Rows, actor: Actor, id: string, parts: number): Promise<void> => {
  await deps.ddb.update({
    ...rowOf(deps, actor),
    UpdateExpression: 'SET #state = :ready, #parts = :parts, #expires = :expires',
    ConditionExpression: '#id = :id',
    ExpressionAttributeNames: { '#id': 'id', '#state': 'state', '#parts': 'parts', '#expires': 'expires' },
    ExpressionAttributeValues: {
      ...{ ':id': id, ':ready': 'ready', ':parts': parts, ':expires': seconds(deps) + WEEK_SECONDS },
    },
  });
};

const Link = z.object({ tenant: TenantId, user: UserId, id: z.string(), until: z.int() });
const hash = (secret: string): string => createHash('sha256').update(secret).digest('base64url');

/** Nobody can guess it, it opens this one archive, and soon nothing. */
export const makeLink = async (deps: Rows, { tenant, user }: Actor, { id }: Export) => {
  const secret = `${deps.random.id()}${deps.random.id()}`;
  const until = seconds(deps) + LINK_SECONDS;
  const link = { tenant, user, id, until, expires: until };
  await deps.ddb.put({ TableName: deps.env.TRAIL_TABLE, Item: { ...exportLinkKey(tenant, hash(secret)), ...link } });
  return { token: `${tenant}.${secret}`, until: new Date(until * 1000).toISOString() };
};

/** Whose archive a link opens; undefined when it opens nothing. */
export const openLink = async (deps: Rows, token: string): Promise<z.infer<typeof Link> | undefined> => {
  const dot = token.indexOf('.');
  const tenant = TenantId.safeParse(token.slice(0, dot));
  if (!tenant.success) return undefined;
  const Key = exportLinkKey(tenant.data, hash(token.slice(dot + 1)));
  const item = await deps.ddb.get({ TableName: deps.env.TRAIL_TABLE, Key, ConsistentRead: true });
  const link = item && Link.parse(item);
  return link && link.until > seconds(deps) ? link : undefined;
};
