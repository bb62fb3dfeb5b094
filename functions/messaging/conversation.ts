/** A conversation between its members: opened once, then messages, numbered 1, 2, 3, …, until it is closed for ever. Pure. */
import { z } from 'zod';
import { type Aggregate, type Rejection, reject } from '../../core/decider.ts';
import { Timestamp, UserId } from '../../core/ids.ts';
import { Text } from '../../core/text.ts';
import { Hiding, hidingAfter, isNews } from './hiding.ts';

export const MESSAGE_CHARACTERS = 4000;
const Members = z.array(UserId).min(2).max(100);
/** All members read it: a block is said as what it is to the other one, the end of a match. */
const Ending = z.enum(['unmatched', 'erased']);

/** Moderators hide a message, and may show it again: the newest word of their case holds. */
const veiling = { id: z.string(), asOf: z.int().min(1), at: Timestamp };

export const ConversationCommand = z.discriminatedUnion('type', [
  z.object({ type: z.literal('Open'), members: Members, at: Timestamp }),
  z.object({ type: z.literal('Send'), id: z.string(), by: UserId, text: Text(MESSAGE_CHARACTERS), at: Timestamp }),
  z.object({ type: z.literal('Close'), why: Ending, at: Timestamp }),
  z.object({ type: z.literal('Erase'), by: UserId, at: Timestamp }),
  z.object({ type: z.literal('Hide'), ...veiling }),
  z.object({ type: z.literal('Reveal'), ...veiling }),
]);

export const ConversationEvent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('Opened'), members: Members, at: Timestamp }),
  z.object({
    type: z.literal('Sent'),
    id: z.string(),
    /** Counts the messages of this conversation: 1, 2, 3, … */
    number: z.int().min(1),
    by: UserId,
    text: z.string(),
    at: Timestamp,
  }),
  z.object({ type: z.literal('Closed'), why: Ending, at: Timestamp }),
  /** What they wrote is gone here, as it must be everywhere. */
  z.object({ type: z.literal('Erased'), by: UserId, at: Timestamp }),
  z.object({ type: z.literal('Hidden'), ...veiling }),
  z.object({ type: z.literal('Revealed'), ...veiling }),
]);

const ConversationState = z.discriminatedUnion('status', [
  z.object({ status: z.literal('none') }),
  z.object({ status: z.literal('open'), members: Members, messages: z.int().min(0), hidden: Hiding.optional() }),
  z.object({
    ...{ status: z.literal('closed'), members: Members, messages: z.int().min(0), why: Ending },
    hidden: Hiding.optional(),
    /** Members who were erased. */
    gone: z.array(UserId).max(100).optional(),
  }),
]);

export type ConversationCommand = z.infer<typeof ConversationCommand>;
export type ConversationEvent = z.infer<typeof ConversationEvent>;
export type ConversationState = z.infer<typeof ConversationState>;
/** To who is not a member, a conversation does not exist. */
export type ConversationRejection = 'not-found' | 'closed';

/** Who may read it, also when it is closed. */
export const membersOf = (state: ConversationState): readonly UserId[] =>
  state.status === 'none' ? [] : state.members;

const stillThere = ({ members, gone = [] }: Extract<ConversationState, { status: 'closed' }>): UserId[] =>
  members.filter((member) => !gone.includes(member));

const evolve = (before: ConversationState, event: ConversationEvent): ConversationState => {
  switch (event.type) {
    case 'Opened':
      return { status: 'open', members: event.members, messages: 0 };
    case 'Sent':
      return before.status === 'open' ? { ...before, messages: event.number } : before;
    case 'Closed':
      return before.status === 'open' ? { ...before, status: 'closed', why: event.why } : before;
    case 'Erased':
      return before.status === 'closed' ? { ...before, gone: [...(before.gone ?? []), event.by] } : before;
    case 'Hidden':
    case 'Revealed':
      return before.status === 'none' ? before : { ...before, hidden: hidingAfter(before.hidden, event) };
  }
};

const send = (
  command: Extract<ConversationCommand, { type: 'Send' }>,
  state: ConversationState,
): ConversationEvent[] | Rejection<ConversationRejection> => {
  if (state.status === 'closed') return reject(state.members.includes(command.by) ? 'closed' : 'not-found');
  return state.status === 'open' && state.members.includes(command.by)
    ? [{ ...command, type: 'Sent', number: state.messages + 1 }]
    : reject('not-found');
};

/** Only of what is closed: nobody can say anything between. */
const erase = (
  command: Extract<ConversationCommand, { type: 'Erase' }>,
  state: ConversationState,
): ConversationEvent[] | Rejection<ConversationRejection> => {
  if (state.status !== 'closed' || !state.members.includes(command.by)) return reject('not-found');
  return state.gone?.includes(command.by) ? [] : [{ ...command, type: 'Erased' }];
};

const decide = (
  command: ConversationCommand,
  state: ConversationState,
): ConversationEvent[] | Rejection<ConversationRejection> => {
  switch (command.type) {
    case 'Open':
      return state.status === 'none' ? [{ ...command, type: 'Opened' }] : [];
    case 'Send':
      return send(command, state);
    case 'Close':
      if (state.status === 'none') return reject('not-found');
      return state.status === 'open' ? [{ ...command, type: 'Closed' }] : [];
    case 'Erase':
      return erase(command, state);
    case 'Hide':
    case 'Reveal':
      if (state.status === 'none' || !isNews(state.hidden, command)) return [];
      return [{ ...command, type: command.type === 'Hide' ? 'Hidden' : 'Revealed' }];
  }
};

export const conversation: Aggregate<ConversationState, ConversationCommand, ConversationEvent, ConversationRejection> =
  {
    kind: 'conversation',
    reducer: 2,
    // Nothing was ever closed.
    alsoReads: [1],
    State: ConversationState,
    Event: ConversationEvent,
    initial: { status: 'none' },
    evolve,
    decide,
    audience: (state) => (state.status === 'closed' ? stillThere(state) : membersOf(state)),
    count: (state) => (state.status === 'none' ? 0 : state.messages),
  };
