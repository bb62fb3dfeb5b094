/** One push job: one version of one stream for one device, to be shown there or, once it was read elsewhere, cleared. */
import { z } from 'zod';
import { DeviceId, TenantId, UserId, Version } from '../../core/ids.ts';

export const PushJob = z.strictObject({
  tenant: TenantId,
  person: UserId,
  device: DeviceId,
  stream: z.string(),
  v: Version.min(1),
  /** `clear`: the person read up to there, or wrote it, on another device. */
  what: z.enum(['show', 'clear']).default('show'),
  /** To clear: how many messages were read. */
  read: z.int().min(0).default(0),
  /** How often it was put off: by a provider, a budget or a hold. */
  attempt: z.int().min(0).default(0),
  /** Its part of the device's budget is spent: a retry costs nothing more. */
  paid: z.boolean().default(false),
  /** The budget was empty: what is newer in the stream may stand for it. */
  waited: z.boolean().default(false),
});
export type PushJob = z.infer<typeof PushJob>;
