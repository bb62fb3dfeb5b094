/** What people report and moderators do: each as the real handlers and operators do it. */
import fc from 'fast-check';
import { isRejection } from '../../../core/decider.ts';
import { execute } from '../../../core/execute.ts';
import { ConversationId, TenantId, UserId } from '../../../core/ids.ts';
import type { Stream } from '../../../core/keys.ts';
import { load } from '../../../core/load.ts';
import { react } from '../../../functions/reactions.ts';
import type { Action } from '../../../functions/safety/actions.ts';
import { type CaseCommand, theCase } from '../../../functions/safety/case.ts';
import { events } from '../../memory.ts';
import type { Little } from './little.ts';

const tenant = TenantId.parse('demo');
const people = ['ada', 'ben', 'cleo'].map((name) => UserId.parse(name));
/** Has no devices: a ban closes them. */
const zed = UserId.parse('zed');
const who = fc.constantFrom(...people);

export const ModeratorActs = fc.record({
  do: fc.constant('moderate' as const),
  about: who,
  with: fc.constantFrom(
    ...(['report', 'warn', 'hide', 'suspend', 'ban', 'dismiss', 'note', 'view'] as const),
    ...(['hide', 'hide', 'reverse', 'reverse', 'reverse'] as const),
  ),
  which: fc.nat(50),
});
export type ModeratorAct = typeof ModeratorActs extends fc.Arbitrary<infer T> ? T : never;

/** Any message that was written. */
const messageOf = (
  { dynamo }: Little,
  which: number,
): { conversation: ConversationId; message: string } | undefined => {
  const written = dynamo.items(events.name).flatMap(({ pk, sk, events: some }) => {
    if (!String(pk).includes('#conversation#') || !String(sk).startsWith('v#')) return [];
    const [first] = some as { type: string; id?: string }[];
    return first?.type === 'Sent' && first.id ? [{ conversation: String(pk).split('#')[2], message: first.id }] : [];
  });
  const found = written[which % Math.max(1, written.length)];
  return found && { conversation: ConversationId.parse(found.conversation), message: found.message };
};

/** What was hidden is shown again more often than not. */
const chosenOf = (actions: readonly Action[], which: number): Action | undefined =>
  (which % 3 > 0 ? actions.find(({ type }) => type === 'hidden') : undefined) ??
  actions[which % Math.max(1, actions.length)];

const commandOf = (
  played: Little,
  act: ModeratorAct,
  actions: readonly Action[],
  at: string,
): CaseCommand | undefined => {
  const { which } = act;
  const person = act.with === 'ban' ? zed : act.about;
  const by = people[which % people.length] ?? zed;
  const about = { person, operator: 'mod', reason: 'law', at };
  switch (act.with) {
    case 'report':
      return { type: 'Report', person, by, reason: 'spam', evidence: { type: 'user', user: person }, at };
    case 'warn':
      return { type: 'Warn', ...about, text: 'be kind' };
    case 'hide': {
      const message = messageOf(played, which);
      return message && { type: 'Hide', ...about, ...message };
    }
    case 'suspend':
      // Over when it is told, so that nobody's devices are cut off here.
      return { type: 'Suspend', ...about, until: new Date(Date.parse(at) + 1).toISOString() };
    case 'ban':
      return { type: 'Ban', ...about };
    case 'reverse':
      return { type: 'Reverse', ...about, action: chosenOf(actions, which)?.action ?? 1 };
    case 'dismiss':
      return { type: 'Dismiss', ...about };
    case 'note':
      return { type: 'Note', ...about };
    default:
      return { type: 'View', ...about };
  }
};

export const performModerator = async (played: Little & { next: () => number }, act: ModeratorAct): Promise<void> => {
  const deps = played.deps();
  const streamOf = (id: string): Stream => ({ tenant, kind: 'case', id });
  const { state } = await load(deps, theCase, streamOf(act.about));
  const command = commandOf(played, act, state.actions, deps.now().toISOString());
  if (!command) return;
  const stream = streamOf(command.person);
  const isReport = command.type === 'Report';
  const done = await execute(deps, theCase, {
    ...{ stream, command, id: `moderate-${played.next()}`, dedupe: isReport ? 'receipt' : 'state' },
    ...(isReport && { by: command.by }),
  });
  if (!isRejection(done) && done.commit && !played.dies()) await react(deps, stream, done.commit);
  if (act.with === 'hide' && act.which % 2 === 0) await performModerator(played, { ...act, with: 'reverse', which: 1 });
};
