/** An aggregate as a device has it: no commands, only what its events mean. Everything in and out is plain JSON. */
import { z } from 'zod';
import type { Aggregate } from '../../../core/decider.ts';
import type { StreamKind } from '../../../core/keys.ts';
import { person } from '../../../functions/accounts/person.ts';
import { match } from '../../../functions/matching/match.ts';
import { conversation } from '../../../functions/messaging/conversation.ts';
import { profile } from '../../../functions/profiles/profile.ts';
import { ownership } from '../../../functions/purchases/ownership.ts';
import { theCase } from '../../../functions/safety/case.ts';

export type Folding = {
  reducer: number;
  /** Every type of event that its schema knows. */
  types: readonly string[];
  initial: unknown;
  /** On from a state, by events as they came. @throws ZodError for either of another shape */
  onward: (state: unknown, events: readonly unknown[]) => unknown;
  audience: (state: unknown) => readonly string[];
  count: (state: unknown) => number;
};

const Union = z.object({
  oneOf: z.array(z.object({ properties: z.object({ type: z.object({ const: z.string() }) }) })),
});
const typesOf = (schema: z.ZodType): string[] =>
  Union.parse(z.toJSONSchema(schema, { unrepresentable: 'any' })).oneOf.map(({ properties }) => properties.type.const);

const foldingOf = <S, C, E extends { type: string }, R extends string>({
  evolve,
  ...aggregate
}: Aggregate<S, C, E, R>): Folding => ({
  reducer: aggregate.reducer,
  types: typesOf(aggregate.Event),
  initial: aggregate.initial,
  onward: (state, events) =>
    events.map((event) => aggregate.Event.parse(event)).reduce(evolve, aggregate.State.parse(state)),
  audience: (state) => aggregate.audience(aggregate.State.parse(state)),
  count: (state) => aggregate.count(aggregate.State.parse(state)),
});

/** A stream of a new kind stands here before anything compiles. */
const all: Record<StreamKind, Folding> = {
  case: foldingOf(theCase),
  conversation: foldingOf(conversation),
  pair: foldingOf(match),
  person: foldingOf(person),
  profile: foldingOf(profile),
  purchase: foldingOf(ownership),
};
export const foldings: Readonly<Record<string, Folding>> = all;

/** @param name such as conversation/cnv_… */
export const foldingFor = (name: string): Folding => {
  const folding = foldings[name.slice(0, name.indexOf('/'))];
  if (!folding) throw new Error(`no aggregate for ${name}`);
  return folding;
};
