/** The doors to the push providers, by the kind of address; each loads its library when it is first used. */
import type { PushAddress } from '../../core/devices.ts';
import type { Tenant } from '../../core/tenants.ts';
import type { Outcome, Push } from './provider.ts';

/** The port: one attempt. Never throws for what a provider says or fails to say. */
export type Provider = (tenant: Tenant, push: Push, now: Date) => Promise<Outcome>;

export const providers: Record<PushAddress['kind'], Provider> = {
  apns: async (...args) => (await import('./apns.ts')).sendToApns(...args),
  'fcm-token': async (tenant, push) => (await import('./fcm.ts')).sendToFcm(tenant, push),
};
