/** What every operator's command is: its name, its flags, and a run that prints through `Output` and ends with a status. */
import type { Target } from './target.ts';

/** A command's own flags stand beside these three under their names in camelCase: `--dead-letters` is `deadLetters`. */
export type Flags = { dryRun: boolean; json: boolean; yes: boolean; [name: string]: string | boolean | undefined };

export type Command = {
  name: string;
  /** One line in the list of commands. */
  summary: string;
  /** What stands after the command's name, and what it does, in lines. */
  usage: string;
  /** Flags of this command alone, named as they are typed; `value` is a placeholder, and without it the flag takes none. */
  flags?: Record<string, { value?: string; help: string }>;
  /** @returns 0 when it is done and all is well, 1 when there are problems or something failed */
  run(target: Target, args: string[], flags: Flags, out: Output): Promise<0 | 1>;
};

/** With `--json` only `json` prints, without it everything else does: a command may call all of them always. */
export type Output = {
  line(text: string): void;
  /** Columns are the names of the fields, in the order in which they first appear. */
  table(rows: Record<string, unknown>[]): void;
  /** The one JSON document of `--json`. */
  json(document: unknown): void;
  /** A bar on stderr, when that is a terminal. */
  progress(label: string, total?: number): Progress;
  isJson: boolean;
};
export type Progress = { tick(n?: number): void; done(): void };

/** Why it could not be done, in one sentence that says what to do. Ends with status 1. */
export class OpsError extends Error {
  override name = 'OpsError';
}

/** The command line is wrong, in one sentence that says what is right. Ends with status 2. */
export class UsageError extends Error {
  override name = 'UsageError';
}

/** @throws OpsError before anything is changed on AWS without `--yes`; locally, and with `--dry-run`, nothing is asked */
export const insistOnYes = ({ name }: Pick<Target, 'name'>, { dryRun, yes }: Flags, what: string): void => {
  if (name !== 'local' && !dryRun && !yes)
    throw new OpsError(`this ${what} in ${name}: see with --dry-run what it would do, then say --yes`);
};

/** A flag's text. @throws UsageError when it was given without one */
export const textOf = (flags: Flags, name: string): string | undefined => {
  const value = flags[name];
  if (value === undefined || typeof value === 'string') return value;
  throw new UsageError(`--${name} needs a value`);
};
