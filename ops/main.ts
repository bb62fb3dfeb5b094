/** `npm run ops -- <command>`: what operators do, on the local system or on AWS. */
import { errorName } from '../core/log.ts';
import { TenantError } from '../core/tenants.ts';
import { appstore } from './appstore.ts';
import { audit } from './audit.ts';
import { cases } from './cases.ts';
import { type Command, OpsError, UsageError } from './command.ts';
import { erasures } from './erasures.ts';
import { type CommandLine, helpOf, helpOfAll, readCommandLine } from './flags.ts';
import { parked } from './parked.ts';
import { createOutput, type Io } from './progress.ts';
import { rebuild } from './rebuild.ts';
import { repair } from './repair.ts';
import { openTarget } from './target.ts';
import { trace } from './trace.ts';
import { verify } from './verify.ts';

const commands: readonly Command[] = [parked, rebuild, repair, verify, audit, appstore, cases, erasures, trace];

const find = (name: string): Command | undefined => commands.find((command) => command.name === name);

const run = async (line: CommandLine, command: Command, io: Io): Promise<0 | 1> => {
  const { where, unitsPerSecond, flags, args } = line;
  const target = await openTarget(where, {
    // Entries are the functions' own; stdout belongs to the command.
    log: line.verbose ? (entry) => io.err(`${JSON.stringify(entry)}\n`) : () => undefined,
    ...(unitsPerSecond === undefined ? {} : { unitsPerSecond }),
  });
  const { meter } = target;
  const cost = () =>
    target.name === 'local' ? undefined : `${Math.ceil(meter.read)} read and ${Math.ceil(meter.write)} write units`;
  try {
    return await command.run(target, args, flags, createOutput(io, { isJson: flags.json, cost }));
  } finally {
    await target.close();
  }
};

const choose = async (argv: string[], io: Io): Promise<0 | 1> => {
  const line = readCommandLine(argv, find);
  const command = line.name === undefined ? undefined : find(line.name);
  if (line.name !== undefined && !command)
    throw new UsageError(`there is no command ${line.name}; there are ${commands.map(({ name }) => name).join(', ')}`);
  if (!line.help && !command) throw new UsageError('say what to do: npm run ops -- --help lists the commands');
  if (!line.help && command) return run(line, command, io);
  io.out(command ? helpOf(command) : helpOfAll(commands));
  return 0;
};

/** What the operator can mend, or what AWS refuses, is one sentence; anything else is a fault of ours and shows where. */
const sentenceOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof OpsError || error instanceof UsageError || error instanceof TenantError) return error.message;
  if ('code' in error && error.code === 'ECONNREFUSED')
    return 'the system went away: nobody answers any more; what was done stays, so run it again';
  return '$metadata' in error ? `AWS did not do it: ${errorName(error)}` : (error.stack ?? error.message);
};

/** @returns the exit status: 0 done and all is well, 1 something is wrong or failed, 2 the command line is */
export const main = async (argv: string[], io: Io): Promise<0 | 1 | 2> => {
  try {
    return await choose(argv, io);
  } catch (error) {
    const sentence = sentenceOf(error);
    io.err(`${sentence}\n`);
    if (argv.includes('--json')) io.out(`${JSON.stringify({ error: sentence })}\n`);
    return error instanceof UsageError ? 2 : 1;
  }
};

if (import.meta.main) {
  // Whoever reads our lines may have seen enough.
  process.stdout.on('error', () => process.exit(1));
  process.once('SIGINT', () => {
    process.stderr.write('\ninterrupted: what was done stays; run it again to go on\n');
    process.exit(130);
  });
  process.exitCode = await main(process.argv.slice(2), {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    isTty: process.stderr.isTTY === true,
  });
}
