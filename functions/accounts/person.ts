/** A person's own stream: what happened to them elsewhere and is theirs to know. Pure. */
import { z } from 'zod';
import type { Aggregate, Rejection } from '../../core/decider.ts';
import { ConversationId, Timestamp, UserId } from '../../core/ids.ts';

const matched = { person: UserId, with: UserId, conversation: ConversationId, at: Timestamp };

export const PersonCommand = z.discriminatedUnion('type', [z.object({ type: z.literal('TellMatch'), ...matched })]);
export const PersonEvent = z.discriminatedUnion('type', [z.object({ type: z.literal('MatchMade'), ...matched })]);
const PersonState = z.object({ person: UserId.optional() });

export type PersonCommand = z.infer<typeof PersonCommand>;
export type PersonEvent = z.infer<typeof PersonEvent>;
export type PersonState = z.infer<typeof PersonState>;

const evolve = (_before: PersonState, event: PersonEvent): PersonState => {
  switch (event.type) {
    case 'MatchMade':
      return { person: event.person };
  }
};

const decide = (command: PersonCommand): PersonEvent[] | Rejection<never> => {
  switch (command.type) {
    case 'TellMatch':
      return [{ ...command, type: 'MatchMade' }];
  }
};

export const person: Aggregate<PersonState, PersonCommand, PersonEvent, never> = {
  kind: 'person',
  reducer: 1,
  State: PersonState,
  Event: PersonEvent,
  initial: {},
  evolve,
  decide,
  audience: ({ person }) => (person ? [person] : []),
  count: () => 0,
};
