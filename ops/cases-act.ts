/** What moderators do to a case: one command each, with what follows from it at once. */
import { isRejection } from '../core/decider.ts';
import type { Deps } from '../core/deps.ts';
import { commitsOf } from '../core/done.ts';
import { execute } from '../core/execute.ts';
import { ConversationId, type TenantId, type UserId } from '../core/ids.ts';
import type { Stream } from '../core/keys.ts';
import { load } from '../core/load.ts';
import { errorName } from '../core/log.ts';
import { conversation } from '../functions/messaging/conversation.ts';
import { HIDDEN_LIMIT } from '../functions/messaging/hiding.ts';
import { react } from '../functions/reactions.ts';
import { type CaseCommand, CaseEvent, type CaseRejection, type CaseState, theCase } from '../functions/safety/case.ts';
import { OpsError } from './command.ts';

export type Whose = { tenant: TenantId; user: UserId };
export const caseStream = ({ tenant, user: id }: Whose): Stream => ({ tenant, kind: 'case', id });

export type Entry = { v: number; event: CaseEvent };
export const entriesOf = async (deps: Deps, whose: Whose): Promise<Entry[]> => {
  const entries: Entry[] = [];
  for await (const { v, events } of commitsOf(deps, caseStream(whose)))
    entries.push(...events.map((each) => ({ v, event: CaseEvent.parse(each) })));
  return entries;
};

const refusals: Record<CaseRejection, string> = {
  self: 'nobody reports themselves',
  'no-such-action': 'there is no such action that still holds: cases show lists those that do',
  'over-already': 'that moment is over: a suspension ends later than now',
  'banned-already': 'this person is banned already',
  'hidden-already': 'this message is hidden already',
  'too-many': 'too many suspensions overlap already: reverse one, or ban',
};

export type Acted = { v: number; state: CaseState; left: string | undefined };

/**
 * @returns where the case stands by now, and why the rest was left to the streams, if it was
 * @throws OpsError for what can't be done
 */
export const act = async (deps: Deps, whose: Whose, command: CaseCommand): Promise<Acted> => {
  const stream = caseStream(whose);
  const id = `ops:${deps.random.id()}`;
  const done = await execute(deps, theCase, { stream, command, id, dedupe: 'state' });
  if (isRejection(done)) throw new OpsError(refusals[done.rejected]);
  // It is done: what follows would follow without us too, some moments later.
  const left = done.commit && (await react(deps, stream, done.commit).then(() => undefined, errorName));
  return { v: done.v, state: done.state, left };
};

/** The reported message that an operator may hide: of this case alone. @throws OpsError */
export const reportedMessage = async (
  deps: Deps,
  whose: Whose,
  v: number,
): Promise<{ conversation: ConversationId; message: string }> => {
  const found = (await entriesOf(deps, whose)).find((entry) => entry.v === v)?.event;
  if (found?.type !== 'Reported' || found.evidence.type !== 'message')
    throw new OpsError(`at ${v} of this case no message was reported: cases show lists what was`);
  const { conversation: id, message } = found.evidence;
  const { state } = await load(deps, conversation, { tenant: whose.tenant, kind: 'conversation', id });
  const hidden = state.status === 'none' ? {} : (state.hidden ?? {});
  if (Object.keys(hidden).length >= HIDDEN_LIMIT)
    throw new OpsError(`${HIDDEN_LIMIT} messages of this conversation were hidden: suspend or ban instead`);
  return { conversation: ConversationId.parse(id), message };
};
