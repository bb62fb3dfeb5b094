/** Structured logs: one JSON object a line; ids only, never what a person wrote or is called. */
import { z } from 'zod';

type Value = string | number | boolean | null | undefined | readonly string[] | Record<string, number>;
export type Entry = { level: 'info' | 'warn' | 'error'; msg: string } & Record<string, Value>;
export type Log = (entry: Entry) => void;

export const log: Log = (entry) => {
  console.log(JSON.stringify({ t: new Date().toISOString(), ...entry }));
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
