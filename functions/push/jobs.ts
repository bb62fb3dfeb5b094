/** One push job: one version of one stream for one device, to be shown there or, once it was read elsewhere, cleared. */
import { z } from 'zod';
import { DeviceId, TenantId, UserId, Version } from '../../core/ids.ts';
import { patiences } from './provider.ts';

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
  /** How often by a provider, in each class of trouble: each has waits of its own (retries.ts). */
  troubles: z.partialRecord(z.enum(patiences), z.int().min(0)).default({}),
  /** Unix seconds: longer than a queue can wait. Until then it is only sent on. */
  notBefore: z.int().min(0).default(0),
  /** To show: its part of the device's budget is spent, and not used for sure. A clear spends at each attempt. */
  paid: z.boolean().default(false),
  /** The budget was empty: what is newer in the stream may stand for it. */
  waited: z.boolean().default(false),
});
export type PushJob = z.infer<typeof PushJob>;
