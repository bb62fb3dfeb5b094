/**
 * What is left of a payload that was refused: its digest and the rule, so that an attack can be looked into. It was verified by
 * nobody and is asked for by nobody, so it is bounded whatever comes: one row for each day and first byte of the digest.
 */
import { createHash } from 'node:crypto';
import type { Deps } from '../../core/deps.ts';
import type { TenantId } from '../../core/ids.ts';
import { errorName } from '../../core/log.ts';
import { embedded } from '../../core/metrics.ts';
import { quarantineKey } from '../../core/purchase-keys.ts';

const KEEP_SECONDS = 30 * 24 * 3600;

type Refused = { refused: string; payload: string };

/** Says the rule to us alone: counted, logged, and kept as a digest. A row that can't be written is not missed. */
export const quarantine = async (deps: Deps, tenant: TenantId, { refused: rule, payload }: Refused): Promise<void> => {
  const digest = createHash('sha256').update(payload).digest('hex');
  const bytes = Buffer.byteLength(payload);
  const at = deps.now();
  const about = { namespace: `chorus-${deps.env.STAGE ?? 'local'}`, at, dimensions: { Tenant: tenant, Rule: rule } };
  const metrics = { NotificationsRefused: { unit: 'Count' as const, values: [1] } };
  deps.log({ level: 'warn', msg: 'notification refused', tenant, rule, digest, bytes });
  deps.log({ level: 'info', msg: 'measured', ...embedded({ ...about, metrics }) });
  const key = quarantineKey(tenant, at.toISOString().slice(0, 10), digest.slice(0, 2));
  const expires = Math.floor(at.getTime() / 1000) + KEEP_SECONDS;
  try {
    await deps.ddb.put({
      TableName: deps.env.TRAIL_TABLE,
      Item: { ...key, digest, rule, bytes, at: at.toISOString(), expires },
    });
  } catch (error) {
    deps.log({ level: 'warn', msg: 'not quarantined', tenant, digest, error: errorName(error) });
  }
};
