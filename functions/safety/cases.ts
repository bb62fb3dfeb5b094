/** The moderators' list: a row for each case, a read model kept by a reaction, rebuildable from the cases' events. */
import { z } from 'zod';
import type { Deps } from '../../core/deps.ts';
import { type TenantId, Timestamp, UserId } from '../../core/ids.ts';
import { CASE, caseRowKey, casesKey, parseCaseRowKey } from '../../core/safety-keys.ts';
import type { RowChange, View } from '../../core/views.ts';
import { CaseEvent } from './case.ts';

const Row = z.object({
  person: UserId,
  /** Reports that nobody answered, and since when. */
  open: z.int(),
  since: Timestamp.optional(),
  /** What happened last. */
  last: z.string(),
  at: Timestamp,
  v: z.int(),
});
export type CaseRow = z.infer<typeof Row>;

export const casesView: View = {
  name: CASE,
  kind: 'case',
  changes: ({ tenant }, { v, events }) =>
    events.map((each): RowChange => {
      const { type: last, person, open, since, at } = CaseEvent.parse(each);
      const key = caseRowKey(tenant, person);
      return { key, row: { ...key, person, open, ...(since !== undefined && { since }), last, at, v } };
    }),
  causeOf: (key) => {
    const row = parseCaseRowKey(key);
    return row && { tenant: row.tenant, kind: 'case', id: row.user };
  },
};

const LIMIT = 10_000;

/** Those with open reports, the longest waiting first; with `all` every case there ever was, after them. */
export const readCases = async (
  { ddb, env }: Pick<Deps, 'ddb' | 'env'>,
  tenant: TenantId,
  { all }: { all: boolean },
): Promise<CaseRow[]> => {
  const items = await ddb.query(
    {
      TableName: env.VIEWS_TABLE,
      KeyConditionExpression: '#pk = :pk',
      ExpressionAttributeNames: { '#pk': 'pk' },
      ExpressionAttributeValues: { ':pk': casesKey(tenant) },
    },
    LIMIT,
  );
  const rows = items.map((item) => Row.parse(item)).filter(({ open }) => all || open > 0);
  const waiting = ({ since, at }: CaseRow): string => since ?? `~${at}`;
  return rows.sort((a, b) => (waiting(a) < waiting(b) ? -1 : 1));
};
