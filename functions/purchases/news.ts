/**
 * Whether a statement says anything that is not known yet. A store signs its answers anew each time it is asked; what says the same
 * as before is not kept again, so that asking often fills nothing.
 */
import { canonicalJson } from '../../core/json.ts';
import type { Fact } from './facts.ts';

type Signed = { signed: number };

/** What was signed last; of several signed at once, any. */
const newest = <T>(parts: T[], signedOf: (part: T) => number): T | undefined =>
  parts.reduce<T | undefined>((a, b) => (a !== undefined && signedOf(a) >= signedOf(b) ? a : b), undefined);

/** What was signed before the latest of its kind says nothing any more. */
const isKnown = (one: Signed | undefined, other: Signed): boolean =>
  one !== undefined &&
  (other.signed < one.signed || canonicalJson({ ...one, signed: 0 }) === canonicalJson({ ...other, signed: 0 }));

const latest = <P extends Signed>(parts: (P | undefined)[]): P | undefined =>
  newest(
    parts.filter((part) => part !== undefined),
    ({ signed }) => signed,
  );

/** Compared part by part with what was signed last of each: what has changed back is news too. */
export const isNews = (known: readonly Fact[], { transaction, renewal, verdict }: Fact): boolean => {
  const before =
    transaction && known.flatMap((fact) => (fact.transaction?.id === transaction.id ? [fact.transaction] : []));
  if (transaction && !isKnown(latest(before ?? []), transaction)) return true;
  if (renewal && !isKnown(latest(known.map((fact) => fact.renewal)), renewal)) return true;
  if (verdict === undefined) return false;
  const judged = known.filter((fact) => fact.verdict !== undefined);
  return newest(judged, ({ signed }) => signed)?.verdict !== verdict;
};
