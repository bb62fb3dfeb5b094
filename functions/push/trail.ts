/**
 * What became of each push: append-only records, one for each decision, kept for 30 days. They hold ids and reasons,
 * neither tokens nor what was written.
 */
import { z } from 'zod';
import type { Deps } from '../../core/deps.ts';
import { DeviceId, type TenantId, type UserId } from '../../core/ids.ts';
import { trailKey, trailPrefix } from '../../core/keys.ts';

/** As long as APNs keeps what waits for a phone that is off. */
export const TRAIL_SECONDS = 30 * 24 * 3600;
const DECISIONS_LIMIT = 1000;

export const decisions = ['sent', 'later', 'skipped', 'failed', 'received'] as const;

export const TrailRecord = z.object({
  device: DeviceId,
  at: z.iso.datetime(),
  /** What it was about: showing the event, or clearing it. */
  what: z.enum(['show', 'clear']),
  decision: z.enum(decisions),
  /** Of a clear: how many messages were read. */
  read: z.int().optional(),
  /** Why it was skipped, put off or failed. */
  reason: z.string().optional(),
  /** The kind of address. */
  provider: z.string().optional(),
  /** The apns-id: the same for every attempt. */
  pushId: z.string().optional(),
  /** What FCM, or APNs, calls it. */
  providerId: z.string().optional(),
  attempt: z.int().min(0),
  /** When it comes again. */
  retryAt: z.iso.datetime().optional(),
  /** The newer event that stands for it. */
  into: z.string().optional(),
});
export type TrailRecord = z.infer<typeof TrailRecord>;

/** One event as one person was to hear of it. */
export type About = { tenant: TenantId; person: UserId; stream: string; v: number };

type Rows = Pick<Deps, 'ddb' | 'env'>;

/** Written once; writing it again, after a doubt, changes nothing. @param name tells records of one device and event apart */
export const record = async ({ ddb, env }: Rows, about: About, name: string, entry: TrailRecord): Promise<void> => {
  const { tenant, person, stream, v } = about;
  await ddb.update({
    TableName: env.TRAIL_TABLE,
    Key: trailKey(tenant, person, { stream, v, device: entry.device, name }),
    UpdateExpression: 'SET #record = :record, #expires = :expires',
    ConditionExpression: 'attribute_not_exists(#record)',
    ExpressionAttributeNames: { '#record': 'record', '#expires': 'expires' },
    ExpressionAttributeValues: {
      ':record': entry,
      ':expires': Math.floor(Date.parse(entry.at) / 1000) + TRAIL_SECONDS,
    },
  });
};

/** All decisions about an event, oldest first; those of one device, and whose names begin so, if it is named. */
export const decisionsOf = async (
  { ddb, env }: Rows,
  about: About,
  device?: DeviceId,
  name?: string,
): Promise<TrailRecord[]> => {
  const { tenant, person, stream, v } = about;
  const { pk, prefix } = trailPrefix(tenant, person, { stream, v, device, name });
  const items = await ddb.query(
    {
      TableName: env.TRAIL_TABLE,
      KeyConditionExpression: '#pk = :pk AND begins_with(#sk, :prefix)',
      ExpressionAttributeNames: { '#pk': 'pk', '#sk': 'sk' },
      ExpressionAttributeValues: { ':pk': pk, ':prefix': prefix },
      ConsistentRead: true,
    },
    DECISIONS_LIMIT,
  );
  const records = items.flatMap(({ record: entry }) => TrailRecord.safeParse(entry).data ?? []);
  return records.sort((a, b) => (a.at < b.at ? -1 : 1));
};
