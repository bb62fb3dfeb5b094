/** A person's own stream: what happened to them elsewhere and is theirs to know, and what they set for themselves. Pure. */
import { z } from 'zod';
import type { Aggregate, Rejection } from '../../core/decider.ts';
import { ConversationId, Timestamp, UserId } from '../../core/ids.ts';
import { Preferences, samePreferences } from './preferences.ts';

const matched = { person: UserId, with: UserId, conversation: ConversationId, at: Timestamp };
const preferring = { person: UserId, preferences: Preferences, at: Timestamp };

export const PersonCommand = z.discriminatedUnion('type', [
  z.object({ type: z.literal('TellMatch'), ...matched }),
  z.object({ type: z.literal('SetPreferences'), ...preferring }),
]);
export const PersonEvent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('MatchMade'), ...matched }),
  z.object({ type: z.literal('PreferencesSet'), ...preferring }),
]);
const PersonState = z.object({ person: UserId.optional(), preferences: Preferences.optional() });

export type PersonCommand = z.infer<typeof PersonCommand>;
export type PersonEvent = z.infer<typeof PersonEvent>;
export type PersonState = z.infer<typeof PersonState>;

const evolve = (before: PersonState, event: PersonEvent): PersonState => {
  switch (event.type) {
    case 'MatchMade':
      return { ...before, person: event.person };
    case 'PreferencesSet':
      return { ...before, person: event.person, preferences: event.preferences };
  }
};

const decide = (command: PersonCommand, { preferences }: PersonState): PersonEvent[] | Rejection<never> => {
  switch (command.type) {
    case 'TellMatch':
      return [{ ...command, type: 'MatchMade' }];
    case 'SetPreferences':
      // Whoever says the same again has nothing to say; the first time also the defaults are said.
      if (preferences && samePreferences(preferences, command.preferences)) return [];
      return [{ ...command, type: 'PreferencesSet' }];
  }
};

export const person: Aggregate<PersonState, PersonCommand, PersonEvent, never> = {
  kind: 'person',
  reducer: 2,
  State: PersonState,
  Event: PersonEvent,
  initial: {},
  evolve,
  decide,
  audience: ({ person }) => (person ? [person] : []),
  count: () => 0,
};
