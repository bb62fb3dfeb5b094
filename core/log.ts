/** Structured logs: one JSON object a line; ids only, never what a person wrote or is called. */
import { z } from 'zod';
import type { Directives } from './metrics.ts';

type Scalar = string | number | boolean | null | undefined;
type Value = Scalar | readonly string[] | readonly number[] | Record<string, number> | Directives;
export type Entry = { level: 'info' | 'warn' | 'error'; msg: string } & Record<string, Value>;
export type Log = (entry: Entry) => void;

/**
 * Lambda's console puts time and request before each line; metrics want one that is nothing but JSON, so they go around
 * it. `local/` puts its own console here.
 */
export const sinks = { bare: (line: string): void => void process.stdout.write(`${line}\n`) };

export const log: Log = (entry) => {
  const line = JSON.stringify({ t: new Date().toISOString(), ...entry });
  if (entry._aws === undefined) console.log(line);
  else sinks.bare(line);
};

/** What a value lacks, in one line: where, and what was expected; never the value. */
export const reasonOf = ({ issues }: z.ZodError): string =>
  issues
    .slice(0, 8)
    .map(({ path, message }) => `${path.map(String).join('.') || 'it'}: ${message}`)
    .join('; ')
    .slice(0, 500);

/** An error's class and first line; never a request's content. */
export const errorName = (error: unknown): string => {
  if (error instanceof z.ZodError) return `ZodError: ${reasonOf(error)}`;
  return error instanceof Error
    ? `${error.name}: ${error.message.split('\n', 1)[0]?.slice(0, 200)}`
    : String(error).slice(0, 200);
};
