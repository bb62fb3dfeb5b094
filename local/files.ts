/** Small files that are there whole or not at all: after a kill, and after a power cut. */
import { renameSync, writeFileSync } from 'node:fs';

/** Writes beside the old one, waits for the disk, and takes its place. */
export const replaceFile = (file: string, text: string, mode = 0o666): void => {
  writeFileSync(`${file}.new`, text, { mode, flush: true });
  renameSync(`${file}.new`, file);
};
