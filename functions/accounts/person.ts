/** A person's own stream: what happened to them elsewhere and is theirs to know, and what they set for themselves. Pure. */
import { z } from 'zod';
import type { Aggregate, Rejection } from '../../core/decider.ts';
import { ConversationId, Timestamp, UserId } from '../../core/ids.ts';
import { Standing } from '../../core/standing.ts';
import { Holdings, holding, holdingsAfter, Units, unitsAfter } from './holdings.ts';
import { Preferences, samePreferences } from './preferences.ts';

const matched = { person: UserId, with: UserId, conversation: ConversationId, at: Timestamp };
/** Who made it by liking back. */
const madeBy = { by: UserId.optional() };
/** What one did about another; `asOf` is the version of their pair's stream: of two tellings the greater holds. */
const done = { person: UserId, about: UserId, asOf: z.int().min(1), at: Timestamp };
const Reaction = z.enum(['like', 'super-like', 'pass', 'later', 'none']);
const preferring = { person: UserId, preferences: Preferences, at: Timestamp };
/** What the app says when this person buys, so that the store's word leads back to them: it names nobody else. */
const AccountToken = z.uuid().lowercase();
const named = { person: UserId, token: AccountToken, at: Timestamp };
/** May a store be told how much of a purchase was used, when it is to be paid back? */
const consenting = { person: UserId, given: z.boolean(), at: Timestamp };
/** What moderators decided; `asOf` is the version of their case that led to it. */
const judged = { person: UserId, asOf: z.int().min(1), at: Timestamp };
const leaving = { person: UserId, at: Timestamp };

export const PersonCommand = z.discriminatedUnion('type', [
  z.object({ type: z.literal('TellMatch'), ...matched, ...madeBy }),
  z.object({ type: z.literal('TellEnd'), ...matched }),
  z.object({ type: z.literal('TellDeed'), ...done, deed: z.enum([...Reaction.options, 'block', 'unblock']) }),
  z.object({ type: z.literal('SetPreferences'), ...preferring }),
  z.object({ type: z.literal('TellPurchase'), ...holding }),
  z.object({ type: z.literal('MakeAccountToken'), ...named }),
  z.object({ type: z.literal('SetConsent'), ...consenting }),
  z.object({ type: z.literal('TellStanding'), ...judged, standing: Standing }),
  z.object({ type: z.literal('TellWarning'), ...judged, text: z.string() }),
  z.object({ type: z.literal('BeginErasure'), ...leaving }),
  z.object({ type: z.literal('EndErasure'), ...leaving }),
]);
export const PersonEvent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('MatchMade'), ...matched, ...madeBy }),
  z.object({ type: z.literal('MatchEnded'), ...matched }),
  z.object({ type: z.literal('Reacted'), ...done, kind: Reaction }),
  z.object({ type: z.literal('BlockSet'), ...done }),
  z.object({ type: z.literal('BlockLifted'), ...done }),
  z.object({ type: z.literal('PreferencesSet'), ...preferring }),
  z.object({ type: z.literal('PurchaseChanged'), ...holding }),
  // An erasure takes the token.
  z.object({ type: z.literal('AccountTokenMade'), ...named, token: AccountToken.optional() }),
  z.object({ type: z.literal('ConsumptionConsentSet'), ...consenting }),
  /** Always the newest that is known, also when an older one is told late. */
  z.object({ type: z.literal('StandingChanged'), ...judged, standing: Standing }),
  z.object({ type: z.literal('WarningGiven'), ...judged, text: z.string() }),
  z.object({ type: z.literal('ErasureBegun'), ...leaving }),
  z.object({ type: z.literal('Erased'), ...leaving }),
]);
const PersonState = z.object({
  person: UserId.optional(),
  preferences: Preferences.optional(),
  purchases: Holdings.optional(),
  units: Units.optional(),
  accountToken: AccountToken.optional(),
  consent: z.boolean().optional(),
  standing: z.object({ asOf: z.int(), now: Standing }).optional(),
  /** From `begun` on nothing else is said of them, and nobody is told. */
  erasure: z.enum(['begun', 'done']).optional(),
});

export type PersonCommand = z.infer<typeof PersonCommand>;
export type PersonEvent = z.infer<typeof PersonEvent>;
export type PersonState = z.infer<typeof PersonState>;

const evolve = (before: PersonState, event: PersonEvent): PersonState => {
  const { person } = event;
  switch (event.type) {
    case 'MatchMade':
    case 'MatchEnded':
    case 'Reacted':
    case 'BlockSet':
    case 'BlockLifted':
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
    case 'StandingChanged':
      return { ...before, person, standing: { asOf: event.asOf, now: event.standing } };
    case 'WarningGiven':
      return { ...before, person };
    case 'ErasureBegun':
      return { person, erasure: 'begun' };
    case 'Erased':
      return { person, erasure: 'done' };
  }
};

/** Reactions still tell them things, which nobody hears. */
const endOf = (command: PersonCommand, erasure: 'begun' | 'done'): PersonEvent[] =>
  command.type === 'EndErasure' && erasure === 'begun' ? [{ ...command, type: 'Erased' }] : [];

const toldDeed = ({ deed, type: _type, ...done }: Extract<PersonCommand, { type: 'TellDeed' }>): PersonEvent => {
  if (deed === 'block') return { type: 'BlockSet', ...done };
  return deed === 'unblock' ? { type: 'BlockLifted', ...done } : { type: 'Reacted', ...done, kind: deed };
};

/** Cases are told one version at a time, and in any order: what is told late changes nothing, and says what holds. */
const standingChanged = (
  { person, asOf, standing, at }: Extract<PersonCommand, { type: 'TellStanding' }>,
  { standing: known }: PersonState,
): PersonEvent => {
  const newest = known && known.asOf > asOf ? { asOf: known.asOf, standing: known.now } : { asOf, standing };
  return { type: 'StandingChanged', person, ...newest, at };
};

const decide = (command: PersonCommand, before: PersonState): PersonEvent[] | Rejection<never> => {
  if (before.erasure) return endOf(command, before.erasure);
  switch (command.type) {
    case 'TellMatch':
      return [{ ...command, type: 'MatchMade' }];
    case 'TellEnd':
      return [{ ...command, type: 'MatchEnded' }];
    case 'TellDeed':
      return [toldDeed(command)];
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
    case 'TellStanding':
      return [standingChanged(command, before)];
    case 'TellWarning':
      return [{ ...command, type: 'WarningGiven' }];
    case 'BeginErasure':
      return [{ ...command, type: 'ErasureBegun' }];
    case 'EndErasure':
      return [];
  }
};

export const person: Aggregate<PersonState, PersonCommand, PersonEvent, never> = {
  kind: 'person',
  reducer: 4,
  alsoReads: [2, 3],
  State: PersonState,
  Event: PersonEvent,
  initial: {},
  evolve,
  decide,
  audience: ({ person, erasure }) => (person && !erasure ? [person] : []),
  count: () => 0,
};
