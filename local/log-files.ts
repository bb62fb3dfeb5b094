/**
 * The functions' log lines, kept in the data folder for who asks later: two files that take turns, so that they never
 * grow beyond a bound. Written behind; a kill may lose the last lines.
 */
import { createReadStream, existsSync, statSync } from 'node:fs';
import { appendFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export type LogFiles = {
  append: (line: string) => void;
  /** Everything that was appended and is kept, oldest first. */
  read: () => AsyncGenerator<string>;
  /** Writes what is still in memory. */
  flush: () => Promise<void>;
};

const FILE_BYTES = 20 * 1024 * 1024;
const FLUSH_MS = 50;

export const openLogFiles = (folder: string, fileBytes = FILE_BYTES): LogFiles => {
  const [file, before] = [join(folder, 'log.jsonl'), join(folder, 'log-before.jsonl')];
  let bytes = existsSync(file) ? statSync(file).size : 0;
  // What was there may end in half a line.
  let waiting = bytes > 0 ? ['\n'] : [];
  let written = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;

  const write = async (): Promise<void> => {
    if (waiting.length === 0) return;
    const text = waiting.join('');
    waiting = [];
    if (bytes > 0 && bytes + text.length > fileBytes) {
      await rename(file, before);
      bytes = 0;
    }
    await appendFile(file, text);
    bytes += Buffer.byteLength(text);
  };
  const flush = (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    // A full disk must not stop the system for its log.
    written = written.then(write).catch(() => undefined);
    return written;
  };
  return {
    append: (line) => {
      waiting.push(`${line}\n`);
      timer ??= setTimeout(flush, FLUSH_MS);
    },
    read: async function* () {
      await flush();
      for (const each of [before, file])
        if (existsSync(each)) yield* createInterface({ input: createReadStream(each) });
    },
    flush,
  };
};
