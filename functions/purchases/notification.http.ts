/**
 * POST /v1/appstore/notifications/{tenant} — the App Store says what happened to a purchase. Public: the payload's own
 * signature is all that is believed. Verified and appended to the audit before the answer, and nothing else: what follows
 * from it follows from the audit's stream.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Deps } from '../../core/deps.ts';
import { allTenants } from '../../core/env.ts';
import { hook } from '../../core/hook.ts';
import type { TenantId } from '../../core/ids.ts';
import { Problem, problems } from '../../core/problem.ts';
import { keep } from './appstore-keep.ts';
import { quarantine } from './quarantine.ts';
import { revokedBy } from './revocation.ts';
import { type Refusal, trustOf, verifyNotification } from './verify.ts';

const BODY_BYTES = 256 * 1024;

/** Which rule it broke helps nobody but who forges. */
const untrusted = () =>
  new Problem({
    status: 401,
    code: 'untrusted',
    detail: 'This is not a notification that the App Store signed for this app.',
  });

/** Signed by the store, for this app: it comes again, and by then we may have learnt to read it. */
const notUnderstood = (deps: Deps, tenant: TenantId, { refused: rule, detail }: Refusal, payload: string): Problem => {
  const digest = createHash('sha256').update(payload).digest('hex');
  deps.log({ level: 'error', msg: 'notification not understood', tenant, rule, detail, digest });
  return new Problem({
    ...{ status: 503, code: 'not-understood', retryAfter: 3600 },
    detail: 'This is genuine and not understood here yet. Send it again later.',
  });
};

export const handler = hook(
  {
    params: z.strictObject({ tenant: z.string() }),
    // Apple may say more beside it some day, and does not come again after a 400.
    body: z.object({ signedPayload: z.string().min(1) }),
    bytes: BODY_BYTES,
  },
  async ({ params, body: { signedPayload } }, deps) => {
    const tenant = allTenants().get(params.tenant);
    if (!tenant?.purchases?.appstore) throw problems.notFound();
    const verified = await verifyNotification(trustOf(tenant), signedPayload, deps.now(), {
      live: true,
      revoked: revokedBy(deps, tenant.tenant),
    });
    if ('refused' in verified && verified.genuine) throw notUnderstood(deps, tenant.tenant, verified, signedPayload);
    if ('refused' in verified) {
      await quarantine(deps, tenant.tenant, { refused: verified.refused, payload: signedPayload });
      throw untrusted();
    }
    const { chain, n, fresh } = await keep(deps, tenant.tenant, verified, signedPayload);
    const { type, subtype, signed } = verified;
    // Apple sends again for days what it could not deliver; older than that, somebody else does.
    const age = Math.round((deps.now().getTime() - signed) / 1000);
    deps.log({ level: 'info', msg: 'notification kept', tenant: tenant.tenant, chain, n, fresh, type, subtype, age });
  },
);
