/** Why something may be reported: the tenant's tree of two levels, named by paths such as `harassment/threat`. Pure. */
import type { Tenant } from '../../core/tenants.ts';

export const pathsOf = ({ reasons }: Tenant['safety']): string[] =>
  Object.entries(reasons).flatMap(([name, kinds]) => [name, ...kinds.map((kind) => `${name}/${kind}`)]);

export const isReason = (safety: Tenant['safety'], path: string): boolean => pathsOf(safety).includes(path);
