/**
 * The embedded engine's file, opened beside it. It keeps stream records for ever in a table without an index, so that
 * every write and every poll slows down with each record; two indexes and trimming cure that. The file also says at
 * once how far a stream is, which saves a poll for every look.
 */
import { DatabaseSync } from 'node:sqlite';

export type EngineFile = {
  /** The newest sequence number of a table's stream, 0n for none; undefined when the file cannot be read just now. */
  head: (table: string) => bigint | undefined;
  /** One bounded step: deletes records below `before` that are older than a day. @returns how many */
  trim: (table: string, before: bigint) => number;
  close: () => void;
};

const position = 'CAST(sequence_number AS INTEGER)';
const indexes = `
  CREATE INDEX IF NOT EXISTS chorus_shard ON _stream_records(table_name, shard_id, ${position});
  CREATE INDEX IF NOT EXISTS chorus_table ON _stream_records(table_name, ${position});
`;
const columns = ['id', 'table_name', 'shard_id', 'sequence_number', 'created_at'];
const trimStep = 200;
const retentionSeconds = 24 * 3600;
const busyMilliseconds = 2_000;

const newestOf = `SELECT max(${position}) AS head FROM _stream_records WHERE table_name = ?`;
const deleteOldest = `
  DELETE FROM _stream_records WHERE id IN (
    SELECT id FROM (
      SELECT id, created_at FROM _stream_records
      WHERE table_name = ? AND ${position} < ? ORDER BY ${position} LIMIT ${trimStep}
    ) WHERE created_at < unixepoch() - ${retentionSeconds}
  )`;

/** @returns undefined for a file of another shape, which works without our help, only slower */
const openIndexed = (path: string): DatabaseSync | undefined => {
  const database = new DatabaseSync(path, { timeout: busyMilliseconds });
  const present = database.prepare(`SELECT name FROM pragma_table_info('_stream_records')`).all();
  if (!columns.every((column) => present.some(({ name }) => name === column))) {
    database.close();
    return undefined;
  }
  // Making an index may wait for the engine; everything after must not hold up this process's one thread.
  database.exec(indexes);
  database.exec('PRAGMA busy_timeout = 0; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0');
  return database;
};

/** @returns undefined for a file that is not as expected */
export const openEngineFile = (path: string): EngineFile | undefined => {
  const database = openIndexed(path);
  if (!database) return undefined;
  const newest = database.prepare(newestOf);
  newest.setReadBigInts(true);
  const oldest = database.prepare(deleteOldest);

  const head = (table: string): bigint | undefined => {
    try {
      const value = newest.get(table)?.head;
      return typeof value === 'bigint' ? value : 0n;
    } catch {
      return undefined;
    }
  };
  return {
    head,
    trim: (table, before) => {
      // The newest record stays: the engine numbers the next one after it.
      const newestPosition = head(table) ?? 0n;
      try {
        return Number(oldest.run(table, before < newestPosition ? before : newestPosition).changes);
      } catch {
        return 0;
      }
    },
    close: () => database.close(),
  };
};
