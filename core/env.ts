/** The environment, parsed once; a missing value stops the cold start with its name. The only reader of process.env. */
import { z } from 'zod';
import { assert } from './assert.ts';
import { loadTenants, type Tenant } from './tenants.ts';

const Env = z.object({
  /** Only names metrics. */
  STAGE: z.string().min(1).optional(),
  EVENTS_TABLE: z.string().min(3),
  INBOX_TABLE: z.string().min(3),
  VIEWS_TABLE: z.string().min(3),
  DEVICES_TABLE: z.string().min(3),
  TRAIL_TABLE: z.string().min(3),
  TRANSACTIONS_TABLE: z.string().min(3),
  PUSH_QUEUE_URL: z.url(),
  EXPIRY_QUEUE_URL: z.url(),
  ASK_QUEUE_URL: z.url(),
  ERASURE_QUEUE_URL: z.url(),
  EXPORT_QUEUE_URL: z.url(),
  PARKED_BUCKET: z.string().min(3),
  AUDIT_BUCKET: z.string().min(3),
  EXPORTS_BUCKET: z.string().min(3),
  SOCKETS_ENDPOINT: z.url(),
  TENANTS_DIR: z.string().min(1),
});
export type Env = z.infer<typeof Env>;

let parsed: Env | undefined;

export const env = (): Env => {
  if (parsed) return parsed;
  const result = Env.safeParse(process.env);
  if (!result.success) throw new Error(`environment: ${z.prettifyError(result.error)}`);
  parsed = result.data;
  return parsed;
};

let tenants: Map<string, Tenant> | undefined;

/** All tenants by id. */
export const allTenants = (): ReadonlyMap<string, Tenant> => {
  tenants ??= new Map(loadTenants(env().TENANTS_DIR).map((tenant) => [tenant.tenant, tenant]));
  return tenants;
};

/** @throws if there is no such tenant: ids reach this point only from verified tokens or our own keys */
export const tenantOf = (id: string): Tenant => {
  const tenant = allTenants().get(id);
  assert(tenant, `no tenant ${id}`);
  return tenant;
};
