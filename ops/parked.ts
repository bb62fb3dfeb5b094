/** `parked`: what could not be processed. Look at it, give it to its function again, or drop it with a reason. */
import { userInfo } from 'node:os';
import { FAILED } from '../core/parked.ts';
import { type Command, type Flags, insistOnYes, OpsError, type Output, textOf, UsageError } from './command.ts';
import { findKey, type Held, listParked, readAllParked, readParked, sayKeys, shortKey } from './parked-held.ts';
import { retry } from './parked-retry.ts';
import type { Target } from './target.ts';

type Run = (target: Target, args: string[], flags: Flags, out: Output) => Promise<0 | 1>;

const DROPPED = 'dropped/';
/** Of a batch's records; --json shows all. */
const SHOWN = 20;

/** What an operator sees: ids, keys and reasons, nothing that anybody wrote. */
const summary = ({ key, kind, from, what, since, times, reason }: Held) => ({
  ...{ key: shortKey(key), kind, from, what, since, times, reason },
});

const document = (held: Held): object => ({
  ...summary(held),
  object: held.key,
  ...('parked' in held ? { parked: held.parked } : {}),
  ...(held.kind === 'batch' ? { request: held.batch.requestContext, records: held.records.map(sayKeys) } : {}),
});

const list: Run = async ({ deps }, args, _flags, out) => {
  if (args.length > 0) throw new UsageError('parked list takes no arguments');
  const failing = await listParked(deps, FAILED);
  const keys = [...(await listParked(deps)), ...failing];
  const all = await readAllParked(deps, keys, out.progress('reading what is parked', keys.length));
  const waiting = failing.length;
  out.table(all.map(summary).map((each) => ({ ...each, reason: each.reason.slice(0, 80) })));
  out.line(all.length === 0 ? 'Nothing is parked.' : `${all.length} parked. More of one: parked show <key>`);
  if (waiting > 0)
    out.line(`Of these, ${waiting} under ${FAILED} are given to their functions again every five minutes, for a day.`);
  out.json({ parked: all.map(summary), waiting });
  return 0;
};

/** The one that the key names. */
const findOne = async ({ deps }: Target, args: string[], how: string): Promise<Held> => {
  const [name, extra] = args;
  if (name === undefined || extra !== undefined) throw new UsageError(`say which: ${how}`);
  const keys = [...(await listParked(deps)), ...(await listParked(deps, FAILED))];
  const held = await readParked(deps, findKey(keys, name));
  if (!held) throw new OpsError(`${name} has just gone: parked list shows what there is`);
  return held;
};

const show: Run = async (target, args, _flags, out) => {
  const held = await findOne(target, args, 'parked show <key>');
  for (const [name, value] of Object.entries(summary(held))) out.line(`${name.padEnd(8)} ${value}`);
  if (held.kind === 'batch') {
    for (const keys of held.records.slice(0, SHOWN)) out.line(`         ${sayKeys(keys)}`);
    if (held.records.length > SHOWN) out.line(`         and ${held.records.length - SHOWN} more`);
  }
  out.json(document(held));
  return 0;
};

const chosen = async (target: Target, args: string[], flags: Flags, out: Output): Promise<Held[]> => {
  if (flags.all !== true) return [await findOne(target, args, 'parked retry <key>, or parked retry --all')];
  if (args.length > 0) throw new UsageError('say a key or --all, not both');
  const keys = await listParked(target.deps);
  return readAllParked(target.deps, keys, out.progress('reading what is parked', keys.length));
};

const retryAll: Run = async (target, args, flags, out) => {
  insistOnYes(target, flags, 'gives what is parked to its functions again');
  const all = await chosen(target, args, flags, out);
  const progress = out.progress('retrying', all.length);
  const results = [];
  for (const held of all) {
    results.push({ key: shortKey(held.key), what: held.what, ...(await retry(target, held, flags.dryRun)) });
    progress.tick();
  }
  progress.done();
  out.table(results.map(({ key, said }) => ({ key, said })));
  if (results.length === 0) out.line('Nothing is parked.');
  out.json({ retried: results });
  return results.every(({ outcome }) => outcome === 'done' || outcome === 'would') ? 0 : 1;
};

/** Written before the other is removed: a crash in between leaves both. Keys and ids; a batch's bodies are not kept. */
const drop: Run = async (target, args, flags, out) => {
  const reason = textOf(flags, 'reason')?.trim();
  if (!reason) throw new UsageError('say why: parked drop <key> --reason "…"');
  insistOnYes(target, flags, 'drops what is parked');
  const held = await findOne(target, args, 'parked drop <key> --reason "…"');
  const { bucket, now } = target.deps;
  const at = now().toISOString();
  const trail = `${DROPPED}${at}/${shortKey(held.key)}.json`;
  if (!flags.dryRun) {
    const dropped = { at, by: userInfo().username, reason, dropped: document(held) };
    await bucket.put(trail, JSON.stringify(dropped));
    await bucket.remove(held.key);
  }
  out.line(`${flags.dryRun ? 'would drop' : 'dropped'} ${held.what || held.key}; the trail: ${trail}`);
  out.json({ key: shortKey(held.key), trail, done: !flags.dryRun });
  return 0;
};

const subcommands: Record<string, Run> = { list, show, retry: retryAll, drop };

export const parked: Command = {
  name: 'parked',
  summary: 'what could not be processed: list, show, retry, drop',
  usage: `list | show <key> | retry <key> | retry --all | drop <key> --reason "…"

What can't be processed is parked in the bucket, so that it stops nobody. list tells what, since when, why and how often.
retry gives a record's item, as it is now, to its function, and a batch as it was; it leaves the bucket when that went well.
drop takes it out and leaves a trail under ${DROPPED}. A key may be given as list shows it, or whole, or its last part.`,
  flags: {
    all: { help: 'retry: everything that is parked' },
    reason: { value: 'text', help: 'drop: why, for the trail' },
  },
  run: async (target, [name = 'list', ...args], flags, out) => {
    const subcommand = Object.hasOwn(subcommands, name) ? subcommands[name] : undefined;
    if (!subcommand) throw new UsageError(`parked has ${Object.keys(subcommands).join(', ')}, but no ${name}`);
    return subcommand(target, args, flags, out);
  },
};
