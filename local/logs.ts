/** While the system runs, console.log is what it is on Lambda: the functions' log, one JSON object a line. */
import { format } from 'node:util';
import { createConsole, type LogEntry } from './console.ts';

export type Units = { read: number; write: number };

export type Logs = {
  /** What all invocations consumed so far, by their `done` lines. */
  units: () => Units;
  /** A line of local's own, into the same log. */
  note: (level: 'warn' | 'error', msg: string, fields: LogEntry) => void;
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
  const print = createConsole({ quiet });
  const sum: Units = { read: 0, write: 0 };
  console.log = (...words: unknown[]) => {
    const entry = print(format(...words));
    // Quiet is about the functions' log; whoever started the system may still speak.
    if (!entry) return quiet ? original(...words) : undefined;
    if (entry.msg === 'done') {
      sum.read += numberAt(entry.units, 'read');
      sum.write += numberAt(entry.units, 'write');
    }
    onLog?.(entry);
  };
  return {
    units: () => ({ ...sum }),
    note: (level, msg, fields) => console.log(JSON.stringify({ t: new Date().toISOString(), level, msg, ...fields })),
    restore: () => {
      console.log = original;
    },
  };
};
