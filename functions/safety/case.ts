/**
 * A case: what people reported of one person, and what moderators did about it. One stream for each person reported, which nobody
 * in the app sees; what takes effect is told by reactions. Pure.
 */
import { z } from 'zod';
import { type Aggregate, type Rejection, reject } from '../../core/decider.ts';
import { ConversationId, Timestamp, UserId } from '../../core/ids.ts';
import { Standing } from '../../core/standing.ts';
import { Text } from '../../core/text.ts';
import { Action, SUSPENSIONS_LIMIT, standingBy, withAction } from './actions.ts';
import { Evidence } from './evidence.ts';

export const REPORT_CHARACTERS = 2000;
const person = { person: UserId, at: Timestamp };
const reporting = {
  ...person,
  by: UserId,
  reason: z.string(),
  text: z.string().optional(),
  evidence: Evidence,
};
/** By whom, and why: for other moderators, never for the person. */
const moderating = { ...person, operator: Text(100), reason: Text(500) };
const warning = { ...moderating, /** What the person is told. */ text: Text(500) };
const hiding = { ...moderating, conversation: ConversationId, message: z.string() };
const suspending = { ...moderating, until: Timestamp };

export const CaseCommand = z.discriminatedUnion('type', [
  z.object({ type: z.literal('Report'), ...reporting }),
  z.object({ type: z.literal('Warn'), ...warning }),
  z.object({ type: z.literal('Hide'), ...hiding }),
  z.object({ type: z.literal('Suspend'), ...suspending }),
  z.object({ type: z.literal('Ban'), ...moderating }),
  z.object({ type: z.literal('Reverse'), ...moderating, action: z.int().min(1) }),
  z.object({ type: z.literal('Dismiss'), ...moderating }),
  z.object({ type: z.literal('Note'), ...moderating }),
  z.object({ type: z.literal('View'), ...moderating }),
]);

/** Reports that nobody has answered yet: how many, and since when. */
const open = { open: z.int().min(0), since: Timestamp.optional() };
const acted = { ...open, action: z.int().min(1) };
const stored = { ...person, ...open, operator: z.string(), reason: z.string() };

export const CaseEvent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('Reported'), ...reporting, ...open }),
  z.object({ type: z.literal('Warned'), ...stored, ...acted, text: z.string() }),
  z.object({
    type: z.literal('ContentHidden'),
    ...stored,
    ...acted,
    conversation: ConversationId,
    message: z.string(),
  }),
  z.object({ type: z.literal('Suspended'), ...stored, ...acted, until: Timestamp, standing: Standing }),
  z.object({ type: z.literal('Banned'), ...stored, ...acted, standing: Standing }),
  z.object({ type: z.literal('Reversed'), ...stored, of: Action, standing: Standing }),
  z.object({ type: z.literal('Dismissed'), ...stored }),
  z.object({ type: z.literal('Noted'), ...stored }),
  z.object({ type: z.literal('Viewed'), ...stored }),
]);

const CaseState = z.object({
  person: UserId.optional(),
  ...open,
  /** How many actions there ever were: it numbers them. */
  acted: z.int().min(0),
  /** Those that hold. */
  actions: z.array(Action),
});

export type CaseCommand = z.infer<typeof CaseCommand>;
export type CaseEvent = z.infer<typeof CaseEvent>;
export type CaseState = z.infer<typeof CaseState>;
export type CaseRejection =
  | 'self'
  | 'no-such-action'
  | 'over-already'
  | 'banned-already'
  | 'hidden-already'
  | 'too-many';
type Decision = CaseEvent[] | Rejection<CaseRejection>;

/** What an event did that can be reversed. */
const actionOf = (event: CaseEvent): Action | undefined => {
  switch (event.type) {
    case 'Warned':
      return { type: 'warned', action: event.action };
    case 'ContentHidden':
      return { type: 'hidden', action: event.action, conversation: event.conversation, message: event.message };
    case 'Suspended':
      return { type: 'suspended', action: event.action, until: event.until };
    case 'Banned':
      return { type: 'banned', action: event.action };
    case 'Reported':
    case 'Reversed':
    case 'Dismissed':
    case 'Noted':
    case 'Viewed':
      return undefined;
  }
};

const evolve = (before: CaseState, event: CaseEvent): CaseState => {
  const { person, open, since, at } = event;
  const { acted, actions } = before;
  const now = { person, open, ...(since !== undefined && { since }) };
  if (event.type === 'Reversed')
    return { ...now, acted, actions: actions.filter(({ action }) => action !== event.of.action) };
  const action = actionOf(event);
  return action
    ? { ...now, acted: action.action, actions: withAction(actions, action, at) }
    : { ...now, acted, actions };
};

const openIn = ({ open, since }: CaseState) => ({ open, ...(since !== undefined && { since }) });
/** Whoever acts has answered what was reported so far. */
const answered = { open: 0 };

const hide = (command: Extract<CaseCommand, { type: 'Hide' }>, { acted, actions }: CaseState): Decision => {
  if (actions.some((each) => each.type === 'hidden' && each.message === command.message))
    return reject('hidden-already');
  return [{ ...command, type: 'ContentHidden', ...answered, action: acted + 1 }];
};

const suspend = (command: Extract<CaseCommand, { type: 'Suspend' }>, { acted, actions }: CaseState): Decision => {
  const { until, at } = command;
  if (Date.parse(until) <= Date.parse(at)) return reject('over-already');
  const after = withAction(actions, { type: 'suspended', action: acted + 1, until }, at);
  if (after.filter(({ type }) => type === 'suspended').length > SUSPENSIONS_LIMIT) return reject('too-many');
  return [{ ...command, type: 'Suspended', ...answered, action: acted + 1, standing: standingBy(after, at) }];
};

const ban = (command: Extract<CaseCommand, { type: 'Ban' }>, { acted, actions }: CaseState): Decision => {
  if (actions.some(({ type }) => type === 'banned')) return reject('banned-already');
  return [{ ...command, type: 'Banned', ...answered, action: acted + 1, standing: { is: 'banned' } }];
};

const reverse = ({ action, ...command }: Extract<CaseCommand, { type: 'Reverse' }>, before: CaseState): Decision => {
  const of = before.actions.find((each) => each.action === action);
  if (!of) return reject('no-such-action');
  const left = before.actions.filter((each) => each !== of);
  return [{ ...command, type: 'Reversed', ...openIn(before), of, standing: standingBy(left, command.at) }];
};

const decide = (command: CaseCommand, before: CaseState): Decision => {
  switch (command.type) {
    case 'Report':
      if (command.by === command.person) return reject('self');
      return [{ ...command, type: 'Reported', open: before.open + 1, since: before.since ?? command.at }];
    case 'Warn':
      return [{ ...command, type: 'Warned', ...answered, action: before.acted + 1 }];
    case 'Hide':
      return hide(command, before);
    case 'Suspend':
      return suspend(command, before);
    case 'Ban':
      return ban(command, before);
    case 'Reverse':
      return reverse(command, before);
    case 'Dismiss':
      return [{ ...command, type: 'Dismissed', ...answered }];
    case 'Note':
      return [{ ...command, type: 'Noted', ...openIn(before) }];
    case 'View':
      return [{ ...command, type: 'Viewed', ...openIn(before) }];
  }
};

export const theCase: Aggregate<CaseState, CaseCommand, CaseEvent, CaseRejection> = {
  kind: 'case',
  reducer: 1,
  State: CaseState,
  Event: CaseEvent,
  initial: { open: 0, acted: 0, actions: [] },
  evolve,
  decide,
  audience: () => [],
  count: () => 0,
};
