/** Reading the command line: the flags that all commands share, and a command's own. */
import { parseArgs } from 'node:util';
import { type Command, type Flags, UsageError } from './command.ts';
import type { Where } from './target.ts';

type Flag = { value?: string; help: string };

const shared: Record<string, Flag> = {
  data: { value: 'folder', help: 'the data folder of the local system to work on (default .chorus)' },
  stack: { value: 'name', help: 'work on AWS instead: on this stack, with the credentials at hand' },
  rate: { value: 'units', help: 'read units a second that a scan may use (default 200 on AWS, no limit locally)' },
  'dry-run': { help: 'say what would be done, and do nothing' },
  yes: { help: 'really change something on AWS' },
  json: { help: 'one JSON document on stdout, and nothing else' },
  verbose: { help: 'print what the functions would log, on stderr' },
  help: { help: 'this text, or that of a command' },
};

export type CommandLine = {
  /** The command's name, if there is one. */
  name: string | undefined;
  args: string[];
  flags: Flags;
  where: Where;
  unitsPerSecond: number | undefined;
  verbose: boolean;
  help: boolean;
};

const camel = (name: string): string => name.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());

const list = (flags: Record<string, Flag>): string =>
  Object.entries(flags)
    .map(([name, { value, help }]) => `  ${`--${name}${value ? ` <${value}>` : ''}`.padEnd(20)} ${help}`)
    .join('\n');

const parse = (argv: string[], known: Record<string, Flag>) => {
  const options = Object.entries(known).map(([name, { value }]) => {
    const type = value ? ('string' as const) : ('boolean' as const);
    return [name, name === 'help' ? { type, short: 'h' } : { type }] as const;
  });
  return parseArgs({ args: argv, options: Object.fromEntries(options), strict: false, allowPositionals: true });
};

/** @throws UsageError for a flag that is unknown, lacks its value, or has one that it can't have */
const check = (values: Record<string, unknown>, known: Record<string, Flag>): void => {
  for (const [name, value] of Object.entries(values)) {
    const flag = Object.hasOwn(known, name) ? known[name] : undefined;
    if (!flag) throw new UsageError(`there is no flag --${name} here; --help lists those that there are`);
    // The next flag is nobody's value.
    if (flag.value && (typeof value !== 'string' || value === '' || value.startsWith('--')))
      throw new UsageError(`--${name} needs a value: --${name} <${flag.value}>`);
    if (!flag.value && typeof value !== 'boolean') throw new UsageError(`--${name} takes no value`);
  }
};

const whereOf = ({ data, stack }: Flags): Where => {
  if (data !== undefined && stack !== undefined)
    throw new UsageError('--data is for the local system and --stack for AWS: give one of them');
  return typeof stack === 'string' ? { stack } : { data: typeof data === 'string' ? data : '.chorus' };
};

const rateOf = ({ rate }: Flags): number | undefined => {
  if (rate === undefined) return undefined;
  const units = Number(rate);
  if (!(units > 0) || !Number.isFinite(units)) throw new UsageError('--rate must be a number of units above 0');
  return units;
};

/** @param find the command of a name: its own flags are known only then */
export const readCommandLine = (argv: string[], find: (name: string) => Command | undefined): CommandLine => {
  const name = parse(argv, shared).positionals[0];
  const known = { ...(name === undefined ? {} : find(name)?.flags), ...shared };
  const { values, positionals } = parse(argv, known);
  check(values, known);
  const named = Object.fromEntries(Object.entries(values).map(([flag, value]) => [camel(flag), value]));
  const flags = { dryRun: false, json: false, yes: false, ...named } as Flags;
  return {
    name,
    args: positionals.slice(1),
    flags,
    where: whereOf(flags),
    unitsPerSecond: rateOf(flags),
    verbose: flags.verbose === true,
    help: flags.help === true,
  };
};

export const helpOf = ({ name, usage, flags = {} }: Command): string =>
  `npm run ops -- ${name} ${usage}

${list({ ...flags, ...shared })}
`.replace(/ +$/m, '');

export const helpOfAll = (commands: readonly Command[]): string => `The operators’ commands.

npm run ops -- <command> [--data <folder> | --stack <name>]

${commands.map(({ name, summary }) => `  ${name.padEnd(20)} ${summary}`).join('\n')}

${list(shared)}

Status: 0 done and all is well, 1 something is wrong or failed, 2 the command line is. More: npm run ops -- <command> --help
`;
