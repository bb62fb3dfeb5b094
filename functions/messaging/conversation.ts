/** A conversation between its members: opened once, then messages, numbered 1, 2, 3, …. Pure. */
import { z } from 'zod';
import { type Aggregate, type Rejection, reject } from '../../core/decider.ts';
import { Timestamp, UserId } from '../../core/ids.ts';
import { Text } from '../../core/text.ts';

export const MESSAGE_CHARACTERS = 4000;
const Members = z.array(UserId).min(2).max(100);

export const ConversationCommand = z.discriminatedUnion('type', [
  z.object({ type: z.literal('Open'), members: Members, at: Timestamp }),
  z.object({ type: z.literal('Send'), id: z.string(), by: UserId, text: Text(MESSAGE_CHARACTERS), at: Timestamp }),
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
]);

const ConversationState = z.discriminatedUnion('status', [
  z.object({ status: z.literal('none') }),
  z.object({ status: z.literal('open'), members: Members, messages: z.int().min(0) }),
]);

export type ConversationCommand = z.infer<typeof ConversationCommand>;
export type ConversationEvent = z.infer<typeof ConversationEvent>;
export type ConversationState = z.infer<typeof ConversationState>;
/** To who is not a member, a conversation does not exist. */
export type ConversationRejection = 'not-found';

export const membersOf = (state: ConversationState): readonly UserId[] =>
  state.status === 'open' ? state.members : [];

const evolve = (before: ConversationState, event: ConversationEvent): ConversationState => {
  switch (event.type) {
    case 'Opened':
      return { status: 'open', members: event.members, messages: 0 };
    case 'Sent':
      return before.status === 'open' ? { ...before, messages: event.number } : before;
  }
};

const decide = (
  command: ConversationCommand,
  state: ConversationState,
): ConversationEvent[] | Rejection<ConversationRejection> => {
  switch (command.type) {
    case 'Open':
      return state.status === 'open' ? [] : [{ ...command, type: 'Opened' }];
    case 'Send':
      return state.status === 'open' && state.members.includes(command.by)
        ? [{ ...command, type: 'Sent', number: state.messages + 1 }]
        : reject('not-found');
  }
};

export const conversation: Aggregate<ConversationState, ConversationCommand, ConversationEvent, ConversationRejection> =
  {
    kind: 'conversation',
    reducer: 1,
    State: ConversationState,
    Event: ConversationEvent,
    initial: { status: 'none' },
    evolve,
    decide,
    audience: membersOf,
    count: (state) => (state.status === 'open' ? state.messages : 0),
  };
