/** `npm start`: the whole system in this process, until Ctrl-C. */
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { TenantError } from '../core/tenants.ts';
import { StartError } from './errors.ts';
import { boot, type System } from './system.ts';
import { roomy as unlimited } from './tenants.ts';
import { welcome } from './walkthrough.ts';

const HELP = `Chorus on this machine: HTTP and WebSocket APIs, database, queues and push servers in one process.

npm start -- [--port <number>] [--data <folder>] [--roomy]

  --port   port of the HTTP and WebSocket API, 0 for any free one (default 4000)
  --data   folder for everything that is kept (default .chorus)
  --roomy  limits that are never reached, for load tests
  --help   this text
`;

const TOKEN_SECONDS = 12 * 3600;
const STOP_MS = 10_000;
const SAME_MS = 500;

const Flags = z.strictObject({
  port: z
    .string()
    .regex(/^\d{1,5}$/)
    .transform(Number)
    .refine((port) => port <= 65_535),
  data: z.string().min(1),
  roomy: z.boolean(),
  help: z.boolean(),
});

const WRONG: Record<string, string> = {
  port: '--port must be a number from 0 to 65535',
  data: '--data must name a folder',
  roomy: '--roomy takes no value',
  help: '--help takes no value',
};

/** @throws StartError for a flag that is unknown or wrong */
const readFlags = (args: string[]): z.infer<typeof Flags> => {
  const options = {
    port: { type: 'string' },
    data: { type: 'string' },
    roomy: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  } as const;
  const { values, positionals } = parseArgs({ args, options, strict: false, allowPositionals: true });
  const known = Object.keys(options);
  const strange = Object.keys(values).find((name) => !known.includes(name)) ?? positionals[0];
  if (strange !== undefined)
    throw new StartError(`${strange} is not a flag of npm start; there are --port, --data, --roomy and --help`);
  const flags = Flags.safeParse({ port: '4000', data: '.chorus', roomy: false, help: false, ...values });
  if (!flags.success) throw new StartError(WRONG[String(flags.error.issues[0]?.path[0])] ?? 'the flags are wrong');
  return flags.data;
};

const Token = z.object({ token: z.string() });

const tokenOf = async (http: string, user: string): Promise<string> => {
  const request = { method: 'POST', body: JSON.stringify({ user, ttlSeconds: TOKEN_SECONDS }) };
  return Token.parse(await (await fetch(`${http}/dev/token`, request)).json()).token;
};

/**
 * The first signal stops the system in order; a later one, or 10 s, ends the process as it is. One Ctrl-C is two signals
 * here: the terminal's own, and npm's, which hands on what it gets itself.
 */
const stopOnSignal = (system: System): void => {
  let since: number | undefined;
  const stop = async (): Promise<void> => {
    if (since !== undefined && performance.now() - since < SAME_MS) return;
    if (since !== undefined) process.exit(130);
    since = performance.now();
    setTimeout(() => process.exit(1), STOP_MS).unref();
    process.stdout.write('\nChorus stops…\n');
    await system.stop();
    process.exit(0);
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void stop().catch(fail));
};

/** What the user can mend is one sentence; anything else is a fault of ours and shows where. */
const fail = (error: unknown): never => {
  const mendable = error instanceof StartError || error instanceof TenantError;
  const text = error instanceof Error ? ((mendable ? undefined : error.stack) ?? error.message) : String(error);
  process.stderr.write(`${text}\n`);
  process.exit(1);
};

/** The queue server keeps its data with Node's SQLite, which Node warns of at each start; other warnings are shown. */
const hushExperiments = (): void => {
  process.removeAllListeners('warning');
  process.on('warning', ({ name, message }) => {
    if (name !== 'ExperimentalWarning') process.stderr.write(`${name}: ${message}\n`);
  });
};

const start = async (args: string[]): Promise<void> => {
  const { port, data, roomy, help } = readFlags(args);
  if (help) {
    process.stdout.write(HELP);
    return;
  }
  hushExperiments();
  const system = await boot({ data, port, ...(roomy && { limits: unlimited }), quiet: false });
  stopOnSignal(system);
  const [ada, ben] = await Promise.all([tokenOf(system.http, 'ada'), tokenOf(system.http, 'ben')]);
  process.stdout.write(`${welcome({ http: system.http, ws: system.ws, data, ada, ben })}\n`);
};

await start(process.argv.slice(2)).catch(fail);
