/** A person's own stream: what happened to them elsewhere and is theirs to know, and what they set for themselves. Pure. */
import { z } from 'zod';
import type { Aggregate, Rejection } from '../../core/decider.ts';
import { ConversationId, Timestamp, UserId } from '../../core/ids.ts';
import { Holdings, holding, holdingsAfter, Units, unitsAfter } from './holdings.ts';
import { Preferences, samePreferences } from './preferences.ts';

const matched = { person: UserId, with: UserId, conversation: ConversationId, at: Timestamp };
const preferring = { person: UserId, preferences: Preferences, at: Timestamp };
/** What the app says when this person buys, so that the store's word leads back to them: it names nobody else. */
const AccountToken = z.uuid().lowercase();
const named = { person: UserId, token: AccountToken, at: Timestamp };
/** May a store be told how much of a purchase was used, when it is to be paid back? */
const consenting = { person: UserId, given: z.boolean(), at: Timestamp };

export const PersonCommand = z.discriminatedUnion('type', [
  z.object({ type: z.literal('TellMatch'), ...matched }),
  z.object({ type: z.literal('SetPreferences'), ...preferring }),
  z.object({ type: z.literal('TellPurchase'), ...holding }),
  z.object({ type: z.literal('MakeAccountToken'), ...named }),
  z.object({ type: z.literal('SetConsent'), ...consenting }),
]);
export const PersonEvent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('MatchMade'), ...matched }),
  z.object({ type: z.literal('PreferencesSet'), ...preferring }),
  z.object({ type: z.literal('PurchaseChanged'), ...holding }),
  z.object({ type: z.literal('AccountTokenMade'), ...named }),
  z.object({ type: z.literal('ConsumptionConsentSet'), ...consenting }),
]);
const PersonState = z.object({
  person: UserId.optional(),
  preferences: Preferences.optional(),
  purchases: Holdings.optional(),
  units: Units.optional(),
  accountToken: AccountToken.optional(),
  consent: z.boolean().optional(),
});

export type PersonCommand = z.infer<typeof PersonCommand>;
export type PersonEvent = z.infer<typeof PersonEvent>;
export type PersonState = z.infer<typeof PersonState>;

const evolve = (before: PersonState, event: PersonEvent): PersonState => {
  const { person } = event;
  switch (event.type) {
    case 'MatchMade':
      return { ...before, person };
    case 'PreferencesSet':
      return { ...before, person, preferences: event.preferences };
    case 'PurchaseChanged':
      return {
        ...{ ...before, person },
        purchases: holdingsAfter(before.purchases, event),
        units: unitsAfter(before.units, event),
      };
    case 'AccountTokenMade':
      return { ...before, person, accountToken: event.token };
    case 'ConsumptionConsentSet':
      return { ...before, person, consent: event.given };
  }
};

const decide = (command: PersonCommand, before: PersonState): PersonEvent[] | Rejection<never> => {
  switch (command.type) {
    case 'TellMatch':
      return [{ ...command, type: 'MatchMade' }];
    case 'SetPreferences':
      // Whoever says the same again has nothing to say; the first time also the defaults are said.
      if (before.preferences && samePreferences(before.preferences, command.preferences)) return [];
      return [{ ...command, type: 'PreferencesSet' }];
    case 'TellPurchase':
      // Also what came late: its units count, and its receipt says that it was told.
      return [{ ...command, type: 'PurchaseChanged' }];
    case 'MakeAccountToken':
      return before.accountToken ? [] : [{ ...command, type: 'AccountTokenMade' }];
    case 'SetConsent':
      return before.consent === command.given ? [] : [{ ...command, type: 'ConsumptionConsentSet' }];
  }
};

export const person: Aggregate<PersonState, PersonCommand, PersonEvent, never> = {
  kind: 'person',
  reducer: 3,
  alsoReads: [2],
  State: PersonState,
  Event: PersonEvent,
  initial: {},
  evolve,
  decide,
  audience: ({ person }) => (person ? [person] : []),
  count: () => 0,
};
