/** GET /v1/me — one's own profile, and what is missing in it by today's schema. */
import { tenantOf } from '../../core/env.ts';
import { http } from '../../core/http.ts';
import { load } from '../../core/load.ts';
import { profile } from './profile.ts';
import { Mine, mineOf } from './shown.ts';

export const handler = http({ output: Mine, limit: 'reads' }, async ({ actor }, deps) => {
  const { state } = await load(deps, profile, { tenant: actor.tenant, kind: 'profile', id: actor.user });
  return mineOf(actor.user, state, tenantOf(actor.tenant).profile, deps.now());
});
