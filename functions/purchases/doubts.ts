/**
 * Where a store judged a purchase differently from us: each of its verdicts is told once, by an alarm and then by a row for who looks
 * into it. What was late to arrive may explain it by then.
 */
import type { Deps } from '../../core/deps.ts';
import type { TenantId } from '../../core/ids.ts';
import { disagreementKey } from '../../core/purchase-keys.ts';
import { factsOf, type Known } from './entitle.ts';
import { disagreements } from './purchase.ts';

const KEEP_SECONDS = 365 * 24 * 3600;
/** Of one chain at once: more say nothing more. */
const TOLD_LIMIT = 20;

export const tellDoubts = async (
  deps: Deps,
  tenant: TenantId,
  chain: string,
  known: readonly Known[],
): Promise<void> => {
  const { TRAIL_TABLE: TableName } = deps.env;
  const expires = Math.floor(deps.now().getTime() / 1000) + KEEP_SECONDS;
  for (const { signed, ours, theirs } of disagreements(factsOf(known)).slice(-TOLD_LIMIT)) {
    const n = known.find(({ fact }) => fact.signed === signed)?.n;
    const doubt = { chain, n, signed, ours, theirs };
    const key = disagreementKey(tenant, chain, signed);
    if (await deps.ddb.get({ TableName, Key: key, ConsistentRead: true })) continue;
    deps.log({ level: 'error', msg: 'entitlement disagrees', tenant, ...doubt });
    await deps.ddb.put({ TableName, Item: { ...key, ...doubt, at: deps.now().toISOString(), expires } });
  }
};
