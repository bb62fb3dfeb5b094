/** While the system runs, console.log is what it is on Lambda: the functions' log, one JSON object a line. */
import { format } from 'node:util';
import { sinks } from '../core/log.ts';
import { createConsole, type LogEntry } from './console.ts';
import { type LogFiles, openLogFiles } from './log-files.ts';

export type Units = { read: number; write: number };

export type Logs = {
  /** What all invocations consumed so far, by their `done` lines. */
  units: () => Units;
  /** A line of local's own, into the same log. */
  note: (level: 'warn' | 'error', msg: string, fields: LogEntry) => void;
  /** From now on lines are also kept in this folder. @returns how to write the last of them */
  keepIn: (folder: string) => () => Promise<void>;
  /** The lines that are kept, oldest first. */
  kept: () => AsyncIterable<string>;
  restore: () => void;
};

const numberAt = (value: unknown, name: string): number => {
  const found = typeof value === 'object' && value !== null && name in value ? Object.entries(value) : [];
  const amount = found.find(([key]) => key === name)?.[1];
  return typeof amount === 'number' ? amount : 0;
};

/** @param onLog told every entry */
export const captureLogs = (quiet: boolean, onLog?: (entry: LogEntry) => void): Logs => {
  const original = console.log;
  const { bare } = sinks;
  const print = createConsole({ quiet });
  const sum: Units = { read: 0, write: 0 };
  let files: LogFiles | undefined;
  console.log = (...words: unknown[]) => {
    const line = format(...words);
    const entry = print(line);
    // Quiet is about the functions' log; whoever started the system may still speak.
    if (!entry) return quiet ? original(...words) : undefined;
    if (entry.msg === 'done') {
      sum.read += numberAt(entry.units, 'read');
      sum.write += numberAt(entry.units, 'write');
    }
    files?.append(line);
    onLog?.(entry);
  };
  sinks.bare = (line) => console.log(line);
  return {
    units: () => ({ ...sum }),
    note: (level, msg, fields) => console.log(JSON.stringify({ t: new Date().toISOString(), level, msg, ...fields })),
    keepIn: (folder) => {
      files = openLogFiles(folder);
      return files.flush;
    },
    kept: async function* () {
      if (files) yield* files.read();
    },
    restore: () => {
      console.log = original;
      sinks.bare = bare;
    },
  };
};
