/**
 * The console of `npm start`: shows how each event travelled (commit → pointer and frames → push), one line a step, made
 * of the JSON log lines of the functions. Lines of any other kind pass through as they are.
 */

export type LogEntry = Record<string, unknown>;

type Options = { quiet: boolean; color?: boolean; write?: (line: string) => void };

const PAINT: Record<string, number> = { info: 36, warn: 33, error: 31 };
const DIM = 2;

const parse = (line: string): LogEntry | undefined => {
  if (!line.startsWith('{')) return undefined;
  try {
    const entry: unknown = JSON.parse(line);
    if (typeof entry !== 'object' || entry === null) return undefined;
    return 'msg' in entry && 'level' in entry ? { ...entry } : undefined;
  } catch {
    return undefined;
  }
};

/** A log line may quote an error's words; none of them may steer the terminal. */
const printable = (text: string): string => text.replaceAll(/\p{Cc}/gu, '\ufffd');

const word = (value: unknown): string => (Array.isArray(value) ? value.join(',') : String(value));

const frames = ({ devices }: LogEntry): string =>
  Array.isArray(devices) && devices.length > 0 ? `frame → ${devices.join(', ')}` : 'no open socket';

const decision = ({ what, decision, provider, reason, into }: LogEntry): string =>
  [
    ...(what === 'clear' ? ['clear'] : []),
    word(decision),
    ...(provider === undefined ? [] : [`to ${word(provider)}`]),
    ...(reason === undefined ? [] : [`(${word(reason)})`]),
    ...(into === undefined ? [] : [`into ${word(into)}`]),
  ].join(' ');

/** How the steps of an event are told; every other message is told with its fields as they are. */
const TOLD: Record<string, (entry: LogEntry) => string> = {
  committed: (e) => `${e.stream} v${e.v} by ${e.by ?? 'a reaction'}  ${word(e.events)}`,
  delivered: (e) => `${e.stream} v${e.v} to ${e.person}  pointer ${e.pointer}, ${frames(e)}`,
  inbox: (e) => `${e.stream} v${e.v} to ${e.person}  read ${e.read}, ${frames(e)}`,
  acknowledged: (e) => `${e.stream} v${e.v} by ${e.user}/${e.device}`,
  'push queued': (e) => `${e.stream} v${e.v} for ${e.person}/${e.device}  in ${e.delay} s`,
  'push decided': (e) => `${e.stream} v${e.v} for ${e.person}/${e.device ?? '*'}  push → ${decision(e)}`,
  connected: (e) => `${e.user}/${e.device}  connection ${e.connectionId}`,
  disconnected: (e) => `${e.user}/${e.device}  connection ${e.connectionId}, ${e.outcome}`,
};

const HIDDEN = new Set(['t', 'level', 'msg']);

const fields = (entry: LogEntry): string =>
  Object.entries(entry)
    .filter(([name, value]) => !HIDDEN.has(name) && value !== undefined && value !== '')
    .map(
      ([name, value]) =>
        `${name}=${typeof value === 'object' && !Array.isArray(value) ? JSON.stringify(value) : word(value)}`,
    )
    .join(' ');

const time = ({ t }: LogEntry): string => (typeof t === 'string' ? t.slice(11, 23) : '');

/** Every invocation ends with a `done`, and a batch of pushes with what it counted; only failures are worth a line. */
const isNoise = ({ msg, level }: LogEntry): boolean => (msg === 'done' || msg === 'measured') && level === 'info';

const pretty = (entry: LogEntry, color: boolean): string => {
  const paint = (code: number, text: string): string => (color ? `\u001b[${code}m${text}\u001b[0m` : text);
  const msg = String(entry.msg);
  const told = Object.hasOwn(TOLD, msg) ? TOLD[msg] : undefined;
  const level = PAINT[String(entry.level)] ?? DIM;
  const text = told ? told(entry) : fields(entry);
  return `${paint(DIM, time(entry))}  ${paint(level, printable(msg).padEnd(13))} ${printable(text)}`;
};

/**
 * @returns the sink for one console line: prints it, unless quiet, and returns the log entry that it was, if it was one
 */
export const createConsole = ({ quiet, color, write }: Options): ((line: string) => LogEntry | undefined) => {
  const colored = color ?? process.stdout.isTTY === true;
  const print = write ?? ((line: string) => process.stdout.write(`${line}\n`));
  return (line) => {
    const entry = parse(line);
    if (quiet || (entry && isNoise(entry))) return entry;
    print(entry ? pretty(entry, colored) : line);
    return entry;
  };
};
