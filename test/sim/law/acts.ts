/**
 * What people may do, one kind of stream after the other: each act runs the real command loop as its handler does, and may
 * die right after its put. A new event type needs an act that leads to it.
 */
import fc from 'fast-check';
import { isRejection } from '../../../core/decider.ts';
import { ring, sendInbox } from '../../../core/deliver.ts';
import { execute } from '../../../core/execute.ts';
import { digest, TenantId, UserId } from '../../../core/ids.ts';
import { type Stream, streamName } from '../../../core/keys.ts';
import { load } from '../../../core/load.ts';
import { mute } from '../../../core/mute.ts';
import { readMark } from '../../../core/pointers.ts';
import { raise, tellRead } from '../../../core/registers.ts';
import { person } from '../../../functions/accounts/person.ts';
import { type MatchCommand, match, pairId } from '../../../functions/matching/match.ts';
import { conversation, membersOf } from '../../../functions/messaging/conversation.ts';
import { react } from '../../../functions/reactions.ts';
import { events } from '../../memory.ts';
import { CustomerActs, performCustomer } from './customers.ts';
import { LeaverActs, performLeaver } from './leavers.ts';
import type { Little } from './little.ts';
import { ModeratorActs, performModerator } from './moderators.ts';
import { ProfileActs, performProfile } from './profiles.ts';

export const tenant = TenantId.parse('demo');
export const people = ['ada', 'ben', 'cleo'].map((name) => UserId.parse(name));
type Person = (typeof people)[number];

const who = fc.constantFrom(...people);
const back = { Pass: 'Undo', Defer: 'Undo', Block: 'Unblock', Like: undefined, Meet: 'Unmatch' } as const;
/** `Meet`: both like. */
const deeds = ['Like', 'Like', 'Like', 'Meet', 'Meet', 'Pass', 'Defer', 'Block'] as const;
const TEXTS = ['hi', '🙂 €\u200d𝄞', 'long '.repeat(400)];

/** `where` chooses among the conversations that one is in. */
export const Acts = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.record({
      ...{ do: fc.constant('feel' as const), by: who, about: who },
      ...{ deed: fc.constantFrom(...deeds), isTakenBack: fc.boolean() },
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('gather' as const),
      members: fc.uniqueArray(who, { minLength: 2, maxLength: 3 }),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('say' as const),
      by: who,
      where: fc.nat(5),
      text: fc.constantFrom(...TEXTS),
      times: fc.integer({ min: 1, max: 9 }),
      behind: fc.nat(4),
      again: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('read' as const), by: who, where: fc.nat(5), back: fc.nat(5) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('mute' as const),
      by: who,
      where: fc.nat(5),
      until: fc.constantFrom('forever', '2027-01-01T00:00:00.000Z', undefined),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('prefer' as const),
      by: who,
      matches: fc.constantFrom('push' as const, 'none' as const, undefined),
      from: fc.constantFrom('22:00', undefined),
    }),
  },
  { weight: 6, arbitrary: CustomerActs },
  { weight: 6, arbitrary: ModeratorActs },
  { weight: 5, arbitrary: ProfileActs },
  { weight: 1, arbitrary: LeaverActs },
);
export type Act = typeof Acts extends fc.Arbitrary<infer T> ? T : never;

export type Played = Little & {
  /** Conversations so far, by who is in them. */
  conversations: Map<string, { stream: Stream; members: readonly Person[] }>;
  /** What each person said to have read, by person and stream. */
  reads: Map<string, number>;
  /** What each person muted, and how often that changed, by person and stream. */
  mutes: Map<string, { muted?: string; mutes: number }>;
  /** Names commands. */
  next: () => number;
};

/** Conversations come from matches too, so they are looked up where commits stand. */
const conversationsOf = async ({ deps, dynamo, conversations }: Played, by: Person): Promise<Stream[]> => {
  for (const { pk } of dynamo.items(events.name)) {
    const [, kind, id] = String(pk).split('#');
    if (kind !== 'conversation' || !id || conversations.has(id)) continue;
    const stream: Stream = { tenant, kind, id };
    const { state } = await load(deps(), conversation, stream);
    conversations.set(id, { stream, members: membersOf(state) });
  }
  return [...conversations.values()].filter(({ members }) => members.includes(by)).map(({ stream }) => stream);
};

type Deed = MatchCommand['type'];
const deem = async (played: Played, { by, about }: { by: Person; about: Person }, type: Deed): Promise<void> => {
  const deps = played.deps();
  const stream: Stream = { tenant, kind: 'pair', id: pairId(by, about) };
  const command = { type, by, about, at: deps.now().toISOString() };
  const done = await execute(deps, match, { stream, command, by, id: `feel-${played.next()}`, dedupe: 'state' });
  if (!isRejection(done) && done.commit && !played.dies()) await react(deps, stream, done.commit);
};

const feel = async (played: Played, { deed, isTakenBack, ...act }: Extract<Act, { do: 'feel' }>): Promise<void> => {
  await deem(played, act, deed === 'Meet' ? 'Like' : deed);
  if (deed === 'Meet') await deem(played, { by: act.about, about: act.by }, 'Like');
  const taken = isTakenBack ? back[deed] : undefined;
  if (taken) await deem(played, act, taken);
};

const gather = async (played: Played, { members }: Extract<Act, { do: 'gather' }>): Promise<void> => {
  const deps = played.deps();
  const stream: Stream = { tenant, kind: 'conversation', id: `cnv_${digest('group', ...members)}` };
  const command = { type: 'Open' as const, members, at: deps.now().toISOString() };
  const done = await execute(deps, conversation, { stream, command, id: 'gather', dedupe: 'state' });
  if (!isRejection(done) && done.fresh && done.commit && !played.dies()) await ring(deps, stream, done.commit);
};

const say = async (played: Played, { by, where, text, ...act }: Extract<Act, { do: 'say' }>): Promise<void> => {
  const streams = await conversationsOf(played, by);
  const stream = streams[where % streams.length];
  if (!stream) return;
  for (let time = 0; time < act.times; time++) {
    const deps = played.deps();
    const { v, state } = await load(deps, conversation, stream);
    if (state.status === 'closed') return;
    const id = `say-${played.next()}`;
    const command = { type: 'Send' as const, id: `msg_${id}`, by, text, at: deps.now().toISOString() };
    const execution = { stream, command, id, by, dedupe: { after: Math.max(1, v - act.behind) } };
    const done = await execute(deps, conversation, execution);
    if (isRejection(done) || !done.commit) throw new Error(`${by} may not write into ${streamName(stream)}`);
    if (!played.dies()) await ring(deps, stream, done.commit);
    if (act.again) await execute(deps, conversation, execution);
  }
};

const read = async (played: Played, { by, where, back }: Extract<Act, { do: 'read' }>): Promise<void> => {
  const streams = await conversationsOf(played, by);
  const stream = streams[where % streams.length];
  if (!stream) return;
  const deps = played.deps();
  const { state } = await load(deps, conversation, stream);
  const upTo = conversation.count(state) - back;
  if (upTo < 1) return;
  const { outcome, pointer } = await raise(deps, by, stream, readMark, upTo);
  // Refused as long as nobody has rung for them.
  if (!pointer || outcome === 'beyond') return;
  const name = `${by} ${streamName(stream)}`;
  played.reads.set(name, Math.max(upTo, played.reads.get(name) ?? 0));
  if (outcome === 'moved' && !played.dies()) await tellRead(deps, pointer);
};

const silence = async (played: Played, { by, where, until }: Extract<Act, { do: 'mute' }>): Promise<void> => {
  const streams = await conversationsOf(played, by);
  const stream = streams[where % streams.length];
  if (!stream) return;
  const deps = played.deps();
  const muting = await mute(deps, by, stream, until);
  if (!muting) throw new Error(`${by} may not mute ${streamName(stream)}`);
  const name = `${by} ${streamName(stream)}`;
  const { muted, mutes } = played.mutes.get(name) ?? { mutes: 0 };
  if (muted !== until) played.mutes.set(name, { ...(until === undefined ? {} : { muted: until }), mutes: mutes + 1 });
  if (muting.moved && !played.dies()) await sendInbox(deps, muting.pointer);
};

const prefer = async (played: Played, { by, matches, from }: Extract<Act, { do: 'prefer' }>): Promise<void> => {
  const deps = played.deps();
  const stream: Stream = { tenant, kind: 'person', id: by };
  const kinds = matches === undefined ? {} : { matches };
  const preferences = { kinds, ...(from === undefined ? {} : { quiet: { from, to: '07:00' } }) };
  const command = { type: 'SetPreferences' as const, person: by, preferences, at: deps.now().toISOString() };
  const done = await execute(deps, person, { stream, command, by, id: `prefer-${played.next()}`, dedupe: 'state' });
  if (!isRejection(done) && done.fresh && done.commit && !played.dies()) await ring(deps, stream, done.commit);
};

export const perform = (played: Played, act: Act): Promise<void> => {
  switch (act.do) {
    case 'feel':
      return feel(played, act);
    case 'gather':
      return gather(played, act);
    case 'say':
      return say(played, act);
    case 'read':
      return read(played, act);
    case 'mute':
      return silence(played, act);
    case 'prefer':
      return prefer(played, act);
    case 'leave':
      return performLeaver(played, act);
    case 'moderate':
      return performModerator(played, act);
    case 'describe':
    case 'visit':
    case 'judge':
      return performProfile(played, act);
    default:
      return performCustomer(played, act);
  }
};
