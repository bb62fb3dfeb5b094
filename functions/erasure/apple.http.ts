/**
 * POST /v1/apple/account-events/{tenant} — Sign in with Apple says that somebody took their consent back, or deleted their Apple
 * account. Public: Apple's signature is all that is believed.
 */
import { z } from 'zod';
import { allTenants } from '../../core/env.ts';
import { hook } from '../../core/hook.ts';
import { problems } from '../../core/problem.ts';
import { hearApple, verifyAppleEvent } from './apple.ts';

const BODY_BYTES = 64 * 1024;

export const handler = hook(
  {
    params: z.strictObject({ tenant: z.string() }),
    // Apple may say more beside it some day, and does not come again after a 400.
    body: z.object({ payload: z.string().min(1) }),
    bytes: BODY_BYTES,
  },
  async ({ params, body: { payload } }, deps) => {
    const tenant = allTenants().get(params.tenant);
    if (!tenant?.apple) throw problems.notFound();
    const event = await verifyAppleEvent(tenant.apple, payload, deps.now());
    await hearApple(deps, { tenant: tenant.tenant, apple: tenant.apple }, event);
  },
);
