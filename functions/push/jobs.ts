/** One push job: one version of one stream for one device. */
import { z } from 'zod';
import { DeviceId, TenantId, UserId, Version } from '../../core/ids.ts';

export const PushJob = z.strictObject({
  tenant: TenantId,
  person: UserId,
  device: DeviceId,
  stream: z.string(),
  v: Version.min(1),
  /** How often a provider asked for patience. */
  attempt: z.int().min(0).default(0),
});
export type PushJob = z.infer<typeof PushJob>;
