/**
 * Tenants (apps): one JSON file each in `tenants/`, validated at synth and at every cold start.
 * Secrets stand in them by name only.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { TenantId } from './ids.ts';
import { TenantLimits } from './limit-table.ts';
import { matchingRules } from './tenant-matching.ts';
import { ProfileRules } from './tenant-people.ts';
import { purchaseRules } from './tenant-purchases.ts';
import { Safety, usualSafety } from './tenant-safety.ts';

const loopback = /^http:\/\/(127\.0\.0\.1|localhost|\[::1\])(:\d+)?(\/|$)/;
const SafeUrl = z
  .url()
  .refine((url) => url.startsWith('https://') || loopback.test(url), 'must be https (http only on loopback)');

/** The name of a parameter that holds a secret, never the secret itself. */
const SecretName = z.string().regex(/^\/chorus\/[A-Za-z0-9/_-]{1,200}$/, 'must be a parameter name under /chorus/');

const AppleTeam = z.string().regex(/^[A-Z0-9]{10}$/, 'must be 10 capital letters or digits');

/** Names of entitlements are the app's own. */
const EntitlementName = z.string().regex(/^[a-z][a-z0-9_-]{0,39}$/, 'must be 1 to 40 of a-z, 0-9, _ and -');

const Apns = z.strictObject({
  teamId: AppleTeam,
  keyId: AppleTeam,
  /** Parameter with the .p8 key (PEM). */
  key: SecretName,
  /** Bundle ids that may register addresses. */
  topics: z.array(z.string().regex(/^[A-Za-z0-9.-]{1,155}$/)).min(1),
  /** Which addresses may be registered: an app in the store has production ones only. */
  environments: z
    .array(z.enum(['production', 'sandbox']))
    .min(1)
    .default(['production', 'sandbox']),
  production: SafeUrl.default('https://api.push.apple.com'),
  sandbox: SafeUrl.default('https://api.sandbox.push.apple.com'),
});

const Fcm = z.strictObject({
  projectId: z.string().regex(/^[a-z][a-z0-9-]{4,28}[a-z0-9]$/),
  /** Parameter with the service account (JSON). */
  account: SecretName,
  /** Package names that may register addresses. */
  apps: z.array(z.string().regex(/^[A-Za-z0-9._]{1,155}$/)).min(1),
  origin: SafeUrl.default('https://fcm.googleapis.com'),
});

/** Sign in with Apple: what Apple says of accounts (consent revoked, account deleted). */
const Apple = z.strictObject({
  /** For whom it is said: bundle ids and service ids. */
  clientIds: z.array(z.string().regex(/^[A-Za-z0-9.-]{1,155}$/)).min(1),
  issuer: SafeUrl.default('https://appleid.apple.com'),
  jwksUri: SafeUrl.default('https://appleid.apple.com/auth/keys'),
  /** Are the ids of our people Apple's `sub`, or does only the issuer know who is meant? */
  subject: z.enum(['user', 'unknown']).default('unknown'),
});

export const Tenant = z.strictObject({
  tenant: TenantId,
  name: z.string().min(1).max(80),
  auth: z.strictObject({
    issuer: SafeUrl,
    jwksUri: SafeUrl,
    audience: z.string().min(1).max(200),
    algorithms: z.array(z.enum(['RS256', 'ES256', 'EdDSA'])).min(1),
    /** A scope that access tokens carry and ID tokens do not. */
    scope: z.string().min(1).max(100),
  }),
  push: z.strictObject({
    apns: Apns.optional(),
    fcm: Fcm.optional(),
    /** `full`: what was written travels in the push; `ids`: only where it is, and the app fetches it. */
    content: z.enum(['full', 'ids']).default('full'),
    /** How long a push to a device that claims to be connected waits for its acknowledgement. */
    graceSeconds: z.int().min(0).max(900).default(10),
  }),
  purchases: purchaseRules({ SafeUrl, SecretName, AppleTeam, EntitlementName }).optional(),
  apple: Apple.optional(),
  /** Instead of the numbers in core/limit-table.ts. */
  limits: TenantLimits.optional(),
  safety: Safety.default(usualSafety),
  matching: matchingRules(EntitlementName),
  /** What people say about themselves. */
  profile: ProfileRules.prefault({}),
});
export type Tenant = z.infer<typeof Tenant>;

/** One sentence a line: file, field, rule. */
export class TenantError extends Error {
  override name = 'TenantError';
}

const readTenant = (dir: string, file: string): Tenant => {
  const refuse = (path: string, rule: string): never => {
    throw new TenantError(`${dir}/${file}: ${path}: ${rule}`);
  };
  const json = (): unknown => {
    try {
      return JSON.parse(readFileSync(join(dir, file), 'utf8'));
    } catch {
      return refuse('the file', 'is not JSON');
    }
  };
  const parsed = Tenant.safeParse(json());
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    return refuse(issue?.path.join('.') || 'the file', issue?.message ?? 'is not a tenant');
  }
  return parsed.data.tenant === file.replace(/\.json$/, '')
    ? parsed.data
    : refuse('tenant', `must be the file's name, ${file.replace(/\.json$/, '')}`);
};

/** Apple counts the tokens of a team, and bars one that makes them by turns with two keys. */
const checkTeams = (dir: string, tenants: Tenant[]): void => {
  const keys = new Map<string, { tenant: string; keyId: string }>();
  for (const { tenant, push } of tenants) {
    if (!push.apns) continue;
    const { teamId, keyId } = push.apns;
    const other = keys.get(teamId) ?? { tenant, keyId };
    keys.set(teamId, other);
    if (other.keyId !== keyId)
      throw new TenantError(
        `${dir}/${tenant}.json: push.apns.keyId: must be ${other.tenant}'s, ${other.keyId}, for the same Apple team`,
      );
  }
};

/** Else one purchase would have an owner in each. */
const checkApps = (dir: string, tenants: Tenant[]): void => {
  const apps = new Map<string, string>();
  for (const { tenant, purchases } of tenants) {
    const { bundleId } = purchases?.appstore ?? {};
    if (bundleId === undefined) continue;
    const other = apps.get(bundleId);
    apps.set(bundleId, tenant);
    if (other !== undefined)
      throw new TenantError(
        `${dir}/${tenant}.json: purchases.appstore.bundleId: is ${other}'s too; each sells its own app`,
      );
  }
};

/**
 * Reads every tenant of a folder.
 * @throws TenantError that names file, field and rule; also when there is no tenant, two share an issuer and audience, or an
 * app in the App Store, or an Apple team has two keys
 */
export const loadTenants = (dir: string): Tenant[] => {
  const files = readdirSync(dir).filter((file) => file.endsWith('.json'));
  if (files.length === 0) throw new TenantError(`${dir}: holds no tenant file; add one such as demo.json`);
  const tenants = files.sort().map((file) => readTenant(dir, file));
  const seen = new Map<string, string>();
  for (const { tenant, auth } of tenants) {
    const pair = JSON.stringify([auth.issuer, auth.audience]);
    const other = seen.get(pair);
    if (other)
      throw new TenantError(
        `${dir}/${tenant}.json: auth.audience: is ${other}'s too, for the same issuer; each needs its own`,
      );
    seen.set(pair, tenant);
  }
  checkTeams(dir, tenants);
  checkApps(dir, tenants);
  return tenants;
};
