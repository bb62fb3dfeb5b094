/** GET /v1/entitlements — what one may use by now, by all that one bought. */
import { http } from '../../core/http.ts';
import { entitlementsOf } from '../customer.ts';
import { Entitlements } from './entitlements.ts';

export const handler = http({ limit: 'reads', output: Entitlements, inAnyStanding: true }, ({ actor }, deps) =>
  entitlementsOf(deps, actor, deps.now()),
);
