/**
 * How far every consumer is, in a small file of its own. Written behind (what a crash loses is delivered once more) and
 * never through the database, whose pollers it would wake.
 */
import { readFileSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { StartError } from '../errors.ts';

export type Checkpoints = {
  get: (key: string) => string | undefined;
  set: (key: string, value: string) => void;
  /** Resolves when everything set so far is on disk. */
  flush: () => Promise<void>;
};

const delayMilliseconds = 200;

const isText = (entry: [string, unknown]): entry is [string, string] => typeof entry[1] === 'string';

/** No file is a first start. A broken one cannot come from a crash, for it is replaced as a whole. */
const read = (file: string): Map<string, string> => {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return new Map();
  }
  try {
    return new Map(Object.entries<unknown>(JSON.parse(text)).filter(isText));
  } catch {
    throw new StartError(`${file} is not JSON: delete it, then the streams of the last 24 hours are delivered again`);
  }
};

const replace = async (file: string, text: string): Promise<void> => {
  const next = await open(`${file}.next`, 'w');
  try {
    await next.writeFile(text);
    await next.sync();
  } finally {
    await next.close();
  }
  await rename(`${file}.next`, file);
};

export const openCheckpoints = (file: string): Checkpoints => {
  const values = read(file);
  let dirty = false;
  let timer: NodeJS.Timeout | undefined;
  let writing = Promise.resolve();

  const write = (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    writing = writing.then(async () => {
      if (!dirty) return;
      dirty = false;
      await replace(file, JSON.stringify(Object.fromEntries(values), null, 1)).catch((error: unknown) => {
        dirty = true;
        throw error;
      });
    });
    return writing;
  };
  /** A full disk is no reason to stop: the next change tries again. */
  const writeQuietly = (): void => {
    write().catch((error: unknown) => {
      writing = Promise.resolve();
      console.warn(`${file} could not be written: ${error instanceof Error ? error.message : error}`);
    });
  };
  return {
    get: (key) => values.get(key),
    set: (key, value) => {
      if (values.get(key) === value) return;
      values.set(key, value);
      dirty = true;
      timer ??= setTimeout(writeQuietly, delayMilliseconds);
    },
    flush: write,
  };
};
