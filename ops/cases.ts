/** cases: what people reported, and what moderators do about it. Looking at a case is written into it too. */
import { userInfo } from 'node:os';
import type { Deps } from '../core/deps.ts';
import { allTenants } from '../core/env.ts';
import { TenantId, Timestamp, UserId } from '../core/ids.ts';
import { standingAt } from '../core/standing.ts';
import { standingBy } from '../functions/safety/actions.ts';
import { CaseCommand } from '../functions/safety/case.ts';
import { readCases } from '../functions/safety/cases.ts';
import { act, entriesOf, reportedMessage, type Whose } from './cases-act.ts';
import { type Command, type Flags, insistOnYes, OpsError, type Output, textOf, UsageError } from './command.ts';
import type { Target } from './target.ts';

const DAY_MS = 86_400_000;

const tenantsOf = (flags: Flags): TenantId[] => {
  const name = textOf(flags, 'tenant');
  const all = [...allTenants().values()].map(({ tenant }) => tenant);
  const some = name === undefined ? all : all.filter((each) => each === name);
  if (some.length === 0) throw new UsageError(`${name} is no tenant; there are ${all.join(', ')}`);
  return some;
};

const whoseOf = (name: string | undefined): Whose => {
  const slash = name?.indexOf('/') ?? -1;
  const tenant = TenantId.safeParse(name?.slice(0, slash));
  const user = UserId.safeParse(name?.slice(slash + 1));
  if (slash < 1 || !tenant.success || !user.success || !allTenants().has(tenant.data))
    throw new UsageError('name a person as <tenant>/<user>, such as demo/ada');
  return { tenant: tenant.data, user: user.data };
};

const needed = (flags: Flags, name: string, what: string): string => {
  const text = textOf(flags, name);
  if (text === undefined) throw new UsageError(`--${name} is needed: ${what}`);
  return text;
};

const numberOf = (flags: Flags, name: string, what: string): number => {
  const number = Number(needed(flags, name, what));
  if (!Number.isSafeInteger(number) || number < 1) throw new UsageError(`--${name} must be a number, ${what}`);
  return number;
};

const untilOf = (flags: Flags, now: Date): string => {
  const [until, days] = [textOf(flags, 'until'), textOf(flags, 'days')];
  if ((until === undefined) === (days === undefined)) throw new UsageError('say --days <n> or --until <moment>');
  if (until === undefined) return new Date(now.getTime() + numberOf(flags, 'days', 'of days') * DAY_MS).toISOString();
  if (!Timestamp.safeParse(until).success) throw new UsageError('--until is a moment such as 2027-01-31T12:00:00Z');
  return new Date(until).toISOString();
};

type Details = Record<string, unknown>;
/** What each verb needs beside whom it is about, by whom and why. */
const details: Record<string, (deps: Deps, whose: Whose, flags: Flags) => Details | Promise<Details>> = {
  warn: (_deps, _whose, flags) => ({ type: 'Warn', text: needed(flags, 'text', 'what the person is told') }),
  hide: async (deps, whose, flags) => ({
    type: 'Hide',
    ...(await reportedMessage(deps, whose, numberOf(flags, 'report', 'the v of a report of a message'))),
  }),
  suspend: ({ now }, _whose, flags) => ({ type: 'Suspend', until: untilOf(flags, now()) }),
  ban: () => ({ type: 'Ban' }),
  reverse: (_deps, _whose, flags) => ({ type: 'Reverse', action: numberOf(flags, 'action', 'of an action') }),
  dismiss: () => ({ type: 'Dismiss' }),
  note: () => ({ type: 'Note' }),
};

const commandOf = (said: Details): CaseCommand => {
  const parsed = CaseCommand.safeParse(said);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new UsageError(`${issue?.path.join('.')}: ${issue?.message}`);
};

/** Who moderates: what the operator says, or the name under which they are logged in here. */
const operatorOf = (flags: Flags): string => textOf(flags, 'by') ?? userInfo().username;

const list = async ({ deps }: Target, flags: Flags, out: Output): Promise<0 | 1> => {
  const all = await Promise.all(
    tenantsOf(flags).map(async (tenant) =>
      (await readCases(deps, tenant, { all: flags.all === true })).map((row) => ({
        ...{ case: `${tenant}/${row.person}`, open: row.open, since: row.since, last: row.last, at: row.at },
      })),
    ),
  );
  out.table(all.flat());
  out.json({ cases: all.flat() });
  if (all.flat().length === 0) out.line('Nobody waits for an answer.');
  return 0;
};

const cellOf = ({ type: _type, person: _person, at: _at, since: _since, open: _open, ...rest }: Details): string =>
  JSON.stringify(rest);

const show = async (target: Target, whose: Whose, flags: Flags, out: Output): Promise<0 | 1> => {
  const { deps } = target;
  const before = await entriesOf(deps, whose);
  if (before.length === 0) throw new OpsError('nobody ever reported this person');
  insistOnYes(target, flags, 'writes into the case that you looked');
  const at = deps.now().toISOString();
  const seen = { person: whose.user, operator: operatorOf(flags), reason: textOf(flags, 'reason') ?? 'shown', at };
  if (flags.dryRun) throw new UsageError('looking can not be tried: it is written into the case');
  const { state, v } = await act(deps, whose, commandOf({ type: 'View', ...seen }));
  const standing = standingAt(standingBy(state.actions, at), deps.now());
  const entries = before.map(({ v: each, event }) => ({ v: each, ...event }));
  out.json({ case: `${whose.tenant}/${whose.user}`, v, standing, open: state.open, actions: state.actions, entries });
  out.table(
    entries.map((each) => ({ v: each.v, at: each.at, type: each.type, what: cellOf({ ...each, v: undefined }) })),
  );
  out.line(`${state.open} open; stands ${standing.is}${'until' in standing ? ` until ${standing.until}` : ''}`);
  for (const action of state.actions) out.line(`action ${action.action}: ${cellOf(action)} ${action.type}`);
  return 0;
};

const moderate = async (
  target: Target,
  { verb, whose }: { verb: string; whose: Whose },
  flags: Flags,
  out: Output,
): Promise<0 | 1> => {
  const { deps } = target;
  const about = { person: whose.user, operator: operatorOf(flags), reason: needed(flags, 'reason', 'why') };
  const more = await details[verb]?.(deps, whose, flags);
  const command = commandOf({ ...about, ...more, at: deps.now().toISOString() });
  insistOnYes(target, flags, `acts on the account of ${whose.tenant}/${whose.user}`);
  if ((await entriesOf(deps, whose)).length === 0) throw new OpsError('nobody ever reported this person');
  const acted = flags.dryRun ? undefined : await act(deps, whose, command);
  out.json({ dryRun: flags.dryRun, command, v: acted?.v, actions: acted?.state.actions });
  if (!acted) out.line(`Nothing was changed: it would ${verb} ${whose.tenant}/${whose.user}.`);
  else if (acted.left) out.line(`Done (v${acted.v}); what follows is left to the streams: ${acted.left}`);
  else out.line(`Done (v${acted.v}).`);
  return 0;
};

export const cases: Command = {
  name: 'cases',
  summary: 'what people reported, and what moderators do about it',
  usage: `list [--tenant <tenant>] [--all]
       cases show <tenant>/<user>
       cases warn|hide|suspend|ban|reverse|dismiss|note <tenant>/<user> --reason <why> …

list shows who waits for an answer, the longest first. show prints a case, and writes into it who looked. The others act: each
answers what was reported so far (but reverse and note), takes effect at once, and can be reversed by its number. Nothing is deleted.`,
  flags: {
    tenant: { value: 'tenant', help: 'list: of this tenant alone' },
    all: { help: 'list: also cases in which nobody waits' },
    by: { value: 'name', help: 'who moderates (default: your user name here)' },
    reason: { value: 'why', help: 'for other moderators' },
    text: { value: 'words', help: 'warn: what the person is told' },
    report: { value: 'v', help: 'hide: the message that was reported there' },
    days: { value: 'n', help: 'suspend: for so long' },
    until: { value: 'moment', help: 'suspend: until then' },
    action: { value: 'n', help: 'reverse: which action' },
  },
  run: async (target, [verb = '', name, ...rest], flags, out) => {
    if (rest.length > 0 || (verb === 'list' && name !== undefined)) throw new UsageError('cases takes one person');
    if (verb === 'list') return list(target, flags, out);
    if (verb === 'show') return show(target, whoseOf(name), flags, out);
    if (!Object.hasOwn(details, verb))
      throw new UsageError(`cases has list, show, ${Object.keys(details).join(', ')}, and nothing else`);
    return moderate(target, { verb, whose: whoseOf(name) }, flags, out);
  },
};
