/**
 * Read models: what a commit changes in one is a pure function, which the reaction that keeps it and the command that
 * rebuilds it share. A row's key begins with the view's name (`viewKey`).
 */
import type { Commit } from './commit.ts';
import type { Deps } from './deps.ts';
import type { Key, Stream, StreamKind } from './keys.ts';

export type Row = Key & Record<string, unknown>;
/**
 * `row` is absent when the commit removes it. One that changes with its stream has the version as `v`; it is never removed, for a
 * late write of an older version would bring it back; with `expires` it may go when nothing older can come any more. Those of the first format have none, and are older than any that has.
 */
export type RowChange = { key: Key; row: Row | undefined };

export type View = {
  name: string;
  /** Of the streams whose commits change it. */
  kind: StreamKind;
  /** In the order of versions, the last change of a row holds. */
  changes: (stream: Stream, commit: Pick<Commit, 'v' | 'events'>) => RowChange[];
  /** The one stream that a row follows from; undefined for a key that is none of this view's. */
  causeOf: (key: Key) => Stream | undefined;
};

/** Writing it twice writes the same. */
export const writeRow = async ({ ddb, env }: Pick<Deps, 'ddb' | 'env'>, { key, row }: RowChange): Promise<void> => {
  const TableName = env.VIEWS_TABLE;
  const { pk, sk } = key;
  if (row) await ddb.put({ TableName, Item: row });
  else await ddb.transact([{ Delete: { TableName, Key: { pk, sk } } }]);
};

/** As a reaction writes it, which may come late: an older version never takes the place of a newer one. */
export const raiseRow = async (deps: Pick<Deps, 'ddb' | 'env'>, change: RowChange): Promise<void> => {
  const v = change.row?.v;
  if (!change.row || typeof v !== 'number') return writeRow(deps, change);
  await deps.ddb.put({
    TableName: deps.env.VIEWS_TABLE,
    Item: change.row,
    ConditionExpression: 'attribute_not_exists(#v) OR #v < :v',
    ExpressionAttributeNames: { '#v': 'v' },
    ExpressionAttributeValues: { ':v': v },
  });
};

/** A row that must be there before an answer, whoever may have written it already. */
export const ensureRow = async (deps: Pick<Deps, 'ddb' | 'env'>, change: RowChange): Promise<void> => {
  const { pk, sk } = change.key;
  const there = await deps.ddb.get({ TableName: deps.env.VIEWS_TABLE, Key: { pk, sk }, ConsistentRead: true });
  if (!there) await writeRow(deps, change);
};
