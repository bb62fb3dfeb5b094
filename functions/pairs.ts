/**
 * What follows from what two people make of each other: a match opens its conversation and is told to both; its end closes
 * the conversation and is told to both; what one does is told to one's own devices.
 */
import type { Commit } from '../core/commit.ts';
import type { Deps } from '../core/deps.ts';
import type { UserId } from '../core/ids.ts';
import type { Stream } from '../core/keys.ts';
import { type PersonCommand, person } from './accounts/person.ts';
import { conversationOf, MatchEvent } from './matching/match.ts';
import { conversation } from './messaging/conversation.ts';
import { type Step, step } from './steps.ts';

type Of<T extends MatchEvent['type']> = Extract<MatchEvent, { type: T }>;

/** How the commands that follow are named: what led to them, the pair, and which of their matches or commits it was. */
export const pairCauses = { matched: 'matched:', opened: 'opened:', ended: 'ended:', did: 'did:' } as const;
const nameOf = (cause: keyof typeof pairCauses, { id }: Stream, nth: number): string =>
  pairCauses[cause] + id + (cause === 'matched' && nth === 1 ? '' : `@${nth}`);

const tell = ({ tenant }: Stream, id: string, command: PersonCommand): Step =>
  step(person, { stream: { tenant, kind: 'person', id: command.person }, command, id, dedupe: 'receipt' });

const conversationStream = ({ tenant }: Stream, a: UserId, b: UserId, generation: number): Stream => ({
  ...{ tenant, kind: 'conversation' },
  id: conversationOf(a, b, generation),
});

/** The conversation first: who is told of it finds it there. */
const onMatched = (cause: Stream, { between: [a, b], at, ...event }: Of<'Matched'>): Step[][] => {
  const { generation = 1 } = event;
  const id = nameOf('matched', cause, generation);
  const open = step(conversation, {
    ...{ stream: conversationStream(cause, a, b, generation), id, dedupe: 'state' },
    command: { type: 'Open', members: [a, b], at },
  });
  // The first format was told without it, and a repetition must ask for the very same.
  const by = event.generation === undefined ? {} : { by: b };
  const told = { type: 'TellMatch', conversation: conversationOf(a, b, generation), ...by, at } as const;
  return [[open], [tell(cause, id, { ...told, person: a, with: b }), tell(cause, id, { ...told, person: b, with: a })]];
};

type Ending = Pick<Of<'Unmatched'>, 'by' | 'about' | 'generation' | 'at'>;
/** Who ends a match may be faster than who opens its conversation. */
const closing = (cause: Stream, { by, about, generation, at }: Ending): Step[][] => {
  const stream = conversationStream(cause, by, about, generation);
  const of = { stream, dedupe: 'state' } as const;
  return [
    [
      step(conversation, {
        ...of,
        command: { type: 'Open', members: [by, about], at },
        id: nameOf('opened', cause, generation),
      }),
    ],
    [
      step(conversation, {
        ...of,
        command: { type: 'Close', why: 'unmatched', at },
        id: nameOf('ended', cause, generation),
      }),
    ],
  ];
};

/** From then on nobody writes into the conversation of a match that has ended. @throws when that is not sure */
export const closeConversation = async (deps: Deps, cause: Stream, ending: Ending): Promise<void> => {
  for (const each of closing(cause, ending).flat()) await each.take(deps);
};

const onUnmatched = (cause: Stream, event: Of<'Unmatched'>): Step[][] => {
  const { by, about, generation, at } = event;
  const told = { type: 'TellEnd', conversation: conversationOf(by, about, generation), at } as const;
  const id = nameOf('ended', cause, generation);
  return [
    ...closing(cause, event),
    [tell(cause, id, { ...told, person: by, with: about }), tell(cause, id, { ...told, person: about, with: by })],
  ];
};

type Deed = Exclude<MatchEvent, { type: 'Matched' | 'Unmatched' }>;

/** What one's other devices are told. */
const deedOf = (event: Deed): Pick<Extract<PersonCommand, { type: 'TellDeed' }>, 'deed'> => {
  switch (event.type) {
    case 'Liked':
      return { deed: event.kind === 'super' ? 'super-like' : 'like' };
    case 'Passed':
      return { deed: 'pass' };
    case 'Deferred':
      return { deed: 'later' };
    case 'Undone':
      return { deed: 'none' };
    case 'Blocked':
      return { deed: 'block' };
    case 'Unblocked':
      return { deed: 'unblock' };
  }
};

const onDeed = (cause: Stream, v: number, event: Deed): Step[][] => {
  const { by, about, at } = event;
  return [
    [tell(cause, nameOf('did', cause, v), { type: 'TellDeed', person: by, about, ...deedOf(event), asOf: v, at })],
  ];
};

/** Who makes a match by liking is told of the match, and that is enough. */
export const onPair = (cause: Stream, { v, events }: Pick<Commit, 'v' | 'events'>): Step[][] => {
  const all = events.map((each) => MatchEvent.parse(each));
  const isMatched = all.some(({ type }) => type === 'Matched');
  return all.flatMap((event) => {
    if (event.type === 'Matched') return onMatched(cause, event);
    if (event.type === 'Unmatched') return onUnmatched(cause, event);
    return isMatched && event.type === 'Liked' ? [] : onDeed(cause, v, event);
  });
};
