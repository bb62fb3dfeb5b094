/** Removes a whole partition of rows that nobody needs any more, a bounded piece at a time. */

import { assert } from './assert.ts';
import type { Deps } from './deps.ts';

/** Items of one transaction. */
const PIECE = 25;

type Rows = Pick<Deps, 'ddb'>;

/** The first rows of a partition, consistently read. */
export const firstRows = async ({ ddb }: Rows, TableName: string, pk: string, limit = PIECE) =>
  ddb.query(
    {
      TableName,
      KeyConditionExpression: '#pk = :pk',
      ExpressionAttributeNames: { '#pk': 'pk' },
      ExpressionAttributeValues: { ':pk': pk },
      ConsistentRead: true,
    },
    limit,
  );

/** Rows that are gone already are no trouble. @throws when somebody else writes to one of them right now */
export const removeRows = async (
  { ddb }: Rows,
  TableName: string,
  rows: readonly Record<string, unknown>[],
): Promise<void> => {
  for (let from = 0; from < rows.length; from += PIECE) {
    const some = rows.slice(from, from + PIECE);
    const items = some.map(({ pk, sk }) => ({ Delete: { TableName, Key: { pk: String(pk), sk: String(sk) } } }));
    assert(!(await ddb.transact(items)), `rows of ${TableName} do not hold still`);
  }
};

/** Yields after each piece, and when it comes again begins with what is left. */
export async function* clear(deps: Rows, TableName: string, pk: string): AsyncGenerator<void> {
  for (;;) {
    const rows = await firstRows(deps, TableName, pk);
    if (rows.length === 0) return;
    await removeRows(deps, TableName, rows);
    yield;
  }
}
