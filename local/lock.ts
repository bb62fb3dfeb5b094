/**
 * One process per data folder: two engines would open the same file and both believe that it is theirs. The lock is one
 * of the operating system's (SQLite takes it), so it ends with its process, however that ends: a stale one cannot exist.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { StartError } from './errors.ts';

export type Lock = { release: () => void };

/** A killed process needs a moment until the system has cleared it away. */
const patienceMilliseconds = 300;

const isBusy = (error: unknown): boolean =>
  error instanceof Error && 'errcode' in error && (error.errcode === 5 || error.errcode === 261);

const holderOf = (pidFile: string): string => {
  try {
    return `process ${Number(readFileSync(pidFile, 'utf8'))}`;
  } catch {
    return 'another process';
  }
};

/** The folder holds keys: no commit takes them along, wherever it lies. */
const makeFolder = (folder: string): void => {
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, '.gitignore'), '*\n');
  } catch (error) {
    const why = error instanceof Error ? error.message.split(',', 1)[0] : String(error);
    throw new StartError(`cannot use ${folder} as a data folder (${why}): choose another one with --data`);
  }
};

/**
 * Makes the folder if need be.
 * @throws StartError that names the process which holds it
 */
export const lockFolder = (folder: string): Lock => {
  makeFolder(folder);
  const pidFile = join(folder, 'pid');
  const database = new DatabaseSync(join(folder, 'lock'), { timeout: patienceMilliseconds });
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (!isBusy(error)) throw error;
    throw new StartError(`${folder} is in use by ${holderOf(pidFile)}: stop it, or choose another folder with --data`);
  }
  writeFileSync(pidFile, `${process.pid}\n`);
  return { release: () => database.close() };
};
